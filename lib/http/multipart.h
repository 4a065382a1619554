/*
 * multipart/form-data (RFC 7578, RFC 2046) as a stream: bytes in, events out, any fragmentation.
 * Pure and bounded: what it keeps is the header of one part.
 */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define MULTIPART_BOUNDARY_MAX 70
#define MULTIPART_HEADER_MAX 4096 /* all fields of one part */
#define MULTIPART_PARTS_MAX 128

enum multipart_event {
	MULTIPART_MORE, /* all of the input is used up */
	MULTIPART_PART, /* a part begins: name, filename, type are set */
	MULTIPART_DATA, /* bytes of the part */
	MULTIPART_PART_END,
	MULTIPART_END, /* the closing delimiter was read; what follows is ignored */
	MULTIPART_BAD, /* `why` says it; nothing more comes */
};

struct multipart {
	/* Of the part that began last; valid until the next MULTIPART_PART. */
	struct str name;
	struct str filename; /* .p is NULL if there is none */
	struct str type;     /* Content-Type; "text/plain" if there is none */
	const char *why;

	/* Private. */
	uint8_t state;
	uint8_t matched; /* bytes of the delimiter seen; they may yet turn out to be data */
	uint8_t delimiter_size;
	bool has_disposition;
	uint16_t parts;
	uint16_t header_size;
	uint16_t line_start;                        /* in header */
	char delimiter[MULTIPART_BOUNDARY_MAX + 4]; /* CR LF "--" boundary */
	char header[MULTIPART_HEADER_MAX];
};

/* The boundary of a Content-Type "multipart/form-data; boundary=…". 0, -ENOTSUP (another type) or
 * -EINVAL (no or bad boundary). */
int multipart_start(struct multipart *m, struct str content_type);

/*
 * Takes *in further and says what it met; call again until MULTIPART_MORE. *ret_data is set with
 * MULTIPART_DATA only: bytes of what *in was, or of m.
 */
enum multipart_event multipart_next(struct multipart *m, struct str *in, struct str *ret_data);
/* True if the closing delimiter was read; asked when the body has ended. */
bool multipart_is_complete(const struct multipart *m);

#endif
