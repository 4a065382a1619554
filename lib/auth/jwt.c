/*
 * Tokens as bytes: three parts, a signature over the first two, and only then what they say. The
 * order is the point: nothing of the claims is looked at before the signature was found good, and
 * of the header only that it asks for what we do anyway.
 *
 * The keys are OpenSSL contexts that have taken the key in already: keying anew costs 3 µs a token,
 * a copy of the keyed state 0.9 µs (measured, 260 bytes). Called by front for each request.
 */
#include "auth/jwt.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdio.h>

#include "auth/claims.h"
#include "base/cleanup.h"
#include "base/encode.h"

#define SIGNATURE_SIZE 32

struct jwt_keys {
	EVP_MAC_CTX *current, *previous; /* previous: NULL if there is none */
};

/* {"alg":"HS256","typ":"JWT"}: what we write, and PyJWT too. */
static const struct str our_header = STR_INIT("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9");

struct parts {
	struct str header, claims, signature;
	struct str signed_text; /* header, dot, claims */
};

/* --- keys --- */

static int key_new(EVP_MAC *mac, struct str secret, EVP_MAC_CTX **ret)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0),
		                      OSSL_PARAM_construct_end() };
	EVP_MAC_CTX *key;

	if (secret.n < JWT_MIN_SECRET)
		return -EINVAL;
	key = EVP_MAC_CTX_new(mac);
	if (!key || !EVP_MAC_init(key, (const unsigned char *)secret.p, secret.n, params)) {
		EVP_MAC_CTX_free(key);
		return -ENOMEM;
	}
	*ret = key;
	return 0;
}

void jwt_keys_free(struct jwt_keys *k)
{
	if (!k)
		return;
	EVP_MAC_CTX_free(k->current);
	EVP_MAC_CTX_free(k->previous);
	free(k);
}

int jwt_keys_new(struct str current, struct str previous, struct jwt_keys **ret)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	struct jwt_keys *k = calloc(1, sizeof(*k));
	int r = mac && k ? 0 : -ENOMEM;

	if (r == 0)
		r = key_new(mac, current, &k->current);
	if (r == 0 && previous.n > 0)
		r = key_new(mac, previous, &k->previous);
	EVP_MAC_free(mac); /* the contexts hold it */
	if (r < 0) {
		jwt_keys_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

static int sign(EVP_MAC_CTX *key, struct str text, unsigned char ret[SIGNATURE_SIZE])
{
	size_t n;

	if (!EVP_MAC_init(key, NULL, 0, NULL) ||
	    !EVP_MAC_update(key, (const unsigned char *)text.p, text.n) ||
	    !EVP_MAC_final(key, ret, &n, SIGNATURE_SIZE) || n != SIGNATURE_SIZE)
		return -EIO;
	return 0;
}

static bool is_signed_by(EVP_MAC_CTX *key, struct str text, const unsigned char *signature)
{
	unsigned char ours[SIGNATURE_SIZE];

	return key && sign(key, text, ours) == 0 &&
	       CRYPTO_memcmp(ours, signature, SIGNATURE_SIZE) == 0;
}

/* --- verifying --- */

static bool split(struct str token, struct parts *ret)
{
	const char *first = token.n ? memchr(token.p, '.', token.n) : NULL;
	const char *second;
	const char *end = token.p + token.n;

	if (!first)
		return false;
	second = memchr(first + 1, '.', (size_t)(end - first - 1));
	if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
		return false;
	ret->header = (struct str){ token.p, (size_t)(first - token.p) };
	ret->claims = (struct str){ first + 1, (size_t)(second - first - 1) };
	ret->signature = (struct str){ second + 1, (size_t)(end - second - 1) };
	ret->signed_text = (struct str){ token.p, (size_t)(second - token.p) };
	return true;
}

/* NULL, with the words, if the part is no base64url; .p is never NULL else. */
static struct str decode(struct str part, struct arena *a, const char **why)
{
	char *bytes = arena_alloc(a, part.n / 4 * 3 + 3);
	long n = bytes ? base64_decode(part, 1, bytes) : -ENOMEM;

	if (n < 0) {
		*why = n == -ENOMEM ? "out of memory" : "a part is no base64url";
		return (struct str){ NULL, 0 };
	}
	return (struct str){ bytes, (size_t)n };
}

static bool has_good_signature(const struct parts *p, struct jwt_keys *keys, struct arena *a,
                               const char **why)
{
	struct str signature = decode(p->signature, a, why);
	const unsigned char *bytes = (const unsigned char *)signature.p;

	if (!signature.p)
		return false;
	if (signature.n == SIGNATURE_SIZE && (is_signed_by(keys->current, p->signed_text, bytes) ||
	                                      is_signed_by(keys->previous, p->signed_text, bytes)))
		return true;
	*why = "the signature is not ours";
	return false;
}

static bool has_good_header(const struct parts *p, struct arena *a, const char **why)
{
	struct str header;

	if (str_equal(p->header, our_header))
		return true;
	header = decode(p->header, a, why);
	return header.p && claims_check_header(header, a, why) == 0;
}

static enum jwt_verdict judge_times(const struct jwt_claims *claims, int64_t not_before,
                                    int64_t now, const char **why)
{
	*why = "issued in the future";
	if (claims->issued_at > now + JWT_SKEW_SECONDS)
		return JWT_INVALID;
	*why = "not valid yet";
	if (not_before > now + JWT_SKEW_SECONDS)
		return JWT_INVALID;
	*why = "expired";
	return claims->expires_at <= now - JWT_SKEW_SECONDS ? JWT_EXPIRED : JWT_GOOD;
}

enum jwt_verdict jwt_verify(struct str token, struct jwt_keys *keys, int64_t now, struct arena *a,
                            struct jwt_claims *ret, const char **why)
{
	const char *unheard;
	struct jwt_claims claims;
	int64_t not_before;
	struct parts p;
	struct str text;
	enum jwt_verdict verdict;

	if (!why)
		why = &unheard;
	*why = "not three parts of at most 4 KiB";
	if (token.n > JWT_MAX || !split(token, &p))
		return JWT_INVALID;
	if (!has_good_header(&p, a, why) || !has_good_signature(&p, keys, a, why))
		return JWT_INVALID;
	text = decode(p.claims, a, why);
	if (!text.p || claims_read(text, a, &claims, &not_before, why) < 0)
		return JWT_INVALID;
	verdict = judge_times(&claims, not_before, now, why);
	if (verdict != JWT_INVALID)
		*ret = claims;
	return verdict;
}

/* --- signing --- */

int jwt_sign(const struct jwt_claims *claims, struct jwt_keys *keys, char *ret)
{
	unsigned char signature[SIGNATURE_SIZE];
	char text[256];
	char *at = ret;
	int n = snprintf(text, sizeof(text),
	                 "{\"sub\":\"%lld\",\"jti\":\"%s\",\"iat\":%lld,\"exp\":%lld,"
	                 "\"type\":\"access\"}",
	                 (long long)claims->user, claims->jti, (long long)claims->issued_at,
	                 (long long)claims->expires_at);

	memcpy(at, our_header.p, our_header.n);
	at += our_header.n;
	*at++ = '.';
	at += base64_encode(text, (size_t)n, 1, at);
	if (sign(keys->current, (struct str){ ret, (size_t)(at - ret) }, signature) < 0)
		return -EIO;
	*at++ = '.';
	base64_encode(signature, sizeof(signature), 1, at);
	return 0;
}
