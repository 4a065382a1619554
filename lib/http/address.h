/*
 * Internet addresses as bytes: who the peer is, and whether a list of networks holds it. Pure. An
 * IPv4 address that arrives mapped into IPv6 (::ffff:a.b.c.d) is kept as IPv4, so a network written
 * as 10.0.0.0/8 holds it either way.
 */
#ifndef HTTP_ADDRESS_H
#define HTTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define HTTP_ADDRESS_SIZE 46 /* longest text, with the terminator */

enum http_family {
	HTTP_FAMILY_NONE, /* unknown, or a unix socket */
	HTTP_FAMILY_IPV4,
	HTTP_FAMILY_IPV6,
};

struct http_address {
	uint8_t bytes[16]; /* the first 4 of IPv4; unused bytes are 0 */
	uint16_t port;     /* host order */
	uint8_t family;    /* enum http_family */
};

struct http_network {
	struct http_address address;
	uint8_t bits;
};

struct sockaddr;

/* bytes: 4 or 16 of them, as the family says; not HTTP_FAMILY_NONE. */
struct http_address http_address_of_bytes(enum http_family family, const void *bytes,
                                          uint16_t port);
struct http_address http_address_of_sockaddr(const struct sockaddr *sa);
/* "192.0.2.1", "2001:db8::1", also with a port: "192.0.2.1:80", "[2001:db8::1]:80". Or -EINVAL. */
int http_address_parse(struct str s, struct http_address *ret);
/* The address without its port; "-" for none. Returns ret. */
const char *http_address_print(const struct http_address *a, char ret[HTTP_ADDRESS_SIZE]);
/* Ports do not count. */
bool http_address_equal(const struct http_address *a, const struct http_address *b);

/* "10.0.0.0/8", "::1/128", or an address alone. -EINVAL also when bits beyond the prefix are set.
 */
int http_network_parse(struct str s, struct http_network *ret);
bool http_network_has(const struct http_network *networks, size_t count,
                      const struct http_address *a);

#endif
