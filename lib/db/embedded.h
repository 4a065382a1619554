/* The files of sql/ inside the program, so that an installed one needs no checkout. The arrays are
 * made by embed.cmake, in order of their names. */
#ifndef DB_EMBEDDED_H
#define DB_EMBEDDED_H

#include <stddef.h>

#include "base/str.h"

struct embedded_file {
	const char *name;   /* "001_transactions.sql", "training_window.sql" */
	const char *sha256; /* 64 hex digits */
	struct str text;    /* terminated */
};

extern const struct embedded_file embedded_migrations[];
extern const size_t embedded_migration_count;
extern const struct embedded_file embedded_queries[];
extern const size_t embedded_query_count;

/* A file of sql/queries/ by its name without ".sql"; NULL if there is none. */
const struct embedded_file *embedded_query(const char *name);

#endif
