/* The bytes of an answer: status line, fields, framing. Written straight into an output buffer. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"

struct evbuffer;

#define RESPONSE_DATE_SIZE 30 /* "Sun, 22 Nov 2026 10:10:10 GMT" and the terminator */

/* The text is made anew when the second changes. { 0 } is valid. */
struct response_date {
	int64_t second;
	char text[RESPONSE_DATE_SIZE];
};

struct str response_date(struct response_date *d, int64_t now_us);

/* "Not Found"; "Status" for a number that has no name here. */
const char *response_reason(int status);

enum response_connection { RESPONSE_DEFAULT, RESPONSE_CLOSE, RESPONSE_KEEP_ALIVE };

#define RESPONSE_CHUNKED (-1)
#define RESPONSE_UNTIL_CLOSE (-2)
#define RESPONSE_NO_LENGTH (-3) /* no body can follow: 204, 304 */

struct response {
	int status;
	const char *type; /* NULL: none */
	int64_t length;   /* or one of the above */
	enum response_connection connection;
	struct str fields; /* whole lines */
	struct str date;
};

/* Head and (may be empty) first bytes of the body. Returns the bytes written, or -ENOMEM. */
long response_write(struct evbuffer *out, const struct response *r, struct str body);
/* One chunk of a chunked body, not empty; then the last one. Bytes written, or -ENOMEM. */
long response_write_chunk(struct evbuffer *out, struct str bytes);
long response_write_chunk_head(struct evbuffer *out, uint64_t size);
long response_write_last_chunk(struct evbuffer *out);

/* {"detail": "text"}, the house's form of an error. */
void response_write_detail(struct strbuf *out, const char *detail);

#endif
