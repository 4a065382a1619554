/* The first byte chooses: a list of blobs, a token, a connection string, an address. */
#include <stdint.h>
#include <stdlib.h>

#include "azure/blob_address.h"
#include "azure/connection_string.h"
#include "azure/listing.h"
#include "azure/oauth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(uint8_t which, struct str text, struct arena *a)
{
	struct listing l = { .arena = a, .limit = 100 };
	struct credentials c = { 0 };
	struct oauth_answer answer;
	struct blob_address at;
	struct errbuf err;
	char *copy = arena_strndup(a, text);

	if (!copy)
		return;
	if (which == 'x')
		listing_parse(text, &l);
	else if (which == 'j')
		oauth_parse(text, 1000, a, &answer);
	else if (which == 'c')
		connection_string_parse(copy, &c, &err);
	else
		blob_address_parse(copy, a, &at, &err);
	listing_done(&l);
	credentials_done(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = { 0 };

	if (size > 0)
		parse(data[0], (struct str){ (const char *)data + 1, size - 1 }, &a);
	arena_done(&a);
	return 0;
}
