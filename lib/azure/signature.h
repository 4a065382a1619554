/* Shared Key of Azure Storage (version 2015-02-21 and later) and the pieces of text it needs.
 * Private to lib/azure, but for its test. */
#ifndef AZURE_SIGNATURE_H
#define AZURE_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"

struct signature_pair {
	const char *name;  /* lower case */
	const char *value; /* not encoded */
};

struct signature_input {
	const char *method;
	const char *account;
	const char *path; /* of the URL, exactly as sent */
	uint64_t content_length;
	const char *content_md5, *content_type; /* "" if not sent */
	const char *if_match, *if_none_match, *range;
	const struct signature_pair *headers; /* every x-ms-*, sorted by name */
	size_t header_count;
	const struct signature_pair *query; /* sorted by name, no name twice */
	size_t query_count;
};

void signature_text(const struct signature_input *in, struct strbuf *out);

#define SIGNATURE_BYTES 45 /* base64 of HMAC-SHA256, with the terminator */
int signature_sign(const void *key, size_t key_size, struct str text, char ret[SIGNATURE_BYTES]);

/* "Mon, 01 Jan 2024 00:00:00 GMT" */
#define SIGNATURE_DATE_BYTES 30
void signature_date(int64_t unix_us, char ret[SIGNATURE_DATE_BYTES]);

/* The one encoder of paths and queries: everything but letters, digits, "-._~"; and '/' if
 * path. */
void signature_encode(struct strbuf *out, const char *text, int path);

#endif
