/*
 * Bearer tokens: HS256 JWTs with the claims sub, jti, iat, exp and type = "access", and nothing
 * else accepted (api.md, Auth). Signature and comparison are OpenSSL's; the text is ours to read
 * strictly. Pure but for the keys' working memory: bytes and `now` in, verdict out.
 */
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

#include <stddef.h>
#include <stdint.h>

#include "auth/claims.h"
#include "base/arena.h"
#include "base/str.h"

#define JWT_MAX 4096      /* bytes of a token */
#define JWT_MIN_SECRET 32 /* bytes */
#define JWT_SKEW_SECONDS 60

/* The current key signs and verifies; the previous one only verifies. One thread at a time. */
struct jwt_keys;

/* previous: may be empty. -EINVAL for a key below JWT_MIN_SECRET, -ENOMEM. The texts are copied. */
int jwt_keys_new(struct str current, struct str previous, struct jwt_keys **ret);
void jwt_keys_free(struct jwt_keys *k);

enum jwt_verdict { JWT_GOOD, JWT_INVALID, JWT_EXPIRED, JWT_VERDICT_MAX };

/*
 * Three strict unpadded base64url parts; header members alg = HS256 and typ = JWT only, no member
 * twice; sub, jti, iat, exp and type required; iat and nbf, if there, not in the future; 60 s of
 * skew; constant-time comparison. *ret is written for JWT_GOOD and JWT_EXPIRED. The signature is
 * checked before any claim is believed. Scratch comes from the arena (bounded by JWT_MAX); if that
 * fails the verdict is JWT_INVALID and arena_failed() says so. why: static words for the log, never
 * for the answer; may be NULL.
 */
enum jwt_verdict jwt_verify(struct str token, struct jwt_keys *keys, int64_t now, struct arena *a,
                            struct jwt_claims *ret, const char **why);

/* Writes the token, terminated, to ret (JWT_MAX bytes). 0, or -EIO (OpenSSL). */
int jwt_sign(const struct jwt_claims *claims, struct jwt_keys *keys, char *ret);

#endif
