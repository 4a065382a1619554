/* Bytes as text: base64 (RFC 4648, with the URL alphabet too), hex, percent, UUIDv7. */
#ifndef BASE_ENCODE_H
#define BASE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define UUID_TEXT_SIZE 37 /* with the terminator */

/* Encoded length without the terminator; with padding. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4)

/* ret holds BASE64_SIZE(n) + 1 bytes. Returns the length written. url: '-', '_' and no padding. */
size_t base64_encode(const void *p, size_t n, int url, char *ret);
/* Strict: no blank, no missing or superfluous padding, unused bits zero. room >= n / 4 * 3 + 3.
 * Returns the number of bytes or -EINVAL. */
long base64_decode(struct str s, int url, void *ret);

/* Lower case; ret holds 2n + 1 bytes. */
void hex_encode(const void *p, size_t n, char *ret);
/* Both cases; -EINVAL unless s is exactly 2n hex digits. */
int hex_decode(struct str s, void *ret, size_t n);

/* RFC 9562 version 7: 48 bits of the given Unix time in ms, the rest random (getrandom). */
int uuid7(int64_t unix_ms, char ret[UUID_TEXT_SIZE]);
/* 8-4-4-4-12 hex digits, any version. */
int uuid_is_valid(struct str s);

#endif
