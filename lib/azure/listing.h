/* The XML of a list of blobs. Private to lib/azure, but for its test and fuzzer. */
#ifndef AZURE_LISTING_H
#define AZURE_LISTING_H

#include "azure/azure.h"
#include "base/arena.h"

struct listing {
	struct arena *arena;         /* of the names */
	struct azure_entry *entries; /* heap */
	size_t count, room;
	size_t limit;
	char *marker; /* of the page that follows, the arena's; "" = this was the last */
};

/* Adds a page. -EBADMSG if it is no such XML, -E2BIG beyond the limit, -ENOMEM. */
int listing_parse(struct str xml, struct listing *l);
void listing_done(struct listing *l);

#endif
