# Outside libraries, found once. Each is linked PRIVATE by the folders that ARCHITECTURE.md names.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(libevent REQUIRED IMPORTED_TARGET libevent_core libevent_extra)
pkg_check_modules(libevent_openssl REQUIRED IMPORTED_TARGET libevent_openssl)
pkg_check_modules(openssl REQUIRED IMPORTED_TARGET openssl)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(libcjson REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(libcurl REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(expat REQUIRED IMPORTED_TARGET expat)
pkg_check_modules(libyaml REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(libseccomp REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(libcrypt REQUIRED IMPORTED_TARGET libcrypt)
pkg_check_modules(cmocka REQUIRED IMPORTED_TARGET cmocka)

# libunistring and XGBoost ship no pkg-config file. Debian's XGBoost CMake package names a program
# that is packaged elsewhere, so it cannot be asked; a newer library is found by CMAKE_PREFIX_PATH.
find_library(UNISTRING_LIBRARY unistring REQUIRED)
find_library(XGBOOST_LIBRARY xgboost REQUIRED)
find_path(XGBOOST_INCLUDE_DIR xgboost/c_api.h REQUIRED)
add_library(xgboost::xgboost UNKNOWN IMPORTED)
set_target_properties(xgboost::xgboost PROPERTIES IMPORTED_LOCATION "${XGBOOST_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${XGBOOST_INCLUDE_DIR}")

# The shortest text of a number (Ryu) as PostgreSQL keeps it: a static library of its server package.
find_program(PG_CONFIG pg_config REQUIRED)
execute_process(COMMAND ${PG_CONFIG} --pkglibdir OUTPUT_VARIABLE PG_PKGLIBDIR
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PG_CONFIG} --includedir-server OUTPUT_VARIABLE PG_INCLUDEDIR
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
find_library(PGCOMMON_LIBRARY pgcommon REQUIRED HINTS "${PG_PKGLIBDIR}" "/usr/lib/postgresql/15/lib")
# Its object files refer to an allocator that prints by libpgport before it exits. Never called here.
find_library(PGPORT_LIBRARY pgport REQUIRED HINTS "${PG_PKGLIBDIR}" "/usr/lib/postgresql/15/lib")
add_library(pgcommon STATIC IMPORTED)
set_target_properties(pgcommon PROPERTIES IMPORTED_LOCATION "${PGCOMMON_LIBRARY}"
  INTERFACE_INCLUDE_DIRECTORIES "${PG_INCLUDEDIR}" INTERFACE_LINK_LIBRARIES "${PGPORT_LIBRARY}")
