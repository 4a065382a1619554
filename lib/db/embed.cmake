# Writes sql/*.sql and sql/queries/*.sql into one C file (lib/db/embedded.h). Run at build time:
#   cmake -DSQL_DIR=… -DOUTPUT=… -P embed.cmake
function(embed_array name folder ret)
  file(GLOB paths "${folder}/*.sql")
  list(SORT paths)
  set(texts "")
  set(rows "")
  set(count 0)
  foreach(path IN LISTS paths)
    get_filename_component(file "${path}" NAME)
    file(READ "${path}" hex HEX)
    file(SHA256 "${path}" sum)
    string(LENGTH "${hex}" digits)
    math(EXPR bytes "${digits} / 2")
    string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
    string(APPEND texts "static const unsigned char ${name}_${count}[] = {\n${hex}0x00\n};\n\n")
    string(APPEND rows
      "\t{ \"${file}\", \"${sum}\", { (const char *)${name}_${count}, ${bytes} } },\n")
    math(EXPR count "${count} + 1")
  endforeach()
  set(${ret} "${texts}const struct embedded_file embedded_${name}[] = {\n${rows}};\n" PARENT_SCOPE)
endfunction()

embed_array(migrations "${SQL_DIR}" migrations)
embed_array(queries "${SQL_DIR}/queries" queries)
file(WRITE "${OUTPUT}" "/* Made by embed.cmake from sql/. */
#include \"db/embedded.h\"

${migrations}
const size_t embedded_migration_count =
\tsizeof(embedded_migrations) / sizeof(embedded_migrations[0]);

${queries}
const size_t embedded_query_count = sizeof(embedded_queries) / sizeof(embedded_queries[0]);
")
