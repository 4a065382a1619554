/* Finds an embedded query by name; the arrays themselves are made at build time (embed.cmake). */
#include "db/embedded.h"

#include <string.h>

const struct embedded_file *embedded_query(const char *name)
{
	size_t i, n = strlen(name);

	for (i = 0; i < embedded_query_count; i++)
		if (!strncmp(embedded_queries[i].name, name, n) &&
		    !strcmp(embedded_queries[i].name + n, ".sql"))
			return &embedded_queries[i];
	return NULL;
}
