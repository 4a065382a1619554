/*
 * Addresses are kept as 16 bytes and a family, not as struct sockaddr: 20 bytes a connection
 * instead of 128, compared by memcmp, and free of the socket layer, so that parsers of PROXY
 * headers and of X-Forwarded-For stay pure. Mapped IPv6 is folded into IPv4 at each entrance, here
 * and only here.
 */
#include "http/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static void fold_mapped(struct http_address *a)
{
	if (a->family != HTTP_FAMILY_IPV6 ||
	    memcmp(a->bytes, mapped_prefix, sizeof(mapped_prefix)) != 0)
		return;
	memcpy(a->bytes, a->bytes + 12, 4);
	memset(a->bytes + 4, 0, 12);
	a->family = HTTP_FAMILY_IPV4;
}

struct http_address http_address_of_bytes(enum http_family family, const void *bytes, uint16_t port)
{
	struct http_address a = { .family = (uint8_t)family, .port = port };

	memcpy(a.bytes, bytes, family == HTTP_FAMILY_IPV4 ? 4 : 16);
	fold_mapped(&a);
	return a;
}

struct http_address http_address_of_sockaddr(const struct sockaddr *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&in, sa, sizeof(in));
		return http_address_of_bytes(HTTP_FAMILY_IPV4, &in.sin_addr, ntohs(in.sin_port));
	case AF_INET6:
		memcpy(&in6, sa, sizeof(in6));
		return http_address_of_bytes(HTTP_FAMILY_IPV6, &in6.sin6_addr,
		                             ntohs(in6.sin6_port));
	default:
		return (struct http_address){ .family = HTTP_FAMILY_NONE };
	}
}

static int parse_port(struct str s, uint16_t *ret)
{
	unsigned long long port;

	if (s.n > 5 || str_to_u64(s, &port) < 0 || port > 65535)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

/* An address without a port. */
static int parse_bare(struct str s, enum http_family family, struct http_address *ret)
{
	char text[HTTP_ADDRESS_SIZE];
	uint8_t bytes[16];

	if (s.n == 0 || s.n >= sizeof(text) || memchr(s.p, '\0', s.n))
		return -EINVAL;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(family == HTTP_FAMILY_IPV4 ? AF_INET : AF_INET6, text, bytes) != 1)
		return -EINVAL;
	*ret = http_address_of_bytes(family, bytes, 0);
	return 0;
}

/* "[address]" or "[address]:port". */
static int parse_bracketed(struct str s, struct http_address *ret)
{
	const char *end = memchr(s.p, ']', s.n);
	struct http_address a;
	struct str rest;

	if (!end)
		return -EINVAL;
	rest = (struct str){ end + 1, (size_t)(s.p + s.n - end - 1) };
	if (parse_bare((struct str){ s.p + 1, (size_t)(end - s.p - 1) }, HTTP_FAMILY_IPV6, &a) < 0)
		return -EINVAL;
	if (rest.n > 0 &&
	    (rest.p[0] != ':' || parse_port((struct str){ rest.p + 1, rest.n - 1 }, &a.port) < 0))
		return -EINVAL;
	*ret = a;
	return 0;
}

int http_address_parse(struct str s, struct http_address *ret)
{
	const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
	struct http_address a;
	size_t host;

	if (s.n > 0 && s.p[0] == '[')
		return parse_bracketed(s, ret);
	if (!colon)
		return parse_bare(s, HTTP_FAMILY_IPV4, ret);
	host = (size_t)(colon - s.p);
	if (memchr(colon + 1, ':', s.n - host - 1))
		return parse_bare(s, HTTP_FAMILY_IPV6, ret);
	if (parse_bare((struct str){ s.p, host }, HTTP_FAMILY_IPV4, &a) < 0 ||
	    parse_port((struct str){ colon + 1, s.n - host - 1 }, &a.port) < 0)
		return -EINVAL;
	*ret = a;
	return 0;
}

const char *http_address_print(const struct http_address *a, char ret[HTTP_ADDRESS_SIZE])
{
	if (a->family == HTTP_FAMILY_NONE)
		return memcpy(ret, "-", 2);
	return inet_ntop(a->family == HTTP_FAMILY_IPV4 ? AF_INET : AF_INET6, a->bytes, ret,
	                 HTTP_ADDRESS_SIZE);
}

bool http_address_equal(const struct http_address *a, const struct http_address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* True if the first `bits` bits of both are the same. */
static bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8;
	unsigned rest = bits % 8;
	uint8_t mask = (uint8_t)(0xff00U >> rest);

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] & mask) == (b[whole] & mask);
}

static bool bits_after_are_zero(const struct http_address *a, unsigned bits)
{
	struct http_address cut = *a;

	for (unsigned i = bits; i < 128; i++)
		cut.bytes[i / 8] &= (uint8_t) ~(0x80U >> (i % 8));
	return http_address_equal(a, &cut);
}

int http_network_parse(struct str s, struct http_network *ret)
{
	const char *slash = s.n ? memchr(s.p, '/', s.n) : NULL;
	struct str host = slash ? (struct str){ s.p, (size_t)(slash - s.p) } : s;
	unsigned long long bits;
	struct http_address a;
	bool is_ipv6 = host.n && memchr(host.p, ':', host.n);

	if (parse_bare(host, is_ipv6 ? HTTP_FAMILY_IPV6 : HTTP_FAMILY_IPV4, &a) < 0)
		return -EINVAL;
	bits = is_ipv6 ? 128 : 32;
	if (slash) {
		struct str text = { slash + 1, s.n - host.n - 1 };
		unsigned long long most = bits;

		if (str_to_u64(text, &bits) < 0 || bits > most)
			return -EINVAL;
	}
	/* A network written in mapped form counts its bits from the start of the IPv6 address. */
	if (is_ipv6 && a.family == HTTP_FAMILY_IPV4) {
		if (bits < 96)
			return -EINVAL;
		bits -= 96;
	}
	if (!bits_after_are_zero(&a, (unsigned)bits))
		return -EINVAL;
	*ret = (struct http_network){ .address = a, .bits = (uint8_t)bits };
	return 0;
}

bool http_network_has(const struct http_network *networks, size_t count,
                      const struct http_address *a)
{
	for (size_t i = 0; i < count; i++) {
		if (networks[i].address.family == a->family &&
		    prefix_equal(networks[i].address.bytes, a->bytes, networks[i].bits))
			return true;
	}
	return false;
}
