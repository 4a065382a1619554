/*
 * The answer's half of an exchange; exchange.h is the request's half and says when x lives.
 *
 * http_answer(), http_answer_file(), http_refuse(), http_answer_end() and http_answer_abort() end
 * x: after them it must not be touched.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct http_exchange;

/*
 * One more field of the answer, before it is begun; may repeat a name. Both are copied. Date,
 * Content-Length, Transfer-Encoding, Connection and Content-Type are the library's own.
 * -EINVAL for what is no field (CR, LF, NUL …), -E2BIG beyond 8 KiB in all, -ENOMEM.
 */
int http_set_header(struct http_exchange *x, const char *name, const char *value);

/*
 * The whole answer: body is copied into the output. type NULL: no Content-Type. For HEAD the length
 * is told and the body left out; 204 and 304 have neither. Ends x. If the request's body is not
 * complete, its rest is discarded (limits.discard) or the connection closes after the answer.
 */
void http_answer(struct http_exchange *x, int status, const char *type, struct str body);
/* The same from a file: length bytes at offset. fd is taken over. Ends x. */
void http_answer_file(struct http_exchange *x, int status, const char *type, int fd, off_t offset,
                      off_t length);
/* {"detail": "text"}; Retry-After if retry_after_s > 0. Ends x. */
void http_refuse(struct http_exchange *x, int status, unsigned retry_after_s, const char *detail);

/*
 * An answer in parts. length < 0: chunked (or until the close, to HTTP/1.0). Else the parts must
 * sum up to it: more is cut off, less closes the connection. Parts are copied; a file part takes
 * fd over. May begin while a streamed body still arrives.
 */
#define HTTP_CHUNKED (-1)
void http_answer_begin(struct http_exchange *x, int status, const char *type, int64_t length);
void http_answer_part(struct http_exchange *x, struct str bytes);
void http_answer_part_file(struct http_exchange *x, int fd, off_t offset, off_t length);
/* Ends x. */
void http_answer_end(struct http_exchange *x);
/* Bytes that the peer has not taken yet (of earlier answers too). Stop adding parts when it is
 * above what you like to hold; on_writable tells when it has gone down. */
size_t http_output_pending(const struct http_exchange *x);
/* Gives up an answer that was begun, by closing the connection without its end. Ends x. */
void http_answer_abort(struct http_exchange *x);

#endif
