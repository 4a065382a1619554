/*
 * What a request parser knows, and the parts of it that judge one line, or the head as a whole.
 * Pure. Users of the parser include parser.h; the functions here are for parser.c.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

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
	uint32_t host_field; /* its index */
	uint8_t seen;        /* fields that may come once, see head.c */
	bool skipped_line;   /* the one empty line before a request */
	bool closes, stays;  /* Connection said so */
	struct parser_field fields[PARSER_FIELDS_MAX];
};

/* Sets the verdict; returns -1, so that a refusal is one statement. */
int head_refuse(struct parser *p, int status, const char *why);

/* Each returns 0 or -1 (refused). Lines come without their CR LF. */
int head_request_line(struct parser *p, struct str line);
int head_field(struct parser *p, struct str line);
/* The empty line came: what do the fields say together? */
int head_finish(struct parser *p);

/* A field line that is checked and forgotten. */
int head_trailer(struct parser *p, struct str line);
/* chunk-size [ chunk-ext ]: sets p->left. */
int head_chunk_size(struct parser *p, struct str line);

#endif
