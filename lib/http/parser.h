/*
 * A strict RFC 9112 request parser: bytes in, events out. Pure; the same events whatever the
 * fragmentation. On any doubt about framing it refuses, because two programs that frame a stream
 * differently are how requests are smuggled.
 *
 *	MORE ─ bytes ─► HEAD ─► BODY … BODY ─► END ─ parser_reset() ─► MORE
 *	  └──────────────┴───────────┴──► BAD (the connection must close)
 */
#ifndef HTTP_PARSER_H
#define HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "http/head.h"

enum parser_event { PARSER_MORE, PARSER_HEAD, PARSER_BODY, PARSER_END, PARSER_BAD };

/* Needs zeroed memory the first time. Keeps the memory of the request before; limits are copied. */
void parser_reset(struct parser *p, const struct parser_limits *limits);
void parser_done(struct parser *p);

/*
 * Takes from the front of *in as much as the next event needs. PARSER_MORE: *in is used up.
 * PARSER_BODY: *ret_body is a non-empty slice of what *in was. After PARSER_END nothing is taken
 * until parser_reset().
 */
enum parser_event parser_next(struct parser *p, struct str *in, struct str *ret_body);

/* True once a byte of the request was kept: the peer owes us the rest. */
bool parser_has_begun(const struct parser *p);

struct str parser_field_name(const struct parser *p, size_t i);
struct str parser_field_value(const struct parser *p, size_t i);
/* The first value of this name, any case; .p is NULL if there is none. */
struct str parser_field(const struct parser *p, struct str name);

#endif
