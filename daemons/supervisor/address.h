/* "127.0.0.1:8000", "[::1]:8000", "unix:/path" and the socket addresses that they mean. */
#ifndef SUPERVISOR_ADDRESS_H
#define SUPERVISOR_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct address {
	struct sockaddr_storage storage;
	socklen_t size;
};

/* 0, or -EINVAL for what is none of the three forms (no names are resolved). Port 0: the kernel's
 * choice. */
int address_parse(const char *text, struct address *ret);
bool address_equal(const struct address *a, const struct address *b);
/* The text form again; cut if it does not fit. */
void address_print(const struct address *a, char *ret, size_t room);

#endif
