/*
 * An answer's head has a known largest size before it is written: fixed strings, numbers, and the
 * texts that the caller gives. So room for head and body is reserved once, filled by memcpy and
 * committed once; nothing is formatted by printf on the way of a request.
 */
#include "http/response.h"

#include <errno.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/civil.h"

/* Status line, our own field names and their numbers; what varies is added to it. */
#define FIXED_SIZE 256
/* A body beyond this is added by libevent, in chains of its own. */
#define INLINE_BODY 16384

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{ 100, "Continue" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" },
};

const char *response_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Status";
}

/* -- small texts ------------------------------------------------------------------------------ */

static char *put(char *at, struct str s)
{
	if (s.n > 0)
		memcpy(at, s.p, s.n);
	return at + s.n;
}

static char *put_number(char *at, uint64_t v)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

static char *put_two(char *at, unsigned v)
{
	*at++ = (char)('0' + v / 10 % 10);
	*at++ = (char)('0' + v % 10);
	return at;
}

struct str response_date(struct response_date *d, int64_t now_us)
{
	static const char days[] = "MonTueWedThuFriSatSun";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t second = now_us / 1000000;
	struct civil c;
	unsigned day;
	char *at = d->text;

	if (second == d->second && d->text[0] != '\0')
		return (struct str){ d->text, RESPONSE_DATE_SIZE - 1 };
	c = civil_of_us(second * 1000000);
	day = civil_weekday(civil_to_days(c.year, c.month, c.day));
	at = put(at, (struct str){ days + (size_t)day * 3, 3 });
	at = put(at, STR(", "));
	at = put_two(at, c.day);
	*at++ = ' ';
	at = put(at, (struct str){ months + ((size_t)c.month - 1) * 3, 3 });
	*at++ = ' ';
	at = put_two(at, (unsigned)c.year / 100);
	at = put_two(at, (unsigned)c.year % 100);
	*at++ = ' ';
	at = put_two(at, c.hour);
	*at++ = ':';
	at = put_two(at, c.minute);
	*at++ = ':';
	at = put_two(at, c.second);
	put(at, STR(" GMT"));
	d->text[RESPONSE_DATE_SIZE - 1] = '\0';
	d->second = second;
	return (struct str){ d->text, RESPONSE_DATE_SIZE - 1 };
}

/* -- the head --------------------------------------------------------------------------------- */

static char *put_framing(char *at, const struct response *r)
{
	if (r->length >= 0) {
		at = put(at, STR("Content-Length: "));
		at = put_number(at, (uint64_t)r->length);
		return put(at, STR("\r\n"));
	}
	return r->length == RESPONSE_CHUNKED ? put(at, STR("Transfer-Encoding: chunked\r\n")) : at;
}

static char *put_head(char *at, const struct response *r)
{
	at = put(at, STR("HTTP/1.1 "));
	at = put_number(at, (uint64_t)r->status);
	*at++ = ' ';
	at = put(at, str_of(response_reason(r->status)));
	at = put(at, STR("\r\nDate: "));
	at = put(at, r->date);
	if (r->type) {
		at = put(at, STR("\r\nContent-Type: "));
		at = put(at, str_of(r->type));
	}
	at = put(at, STR("\r\n"));
	at = put_framing(at, r);
	if (r->connection == RESPONSE_CLOSE)
		at = put(at, STR("Connection: close\r\n"));
	else if (r->connection == RESPONSE_KEEP_ALIVE)
		at = put(at, STR("Connection: keep-alive\r\n"));
	at = put(at, r->fields);
	return put(at, STR("\r\n"));
}

long response_write(struct evbuffer *out, const struct response *r, struct str body)
{
	size_t largest = FIXED_SIZE + r->fields.n + (r->type ? strlen(r->type) : 0);
	size_t inlined = body.n <= INLINE_BODY ? body.n : 0;
	struct evbuffer_iovec space;
	char *at;

	if (evbuffer_reserve_space(out, (ssize_t)(largest + inlined), &space, 1) != 1)
		return -ENOMEM;
	at = put_head(space.iov_base, r);
	at = put(at, (struct str){ body.p, inlined });
	space.iov_len = (size_t)(at - (char *)space.iov_base);
	if (evbuffer_commit_space(out, &space, 1) < 0)
		return -ENOMEM;
	if (inlined < body.n && evbuffer_add(out, body.p, body.n) < 0)
		return -ENOMEM;
	return (long)(space.iov_len + body.n - inlined);
}

long response_write_chunk_head(struct evbuffer *out, uint64_t size)
{
	static const char digits[] = "0123456789abcdef";
	char text[18];
	size_t at = sizeof(text);

	text[--at] = '\n';
	text[--at] = '\r';
	do {
		text[--at] = digits[size & 15];
		size >>= 4;
	} while (size > 0);
	if (evbuffer_add(out, text + at, sizeof(text) - at) < 0)
		return -ENOMEM;
	return (long)(sizeof(text) - at);
}

long response_write_chunk(struct evbuffer *out, struct str bytes)
{
	long n = response_write_chunk_head(out, bytes.n);

	if (n < 0 || evbuffer_add(out, bytes.p, bytes.n) < 0 || evbuffer_add(out, "\r\n", 2) < 0)
		return -ENOMEM;
	return n + (long)bytes.n + 2;
}

long response_write_last_chunk(struct evbuffer *out)
{
	return evbuffer_add(out, "0\r\n\r\n", 5) < 0 ? -ENOMEM : 5;
}

void response_write_detail(struct strbuf *out, const char *detail)
{
	strbuf_adds(out, "{\"detail\": \"");
	for (const char *p = detail; *p; p++) {
		if (*p == '"' || *p == '\\')
			strbuf_addc(out, '\\');
		if ((unsigned char)*p < ' ')
			strbuf_addf(out, "\\u%04x", *p);
		else
			strbuf_addc(out, *p);
	}
	strbuf_adds(out, "\"}");
}
