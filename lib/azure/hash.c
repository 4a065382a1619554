/*
 * MD5 because Azure checks each block by it (an accident on the way, not an attacker), SHA-256 for
 * the whole. Called by upload.c and download.c.
 */
#include "azure/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/encode.h"

struct hash {
	EVP_MD_CTX *context;
};

int hash_md5(struct str s, char ret[HASH_MD5_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!EVP_Digest(s.p, s.n, digest, &n, EVP_md5(), NULL))
		return -ENOTSUP;
	base64_encode(digest, n, 0, ret);
	return 0;
}

int hash_sha256(struct str s, char ret[HASH_SHA256_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!EVP_Digest(s.p, s.n, digest, &n, EVP_sha256(), NULL))
		return -ENOMEM;
	hex_encode(digest, n, ret);
	return 0;
}

int hash_new(struct hash **ret)
{
	struct hash *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->context = EVP_MD_CTX_new();
	if (!h->context || !EVP_DigestInit_ex(h->context, EVP_sha256(), NULL)) {
		hash_free(h);
		return -ENOMEM;
	}
	*ret = h;
	return 0;
}

int hash_add(struct hash *h, const void *p, size_t n)
{
	return EVP_DigestUpdate(h->context, p, n) ? 0 : -EIO;
}

int hash_end(struct hash *h, char ret[HASH_SHA256_BYTES])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;

	if (!EVP_DigestFinal_ex(h->context, digest, &n))
		return -EIO;
	hex_encode(digest, n, ret);
	return 0;
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->context);
	free(h);
}
