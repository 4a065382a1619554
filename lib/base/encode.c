/*
 * Text forms of bytes. Decoding is strict, each value has exactly one text: a lax base64 would give
 * a token or a digest several spellings, which somebody then compares as strings. Called for
 * tokens, storage signatures, digests of model files and ids of requests and jobs.
 */
#include "base/encode.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/random.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char for_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex_digits[] = "0123456789abcdef";

size_t base64_encode(const void *p, size_t n, int url, char *ret)
{
	const char *alphabet = url ? for_url : standard;
	const uint8_t *in = p;
	char *out = ret;

	while (n > 0) {
		size_t take = n < 3 ? n : 3;
		uint32_t bits = (uint32_t)in[0] << 16;

		if (take > 1)
			bits |= (uint32_t)in[1] << 8;
		if (take > 2)
			bits |= in[2];
		for (unsigned i = 0; i < 4; i++) {
			if (i <= take)
				*out++ = alphabet[bits >> (18 - 6 * i) & 63];
			else if (!url)
				*out++ = '=';
		}
		in += take;
		n -= take;
	}
	*out = '\0';
	return (size_t)(out - ret);
}

/* 0 to 63, or -1. */
static int base64_value(char c, int url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (url ? '-' : '+'))
		return 62;
	if (c == (url ? '_' : '/'))
		return 63;
	return -1;
}

/* 2 to 4 characters to 1 to 3 bytes; returns how many, or -EINVAL. */
static int decode_group(const char *p, size_t n, int url, uint8_t *out)
{
	uint32_t bits = 0;

	if (n < 2)
		return -EINVAL;
	for (size_t i = 0; i < 4; i++) {
		int value = i < n ? base64_value(p[i], url) : 0;

		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
	}
	if ((n == 2 && (bits & 0xffff)) || (n == 3 && (bits & 0xff)))
		return -EINVAL;
	for (size_t i = 0; i + 1 < n; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	return (int)n - 1;
}

long base64_decode(struct str s, int url, void *ret)
{
	uint8_t *out = ret;

	if (!url) {
		if (s.n % 4)
			return -EINVAL;
		for (int i = 0; i < 2 && s.n > 0 && s.p[s.n - 1] == '='; i++)
			s.n--;
	}
	while (s.n > 0) {
		size_t take = s.n < 4 ? s.n : 4;
		int written = decode_group(s.p, take, url, out);

		if (written < 0)
			return written;
		out += written;
		s.p += take;
		s.n -= take;
	}
	return out - (uint8_t *)ret;
}

void hex_encode(const void *p, size_t n, char *ret)
{
	const uint8_t *in = p;

	for (size_t i = 0; i < n; i++) {
		*ret++ = hex_digits[in[i] >> 4];
		*ret++ = hex_digits[in[i] & 15];
	}
	*ret = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(struct str s, void *ret, size_t n)
{
	uint8_t *out = ret;

	if (s.n % 2 || s.n / 2 != n)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		if (hex_value(s.p[i]) < 0)
			return -EINVAL;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned high = (unsigned)hex_value(s.p[2 * i]);
		unsigned low = (unsigned)hex_value(s.p[2 * i + 1]);

		out[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

static bool dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

int uuid7(int64_t unix_ms, char ret[UUID_TEXT_SIZE])
{
	uint8_t id[16];
	char *out = ret;

	/* So few bytes never come in part; before the kernel's pool is seeded the call waits. */
	while (getrandom(id, sizeof(id), 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	for (unsigned i = 0; i < 6; i++)
		id[i] = (uint8_t)((uint64_t)unix_ms >> (40 - 8 * i));
	id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
	id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
	for (size_t i = 0; i < sizeof(id); i++) {
		if (dash_before(i))
			*out++ = '-';
		*out++ = hex_digits[id[i] >> 4];
		*out++ = hex_digits[id[i] & 15];
	}
	*out = '\0';
	return 0;
}

int uuid_is_valid(struct str s)
{
	if (s.n != UUID_TEXT_SIZE - 1)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.p[i] != '-' : hex_value(s.p[i]) < 0)
			return 0;
	}
	return 1;
}
