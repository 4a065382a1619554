/* The PROXY protocol, version 2 (haproxy's proxy-protocol.txt): who the client of a balancer is.
 * Pure. */
#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include <stddef.h>

#include "base/str.h"
#include "http/address.h"

#define PROXY_HEADER_SIZE 16
#define PROXY_SIZE_MAX 1024 /* header, addresses and TLVs; ours send about 60 bytes */

/*
 * The bytes that the whole header has, as far as s tells: at least PROXY_HEADER_SIZE, so a reader
 * never takes bytes of what follows. -EINVAL as soon as s is no such header, -E2BIG if too long.
 */
int proxy_size(struct str s);
/* s: a whole header. ret is the client; family NONE for LOCAL or unknown transports: the socket's
 * peer counts then. 0 or -EINVAL. */
int proxy_parse(struct str s, struct http_address *ret);

#endif
