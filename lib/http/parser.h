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
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"
#include "http/method.h"
#include "http/uri.h"

#define PARSER_FIELDS_MAX 200
#define PARSER_CHUNK_DIGITS 16

/* Bytes without line ends, but for head and trailer; see struct http_limits. */
struct parser_limits {
	uint32_t request_line, head, fields, chunk_extension, chunk_extensions, trailer;
};

enum parser_event { PARSER_MORE, PARSER_HEAD, PARSER_BODY, PARSER_END, PARSER_BAD };

enum parser_state {
	PARSER_ON_REQUEST_LINE,
	PARSER_ON_FIELD,
	PARSER_ON_FIXED, /* a body of known length */
	PARSER_ON_CHUNK_SIZE,
	PARSER_ON_CHUNK_DATA,
	PARSER_ON_CHUNK_CR,
	PARSER_ON_CHUNK_LF,
	PARSER_ON_TRAILER,
	PARSER_AT_END,
	PARSER_AT_BAD,
	PARSER_STATE_MAX
};

/* Offsets into the head, which may move while it grows. */
struct parser_field {
	uint32_t name, name_size;
	uint32_t value, value_size;
};

struct parser {
	/* Known from PARSER_HEAD on. */
	enum http_method method;
	struct str method_text;
	struct str target;
	struct uri uri;
	struct str host; /* of the target, else of the field; .p is NULL if there is none */
	uint8_t minor;   /* HTTP/1.minor: 0 or 1 */
	bool keep_alive; /* the client would stay */
	bool expects_continue;
	bool chunked;
	bool has_length;
	uint64_t length; /* Content-Length; 0 without one */
	uint32_t field_count;

	/* Known from PARSER_BAD on. */
	int status;
	const char *why;

	/* Private. */
	enum parser_state state;
	struct parser_limits limits;
	struct strbuf head;
	struct strbuf line;  /* an unfinished chunk-size or trailer line */
	uint32_t line_start; /* of the line that is read now, in head */
	uint32_t target_start;
	uint64_t left;       /* bytes of the body or of the chunk */
	uint32_t extensions; /* bytes of chunk extensions so far */
	uint32_t trailer;    /* bytes of trailer so far */
	uint32_t trailer_fields;
	uint16_t seen;      /* framing fields, see parser.c */
	bool skipped_line;  /* the one empty line before a request */
	bool closes, stays; /* Connection said so */
	struct parser_field fields[PARSER_FIELDS_MAX];
};

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
