/*
 * Where a listener listens, as text and as the kernel wants it. Numeric addresses only: a name that
 * resolves differently tomorrow is no address to bind. Pure; used by listen.c.
 */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/str.h"

static int parse_unix(const char *path, struct address *ret)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(path);

	if (n == 0 || path[0] != '/' || n >= sizeof(un.sun_path))
		return -EINVAL;
	memcpy(un.sun_path, path, n + 1);
	memcpy(&ret->storage, &un, sizeof(un));
	ret->size = sizeof(un);
	return 0;
}

static int parse_port(const char *text, in_port_t *ret)
{
	unsigned long long port;

	if (str_to_u64(str_of(text), &port) < 0 || port > 65535)
		return -EINVAL;
	*ret = htons((uint16_t)port);
	return 0;
}

static int parse_ip(const char *host, const char *port, bool six, struct address *ret)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (parse_port(port, six ? &in6.sin6_port : &in.sin_port) < 0)
		return -EINVAL;
	if (inet_pton(six ? AF_INET6 : AF_INET, host,
	              six ? (void *)&in6.sin6_addr : (void *)&in.sin_addr) != 1)
		return -EINVAL;
	if (six)
		memcpy(&ret->storage, &in6, sizeof(in6));
	else
		memcpy(&ret->storage, &in, sizeof(in));
	ret->size = six ? sizeof(in6) : sizeof(in);
	return 0;
}

int address_parse(const char *text, struct address *ret)
{
	struct address a = { .size = 0 };
	char host[INET6_ADDRSTRLEN + 2];
	const char *colon = strrchr(text, ':');
	bool six = text[0] == '[';
	size_t n;
	int r;

	if (strncmp(text, "unix:", 5) == 0) {
		r = parse_unix(text + 5, &a);
	} else {
		n = colon ? (size_t)(colon - text) : 0;
		if (n == 0 || n >= sizeof(host) || (six && text[n - 1] != ']'))
			return -EINVAL;
		memcpy(host, text, n);
		host[six ? n - 1 : n] = '\0';
		r = parse_ip(six ? host + 1 : host, colon + 1, six, &a);
	}
	if (r == 0)
		*ret = a;
	return r;
}

bool address_equal(const struct address *a, const struct address *b)
{
	char x[160], y[160];

	address_print(a, x, sizeof(x));
	address_print(b, y, sizeof(y));
	return strcmp(x, y) == 0;
}

void address_print(const struct address *a, char *ret, size_t room)
{
	const struct sockaddr_in *in = (const void *)&a->storage;
	const struct sockaddr_in6 *in6 = (const void *)&a->storage;
	const struct sockaddr_un *un = (const void *)&a->storage;
	char host[INET6_ADDRSTRLEN] = "?";

	switch (a->storage.ss_family) {
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(ret, room, "%s:%u", host, ntohs(in->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(ret, room, "[%s]:%u", host, ntohs(in6->sin6_port));
		break;
	case AF_UNIX:
		snprintf(ret, room, "unix:%.*s", (int)sizeof(un->sun_path), un->sun_path);
		break;
	default:
		snprintf(ret, room, "an address of family %d", (int)a->storage.ss_family);
	}
}
