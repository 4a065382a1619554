/* Addresses, networks, PROXY v2 headers and the table of sources. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "http/address.h"
#include "http/proxy.h"
#include "http/source.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		const char *printed; /* NULL: refused */
		unsigned port;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1", 0 },
		{ "192.0.2.1:80", "192.0.2.1", 80 },
		{ "2001:DB8::1", "2001:db8::1", 0 },
		{ "[2001:db8::1]", "2001:db8::1", 0 },
		{ "[2001:db8::1]:65535", "2001:db8::1", 65535 },
		{ "::ffff:192.0.2.1", "192.0.2.1", 0 },
		{ "[::ffff:192.0.2.1]:80", "192.0.2.1", 80 },
		{ "", NULL, 0 },
		{ "unknown", NULL, 0 },
		{ "_hidden", NULL, 0 },
		{ "1.2.3", NULL, 0 },
		{ "1.2.3.4.5", NULL, 0 },
		{ "1.2.3.4:", NULL, 0 },
		{ "1.2.3.4:65536", NULL, 0 },
		{ "1.2.3.4:123456", NULL, 0 },
		{ "1.2.3.4:x", NULL, 0 },
		{ "x:80", NULL, 0 },
		{ "[::1", NULL, 0 },
		{ "[::1]80", NULL, 0 },
		{ "[::1]:", NULL, 0 },
		{ "[1.2.3.4]", NULL, 0 },
		{ "[]", NULL, 0 },
		{ ":::", NULL, 0 },
		{ "2001:0db8:0000:0000:0000:0000:0000:0001:0000:0000:0000:0000", NULL, 0 },
	};
	char text[HTTP_ADDRESS_SIZE];
	struct http_address a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = http_address_parse(str_of(cases[i].text), &a);

		if (r != (cases[i].printed ? 0 : -EINVAL))
			fail_msg("case %zu (%s): %d", i, cases[i].text, r);
		if (r < 0)
			continue;
		if (strcmp(http_address_print(&a, text), cases[i].printed) != 0 ||
		    a.port != cases[i].port)
			fail_msg("case %zu (%s): %s %u", i, cases[i].text, text, a.port);
	}
	assert_int_equal(http_address_parse((struct str){ "1.2.3.4\0x", 9 }, &a), -EINVAL);
	a = (struct http_address){ 0 };
	assert_string_equal(http_address_print(&a, text), "-");
}

static void test_sockaddr(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(81) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char text[HTTP_ADDRESS_SIZE];
	struct http_address a, b;

	(void)state;
	in.sin_addr.s_addr = htonl(0xc0000201);
	a = http_address_of_sockaddr((struct sockaddr *)&in);
	assert_string_equal(http_address_print(&a, text), "192.0.2.1");
	assert_int_equal(a.port, 80);
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr);
	b = http_address_of_sockaddr((struct sockaddr *)&in6);
	assert_true(http_address_equal(&a, &b));
	assert_int_equal(b.port, 81);
	in6.sin6_addr = in6addr_loopback;
	b = http_address_of_sockaddr((struct sockaddr *)&in6);
	assert_false(http_address_equal(&a, &b));
	assert_int_equal(http_address_of_sockaddr((struct sockaddr *)&un).family, HTTP_FAMILY_NONE);
}

static void test_network(void **state)
{
	static const struct {
		const char *network;
		const char *address;
		int has; /* -1: the network is refused */
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", 1 },
		{ "10.0.0.0/8", "11.0.0.1", 0 },
		{ "10.0.0.0/8", "::ffff:10.0.0.1", 1 },
		{ "10.0.0.0/8", "::1", 0 },
		{ "0.0.0.0/0", "1.2.3.4", 1 },
		{ "192.0.2.128/25", "192.0.2.129", 1 },
		{ "192.0.2.128/25", "192.0.2.127", 0 },
		{ "192.0.2.1", "192.0.2.1", 1 },
		{ "192.0.2.1/32", "192.0.2.0", 0 },
		{ "2001:db8::/33", "2001:db8:7fff::1", 1 },
		{ "2001:db8::/33", "2001:db8:8000::1", 0 },
		{ "::/0", "2001:db8::1", 1 },
		{ "::/0", "1.2.3.4", 0 },
		{ "::1", "::1", 1 },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", 1 },
		{ "::ffff:10.0.0.0/104", "11.1.2.3", 0 },
		{ "::ffff:10.0.0.0/8", NULL, -1 },
		{ "10.0.0.1/8", NULL, -1 },
		{ "2001:db8::1/64", NULL, -1 },
		{ "10.0.0.0/33", NULL, -1 },
		{ "::/129", NULL, -1 },
		{ "10.0.0.0/", NULL, -1 },
		{ "10.0.0.0/x", NULL, -1 },
		{ "10.0.0.0/-1", NULL, -1 },
		{ "", NULL, -1 },
		{ "/8", NULL, -1 },
		{ "localhost", NULL, -1 },
	};
	struct http_network n;
	struct http_address a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = http_network_parse(str_of(cases[i].network), &n);

		if (r != (cases[i].has < 0 ? -EINVAL : 0))
			fail_msg("case %zu (%s): %d", i, cases[i].network, r);
		if (r < 0)
			continue;
		assert_int_equal(http_address_parse(str_of(cases[i].address), &a), 0);
		if (http_network_has(&n, 1, &a) != (cases[i].has == 1))
			fail_msg("case %zu (%s in %s)", i, cases[i].address, cases[i].network);
	}
	assert_false(http_network_has(NULL, 0, &a));
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define ADDRESSES4 "\xcb\0\x71\x07\x0a\0\0\x01\x04\xd2\x1f\x40"
#define ADDRESSES6                                                                                 \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"                                               \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x04\xd2\x1f\x40"

static void test_proxy(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		int r;
		const char *client;
	} cases[] = {
		{ SIGNATURE "\x21\x11\0\x0c" ADDRESSES4, 28, 0, "203.0.113.7" },
		{ SIGNATURE "\x21\x11\0\x0f" ADDRESSES4 "\x04\0\0", 31, 0, "203.0.113.7" },
		{ SIGNATURE "\x21\x21\0\x24" ADDRESSES6, 52, 0, "2001:db8::7" },
		{ SIGNATURE "\x20\x11\0\x0c" ADDRESSES4, 28, 0, "-" },
		{ SIGNATURE "\x20\0\0\0", 16, 0, "-" },
		{ SIGNATURE "\x21\x12\0\x0c" ADDRESSES4, 28, 0, "-" },
		{ SIGNATURE "\x21\x31\0\0", 16, 0, "-" },
		{ SIGNATURE "\x21\x11\0\x0b" ADDRESSES4, 27, -EINVAL, NULL },
		{ SIGNATURE "\x21\x21\0\x0c" ADDRESSES4, 28, -EINVAL, NULL },
		{ SIGNATURE "\x22\x11\0\x0c" ADDRESSES4, 28, -EINVAL, NULL },
		{ SIGNATURE "\x11\x11\0\x0c" ADDRESSES4, 28, -EINVAL, NULL },
		{ SIGNATURE "\x21\x11\0\x0c" ADDRESSES4, 27, -EINVAL, NULL },
		{ SIGNATURE "\x21\x11\0\x0c" ADDRESSES4 "x", 29, -EINVAL, NULL },
		{ "PROXY TCP4 203.0.113.7 10.0.0.1 1234 80\r\n", 41, -EINVAL, NULL },
		{ SIGNATURE "\x21\x11\x10\0", 16, -EINVAL, NULL },
	};
	char text[HTTP_ADDRESS_SIZE];
	struct http_address a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = proxy_parse((struct str){ cases[i].bytes, cases[i].size }, &a);

		if (r != cases[i].r)
			fail_msg("case %zu: %d", i, r);
		if (r == 0 && strcmp(http_address_print(&a, text), cases[i].client) != 0)
			fail_msg("case %zu: %s", i, text);
	}
	assert_int_equal(proxy_parse((struct str){ cases[0].bytes, 28 }, &a), 0);
	assert_int_equal(a.port, 1234);
	assert_int_equal(proxy_parse((struct str){ cases[2].bytes, 52 }, &a), 0);
	assert_int_equal(a.port, 1234);
}

/* A reader that takes as many bytes as it is told never takes one that is not the header's. */
static void test_proxy_size(void **state)
{
	static const char header[] = SIGNATURE "\x21\x11\0\x0c" ADDRESSES4;

	(void)state;
	for (size_t n = 0; n < 28; n++)
		assert_int_equal(proxy_size((struct str){ header, n }), n < 16 ? 16 : 28);
	assert_int_equal(proxy_size(STR("\r\n\r\n1")), -EINVAL);
	assert_int_equal(proxy_size(STR("G")), -EINVAL);
	assert_int_equal(proxy_size((struct str){ SIGNATURE "\x21\x11\x04\0", 16 }), -E2BIG);
	assert_int_equal(proxy_size((struct str){ SIGNATURE "\x21\x11\x03\xf0", 16 }), 1024);
}

static struct http_address number_address(unsigned n)
{
	uint8_t bytes[4] = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	return http_address_of_bytes(HTTP_FAMILY_IPV4, bytes, (uint16_t)n);
}

/* Against a plain array of counts, over many random steps. */
static void test_sources(void **state)
{
	enum { CLIENTS = 500, MOST = 5 };
	static unsigned counts[CLIENTS];
	struct source_table t = { 0 };
	size_t used = 0;

	(void)state;
	srand(1);
	for (int step = 0; step < 50000; step++) {
		unsigned n = (unsigned)rand() % CLIENTS;
		struct http_address a = number_address(n);

		if (rand() % 2) {
			assert_int_equal(source_add(&t, &a, MOST), counts[n] < MOST ? 0 : -EUSERS);
			counts[n] += counts[n] < MOST;
		} else {
			source_remove(&t, &a);
			counts[n] -= counts[n] > 0;
		}
	}
	for (unsigned n = 0; n < CLIENTS; n++)
		used += counts[n] > 0;
	assert_int_equal(t.used, used);
	for (unsigned n = 0; n < CLIENTS; n++) {
		struct http_address a = number_address(n);

		for (; counts[n] > 0; counts[n]--)
			source_remove(&t, &a);
	}
	assert_int_equal(t.used, 0);
	source_done(&t);
	source_remove(&t, &(struct http_address){ 0 });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),      cmocka_unit_test(test_sockaddr),
		cmocka_unit_test(test_network),    cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_proxy_size), cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
