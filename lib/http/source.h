/* How many connections each client address holds now. A small open-addressing table. */
#ifndef HTTP_SOURCE_H
#define HTTP_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "http/address.h"

struct source {
	struct http_address address; /* the port is always 0 */
	uint32_t count;              /* 0: the place is free */
};

/* { 0 } is valid and empty. */
struct source_table {
	struct source *places;
	size_t room; /* power of two, or 0 */
	size_t used;
};

/* One connection more. Returns 0, -ENOMEM, or -EUSERS if it has `most` of them already. */
int source_add(struct source_table *t, const struct http_address *a, uint32_t most);
void source_remove(struct source_table *t, const struct http_address *a);
void source_done(struct source_table *t);

#endif
