/*
 * The first line is a variable's value, the rest a query. What comes out of the binding has no
 * variable and means the same when it is bound again: no value ever ends its own quotes.
 */
#include <stdint.h>
#include <stdlib.h>

#include "db/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *newline = size ? memchr(data, '\n', size) : NULL;
	size_t length = newline ? (size_t)(newline - (const char *)data) : 0;
	struct str sql = { (const char *)data + length, size - length };
	char *value = strndup((const char *)data, length);
	const struct query_variable variables[] = { { "v", value }, { "n", NULL } };
	struct strbuf once = { 0 }, twice = { 0 };
	struct errbuf err;

	if (!value)
		return 0;
	if (query_bind(sql, variables, 2, &once, &err) == 0) {
		if (query_bind(strbuf_str(&once), NULL, 0, &twice, &err) != 0 ||
		    !str_equal(strbuf_str(&once), strbuf_str(&twice)))
			abort();
	}
	strbuf_done(&once);
	strbuf_done(&twice);
	free(value);
	return 0;
}
