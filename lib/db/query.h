/*
 * An operator's SQL file with variables as psql writes them: :'name' stands for a quoted literal
 * (so `psql -v from=… -f sql/queries/training_window.sql` runs the same file). COPY takes no
 * parameters, hence this. Quotes, dollar quotes and comments are left alone; `::type` is a cast.
 */
#ifndef DB_QUERY_H
#define DB_QUERY_H

#include <stddef.h>

#include "base/errbuf.h"
#include "base/strbuf.h"

struct query_variable {
	const char *name;
	const char *value; /* NULL: the word null */
};

/* Appends the text with all variables filled in. Pure. -EINVAL with line and name for a variable
 * that is not in the list, an open quote, a value with a NUL or no UTF-8, or a second statement. */
int query_bind(struct str sql, const struct query_variable *variables, size_t count,
               struct strbuf *out, struct errbuf *err);

#endif
