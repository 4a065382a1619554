/* Digests of what goes over the wire. Used by lib/azure and by lib/registry. */
#ifndef AZURE_HASH_H
#define AZURE_HASH_H

#include <stddef.h>

#include "base/str.h"

#define HASH_MD5_BYTES 25    /* base64, with the terminator */
#define HASH_SHA256_BYTES 65 /* hex, with the terminator */

int hash_md5(struct str s, char ret[HASH_MD5_BYTES]);
int hash_sha256(struct str s, char ret[HASH_SHA256_BYTES]);

/* Piece by piece. */
struct hash;
int hash_new(struct hash **ret);
int hash_add(struct hash *h, const void *p, size_t n);
int hash_end(struct hash *h, char ret[HASH_SHA256_BYTES]);
void hash_free(struct hash *h);

#endif
