/* PostgreSQL's binary numeric as decimal text, which the number parser then rounds correctly. */
#ifndef FEATURES_PG_NUMERIC_H
#define FEATURES_PG_NUMERIC_H

#include <stddef.h>

#define PG_NUMERIC_TEXT_SIZE 1024

/* Length of the text; -ENODATA for NaN, -ERANGE for the infinities, -EBADMSG for other bytes.
 * The text names the same double and, below 64 bits, the same integer as the value. */
int pg_numeric_print(const void *p, size_t n, char ret[PG_NUMERIC_TEXT_SIZE]);

#endif
