/*
 * The PROXY v2 header as bytes: signature, version and command, family and transport, length,
 * addresses, TLVs. What the length covers beyond the addresses (TLVs) is skipped. connection.c
 * reads exactly proxy_size() bytes, because what follows may be a TLS handshake that OpenSSL must
 * see whole.
 */
#include "http/proxy.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const uint8_t signature[12] = { '\r', '\n', '\r', '\n', 0,   '\r',
	                               '\n', 'Q',  'U',  'I',  'T', '\n' };

enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 }; /* version 2 in the upper half */
enum { FAMILY_TCP4 = 0x11, FAMILY_TCP6 = 0x21 };

static unsigned get_u16(const char *p)
{
	return (unsigned)(uint8_t)p[0] << 8 | (uint8_t)p[1];
}

int proxy_size(struct str s)
{
	size_t known = s.n < sizeof(signature) ? s.n : sizeof(signature);
	unsigned size;

	if (known > 0 && memcmp(s.p, signature, known) != 0)
		return -EINVAL;
	if (s.n < PROXY_HEADER_SIZE)
		return PROXY_HEADER_SIZE;
	size = PROXY_HEADER_SIZE + get_u16(s.p + 14);
	return size > PROXY_SIZE_MAX ? -E2BIG : (int)size;
}

int proxy_parse(struct str s, struct http_address *ret)
{
	int size = proxy_size(s);
	const char *at = s.p + PROXY_HEADER_SIZE;
	uint8_t command, family;

	if (size < 0 || (size_t)size != s.n)
		return -EINVAL;
	command = (uint8_t)s.p[12];
	family = (uint8_t)s.p[13];
	if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
		return -EINVAL;
	if (command == COMMAND_LOCAL || (family != FAMILY_TCP4 && family != FAMILY_TCP6)) {
		*ret = (struct http_address){ .family = HTTP_FAMILY_NONE };
		return 0;
	}
	/* Source address, destination address, source port, destination port. */
	if (family == FAMILY_TCP4) {
		if (size < PROXY_HEADER_SIZE + 12)
			return -EINVAL;
		*ret = http_address_of_bytes(HTTP_FAMILY_IPV4, at, (uint16_t)get_u16(at + 8));
		return 0;
	}
	if (size < PROXY_HEADER_SIZE + 36)
		return -EINVAL;
	*ret = http_address_of_bytes(HTTP_FAMILY_IPV6, at, (uint16_t)get_u16(at + 32));
	return 0;
}
