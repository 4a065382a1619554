/*
 * The request parser against a table of streams. A stream is read to its end, request after
 * request, and told as one line: "POST /x [hello];" for a request, "400" for a refusal, "more" for
 * a request that is not complete. Each stream is told again for every way to cut it once or twice:
 * the line must be the same.
 *
 * Names with COMP-, SMUG-, MAL-, NORM- or an RFC's number are the identifiers of the public
 * Http11Probe list; "h1spec" and "cispa" are the other lists that were followed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "http/parser.h"

static const struct parser_limits limits = {
	.request_line = 200,
	.head = 600,
	.fields = 12,
	.chunk_extension = 32,
	.chunk_extensions = 80,
	.trailer = 64,
};

struct stream_case {
	const char *name;
	const char *bytes;
	size_t size;
	const char *told;
};

#define CASE(name, bytes, told)                                                                    \
	{                                                                                          \
		name, bytes, sizeof(bytes) - 1, told                                               \
	}
/* A GET with these further header lines; the same as a POST with what follows the head. */
#define GET(name, fields, told) CASE(name, "GET / HTTP/1.1\r\nHost: a\r\n" fields "\r\n", told)
#define POST(name, fields, rest, told)                                                             \
	CASE(name, "POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n" rest, told)
#define CHUNKED(name, rest, told) POST(name, "Transfer-Encoding: chunked\r\n", rest, told)
#define LINE(name, line, told) CASE(name, line "\r\nHost: a\r\n\r\n", told)
#define HOST(name, value, told) CASE(name, "GET / HTTP/1.1\r\nHost:" value "\r\n\r\n", told)
#define NEXT "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define HUNDRED FIFTY FIFTY

static const struct stream_case cases[] = {
	/* clang-format off: table */
	/* -- whole requests -- */
	GET("COMP-BASELINE", "", "GET /;"), CASE("nothing at all (MAL-EMPTY-REQUEST)", "", ""),
	CASE("two pipelined",
	     "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
	     "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
	     "GET /1;GET /2;"),
	CASE("pipelined after a body",
	     "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi" NEXT,
	     "POST /1 [hi];GET /smuggled;"),
	CASE("HTTP/1.0 without Host (COMP-HTTP10-NO-HOST)", "GET / HTTP/1.0\r\n\r\n",
	     "GET / close;"),
	CASE("COMP-HTTP10-DEFAULT-CLOSE", "GET / HTTP/1.0\r\nHost: a\r\n\r\n" NEXT, "GET / close;"),
	CASE("HTTP/1.0 keep-alive",
	     "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n",
	     "GET /;GET /2 close;"),
	CASE("HTTP/1.0 keep-alive and close",
	     "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET / close;"),
	GET("COMP-CONNECTION-CLOSE", "Connection: close\r\n", "GET / close;"),
	GET("close among options", "Connection: foo, close\r\n", "GET / close;"),
	GET("close in upper case", "Connection: CLOSE\r\n", "GET / close;"),
	GET("close in a second field", "Connection: foo\r\nConnection: close\r\n", "GET / close;"),
	GET("closed is not close", "Connection: closed, xclose\r\n", "GET /;"),
	GET("Upgrade is ignored (COMP-UPGRADE-UNKNOWN)",
	    "Connection: Upgrade\r\nUpgrade: foo/2\r\n", "GET /;"),
	GET("h2c upgrade is ignored",
	    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n",
	    "GET /;"),
	CASE("h1spec edge cases: case, tab, empty value",
	     "GET / HTTP/1.1\r\nhoSt:\texample.com\r\nempty:\r\n\r\n", "GET /;"),
	GET("h1spec empty value with a blank", "X-Empty-Header: \r\n", "GET /;"),
	GET("obs-text in a value", "X-A: caf\xc3\xa9\r\n", "GET /;"),
	GET("tab inside a value", "X-A: a\tb\r\n", "GET /;"),
	GET("every tchar in a name", "!#$%&'*+-.^_`|~09azAZ: 1\r\n", "GET /;"),
	GET("MAL-RANGE-OVERLAPPING", "Range: bytes=0-,0-,0-\r\n", "GET /;"),

	/* -- empty lines and garbage before the request -- */
	CASE("COMP-LEADING-CRLF", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /;"),
	CASE("an empty line between two requests", "GET / HTTP/1.1\r\nHost: a\r\n\r\n\r\n" NEXT,
	     "GET /;GET /smuggled;"),
	CASE("only an empty line", "\r\n", ""),
	CASE("two leading empty lines", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	CASE("a leading bare LF", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	CASE("a leading bare CR", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	CASE("MAL-WHITESPACE-ONLY-LINE", "   \r\n\r\n", "400"),
	CASE("a leading blank", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
	CASE("MAL-BINARY-GARBAGE", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x0a", "400"),
	CASE("MAL-H2-PREFACE", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"),
	LINE("h1spec invalid prefix", "Extra lineGET / HTTP/1.1", "400"),
	CASE("a NUL alone", "\0\r\n\r\n", "400"),

	/* -- the request line -- */
	LINE("RFC9112-3-MULTI-SP-REQUEST-LINE", "GET  / HTTP/1.1", "400"),
	LINE("two blanks before the version", "GET /  HTTP/1.1", "400"),
	LINE("a blank in the target", "GET /a b HTTP/1.1", "400"),
	LINE("a trailing blank", "GET / HTTP/1.1 ", "400"),
	LINE("COMP-REQUEST-LINE-TAB", "GET\t/\tHTTP/1.1", "400"),
	LINE("a tab before the version", "GET /\tHTTP/1.1", "400"),
	LINE("RFC9112-3-MISSING-TARGET", "GET HTTP/1.1", "400"),
	LINE("nothing but a method", "GET", "400"), LINE("nothing after the method", "GET ", "400"),
	LINE("no method", "/ HTTP/1.1", "400"),
	LINE("a method with a slash", "G/T / HTTP/1.1", "400"),
	LINE("a method with a NUL", "G\0T / HTTP/1.1", "400"),
	LINE("RFC9112-2.3-HTTP09-REQUEST", "GET /", "400"),
	CASE("h1spec without version", "GET / \r\n\r\n", "400"),
	LINE("a vertical tab in the line", "GET /\x0b HTTP/1.1", "400"),
	CASE("RFC9112-2.2-BARE-LF-REQUEST-LINE", "GET / HTTP/1.1\nHost: a\r\n\r\n", "400"),
	CASE("a CR more before the line end", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "400"),
	CASE("RFC9112-3-CR-ONLY-LINE-ENDING", "GET / HTTP/1.1\rHost: a\r\r\n", "400"),
	CASE("folded first line", "GET / \r\n HTTP/1.1\r\nHost: a\r\n\r\n", "400"),

	/* -- versions -- */
	LINE("RFC9112-2.3-INVALID-VERSION", "GET / HTTP/9.9", "505"),
	LINE("COMP-HTTP12-VERSION", "GET / HTTP/1.2", "505"),
	LINE("HTTP/1.9", "GET / HTTP/1.9", "505"), LINE("HTTP/0.5", "GET / HTTP/0.5", "505"),
	LINE("HTTP/2.0", "GET / HTTP/2.0", "505"), LINE("HTTP/+1.-1", "GET / HTTP/+1.-1", "400"),
	LINE("COMP-VERSION-MISSING-MINOR", "GET / HTTP/1", "400"),
	LINE("COMP-VERSION-LEADING-ZEROS", "GET / HTTP/01.01", "400"),
	LINE("COMP-VERSION-WHITESPACE", "GET / HTTP/ 1.1", "400"),
	LINE("a version in lower case", "GET / http/1.1", "400"),
	LINE("two digits", "GET / HTTP/1.10", "400"),
	LINE("a comma in the version", "GET / HTTP/1,1", "400"),
	LINE("a letter in the major version", "GET / HTTP/x.1", "400"),
	LINE("a letter in the minor version", "GET / HTTP/1.x", "400"),
	LINE("another protocol", "GET / HTCP/1.1", "400"),

	/* -- methods -- */
	LINE("COMP-METHOD-CASE", "get / HTTP/1.1", "? /;"),
	LINE("an unknown method", "FROBNICATE / HTTP/1.1", "? /;"),
	LINE("COMP-METHOD-TRACE", "TRACE / HTTP/1.1", "TRACE /;"),
	LINE("COMP-METHOD-CONNECT", "CONNECT a:443 HTTP/1.1", "501"),
	CASE("COMP-TRACE-WITH-BODY",
	     "TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" NEXT,
	     "TRACE / [hello];GET /smuggled;"),
	CASE("SMUG-HEAD-CL-BODY",
	     "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" NEXT,
	     "HEAD / [hello];GET /smuggled;"),
	CASE("SMUG-OPTIONS-CL-BODY",
	     "OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" NEXT,
	     "OPTIONS / [hello];GET /smuggled;"),
	CASE("an unknown method with a body",
	     "FOO / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" NEXT,
	     "? / [hello];GET /smuggled;"),
	CASE("COMP-GET-WITH-CL-BODY",
	     "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" NEXT,
	     "GET / [hello];GET /smuggled;"),
	CASE("GET with a chunked body",
	     "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
	     "chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" NEXT,
	     "GET / [hi];GET /smuggled;"),
	CASE("all other methods",
	     "PUT / HTTP/1.1\r\nHost: a\r\n\r\nDELETE / HTTP/1.1\r\nHost: a\r\n\r\nPATCH / "
	     "HTTP/1.1\r\nHost: a\r\n\r\n",
	     "PUT /;DELETE /;PATCH /;"),

	/* -- targets -- */
	LINE("COMP-OPTIONS-STAR", "OPTIONS * HTTP/1.1", "OPTIONS *;"),
	LINE("COMP-ASTERISK-WITH-GET", "GET * HTTP/1.1", "400"),
	LINE("COMP-ABSOLUTE-FORM", "GET http://b.example/x?y HTTP/1.1",
	     "GET http://b.example/x?y host=b.example;"),
	LINE("SMUG-ABSOLUTE-URI-HOST-MISMATCH", "GET http://b/ HTTP/1.1", "GET http://b/ host=b;"),
	LINE("absolute without a path", "GET http://b HTTP/1.1", "GET http://b host=b;"),
	LINE("absolute, https, port, query", "GET HTTPS://b:443?x HTTP/1.1",
	     "GET HTTPS://b:443?x host=b:443;"),
	CASE("absolute without Host", "GET http://b/ HTTP/1.1\r\n\r\n", "400"),
	LINE("absolute with user information", "GET http://u@b/ HTTP/1.1", "400"),
	LINE("absolute without a host", "GET http:///x HTTP/1.1", "400"),
	LINE("another scheme", "GET ftp://b/ HTTP/1.1", "400"),
	LINE("authority-form with GET", "GET a:80 HTTP/1.1", "400"),
	LINE("a path without a slash", "GET x HTTP/1.1", "400"),
	LINE("RFC9112-3.2-FRAGMENT-IN-TARGET", "GET /a#b HTTP/1.1", "400"),
	LINE("MAL-NUL-IN-URL", "GET /\0x HTTP/1.1", "400"),
	LINE("MAL-NON-ASCII-URL", "GET /caf\xc3\xa9 HTTP/1.1", "400"),
	LINE("MAL-URL-OVERLONG-UTF8", "GET /\xc0\xaf HTTP/1.1", "400"),
	LINE("MAL-URL-BACKSLASH", "GET /a\\b HTTP/1.1", "400"),
	LINE("MAL-URL-PERCENT-NULL", "GET /a%00b HTTP/1.1", "400"),
	LINE("MAL-URL-PERCENT-CRLF", "GET /a%0d%0ab HTTP/1.1", "GET /a%0d%0ab;"),
	LINE("a bad escape", "GET /a%zz HTTP/1.1", "400"),
	LINE("half an escape", "GET /a%4 HTTP/1.1", "400"),
	LINE("a bad escape in the query", "GET /?a=%g0 HTTP/1.1", "400"),
	LINE("an encoded slash in the path", "GET /a%2Fb HTTP/1.1", "400"),
	LINE("an encoded slash in the query", "GET /?a=%2F HTTP/1.1", "GET /?a=%2F;"),
	LINE("what browsers leave unescaped", "GET /?a[]={b|c}^`' HTTP/1.1", "GET /?a[]={b|c}^`';"),
	LINE("DEL in the target", "GET /\x7f HTTP/1.1", "400"),
	LINE("a quote in the target", "GET /\"x HTTP/1.1", "400"),
	LINE("MAL-LONG-URL", "GET /" HUNDRED HUNDRED " HTTP/1.1", "414"),
	LINE("the longest line that fits", "GET /" HUNDRED FIFTY TEN TEN TEN "012345 HTTP/1.1",
	     "GET /" HUNDRED FIFTY TEN TEN TEN "012345;"),
	LINE("one byte more", "GET /" HUNDRED FIFTY TEN TEN TEN "0123456 HTTP/1.1", "414"),
	CASE("MAL-LONG-METHOD, never ending", HUNDRED HUNDRED "AB", "414"),

	/* -- Host -- */
	CASE("RFC9112-7.1-MISSING-HOST", "GET / HTTP/1.1\r\n\r\n", "400"),
	CASE("h1spec no Host but others", "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", "400"),
	GET("RFC9110-5.4-DUPLICATE-HOST", "Host: b\r\n", "400"),
	GET("COMP-DUPLICATE-HOST-SAME", "Host: a\r\n", "400"),
	CASE("two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "400"),
	HOST("COMP-HOST-WITH-USERINFO", " u@a", "400"), HOST("COMP-HOST-WITH-PATH", " a/x", "400"),
	HOST("COMP-HOST-EMPTY-VALUE", "", "400"), HOST("SMUG-MULTIPLE-HOST-COMMA", " a,b", "400"),
	HOST("a list of hosts", " a, b", "400"), HOST("a host with a bad port", " a:x", "400"),
	HOST("a host with a port too long", " a:123456", "400"),
	HOST("a host with two ports", " a:1:2", "400"), HOST("only a port", " :80", "400"),
	HOST("8-bit bytes in Host", " \xc3\xa9", "400"),
	HOST("a name with a port", " a.example:8000", "GET /;"),
	HOST("an IPv6 address", " [2001:db8::1]:80", "GET /;"),
	HOST("an open bracket", " [::1", "400"), HOST("no address in brackets", " []", "400"),
	HOST("letters in brackets", " [xyz]", "400"), HOST("an address and junk", " [::1]x", "400"),

	/* -- fields -- */
	GET("RFC9110-5.6.2-SP-BEFORE-COLON", "X-A : 1\r\n", "400"),
	GET("NORM-TAB-IN-NAME", "X\tA: 1\r\n", "400"),
	GET("a blank in a name", "X A: 1\r\n", "400"),
	GET("RFC9112-5-EMPTY-HEADER-NAME", ": 1\r\n", "400"),
	GET("RFC9112-5-INVALID-HEADER-NAME, h1spec", "X-Invalid[]: test\r\n", "400"),
	GET("RFC9112-5-HEADER-NO-COLON", "X-A\r\n", "400"),
	GET("MAL-NON-ASCII-HEADER-NAME", "X-T\xc3\xabst: value\r\n", "400"),
	GET("a NUL in a name", "X\0A: 1\r\n", "400"), GET("a line of NUL only", "\0\r\n", "400"),
	GET("MAL-NUL-IN-HEADER-VALUE", "X-A: a\0b\r\n", "400"),
	GET("MAL-CONTROL-CHARS-HEADER",
	    "X-A: abc\x07\x08\x0b"
	    "def\r\n",
	    "400"),
	GET("h1spec control character", "X-Bad-Control-Char: test\x07\r\n", "400"),
	GET("DEL in a value", "X-A: \x7f\r\n", "400"),
	GET("SMUG-BARE-CR-HEADER-VALUE", "X-A: a\rb\r\n", "400"),
	GET("a CR more at the end", "X-A: a\r\r\n", "400"),
	CASE("RFC9112-2.2-BARE-LF-HEADER", "GET / HTTP/1.1\r\nHost: a\n\r\n", "400"),
	CASE("a bare LF as the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400"),
	CASE("h1spec invalid line ending",
	     "GET / HTTP/1.1\r\nHost: example.com\r\n\rSome-Header: Test\r\n\r\n", "400"),
	GET("RFC9112-5.1-OBS-FOLD", "X-A: a\r\n b\r\n", "400"),
	GET("a fold by a tab", "X-A: a\r\n\tb\r\n", "400"),
	GET("a fold of blanks only", "X-A: a\r\n   \r\n", "400"),
	CASE("COMP-WHITESPACE-BEFORE-HEADERS", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400"),
	CASE("a tab before the first field", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n", "400"),
	GET("MAL-MANY-HEADERS",
	    "A:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n", "431"),
	GET("as many as are allowed",
	    "A:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n", "GET /;"),
	GET("MAL-LONG-HEADER-VALUE",
	    "X-Big: " HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "\r\n", "431"),
	CASE("MAL-LONG-HEADER-NAME, never ending",
	     "GET / HTTP/1.1\r\nHost: a\r\n" HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED FIFTY TEN TEN
	             TEN,
	     "431"),

	/* -- Content-Length -- */
	POST("COMP-POST-CL-BODY", "Content-Length: 5\r\n", "hello", "POST / [hello];"),
	POST("COMP-POST-CL-ZERO", "Content-Length: 0\r\n", NEXT, "POST /;GET /smuggled;"),
	POST("COMP-POST-NO-CL-NO-TE", "", NEXT, "POST /;GET /smuggled;"),
	POST("COMP-POST-CL-UNDERSEND", "Content-Length: 10\r\n", "hello", "more"),
	POST("MAL-POST-CL-HUGE-NO-BODY", "Content-Length: 999999999999\r\n", "", "more"),
	POST("SMUG-DUPLICATE-CL", "Content-Length: 5\r\nContent-Length: 6\r\n", "hello", "400"),
	POST("two of the same", "Content-Length: 5\r\nContent-Length: 5\r\n", "hello", "400"),
	POST("SMUG-CL-COMMA-DIFFERENT", "Content-Length: 5, 6\r\n", "hello", "400"),
	POST("SMUG-CL-COMMA-SAME", "Content-Length: 5, 5\r\n", "hello", "400"),
	POST("RFC9112-6.1-CL-NON-NUMERIC", "Content-Length: abc\r\n", "", "400"),
	POST("RFC9112-6.1-CL-PLUS-SIGN", "Content-Length: +5\r\n", "hello", "400"),
	POST("SMUG-CL-NEGATIVE, h1spec", "Content-Length: -1234\r\n", "", "400"),
	POST("SMUG-CL-NEGATIVE-ZERO", "Content-Length: -0\r\n", "", "400"),
	POST("h1spec overflowing negative", "Content-Length: -123456789123456789123456789\r\n", "",
	     "400"),
	POST("SMUG-CL-UNDERSCORE", "Content-Length: 1_0\r\n", "0123456789", "400"),
	POST("SMUG-CL-OCTAL", "Content-Length: 0o5\r\n", "hello", "400"),
	POST("SMUG-CL-HEX-PREFIX", "Content-Length: 0x5\r\n", "hello", "400"),
	POST("SMUG-CL-INTERNAL-SPACE", "Content-Length: 1 0\r\n", "0123456789", "400"),
	POST("SMUG-CL-LEADING-ZEROS", "Content-Length: 0005\r\n", "hello", "400"),
	POST("SMUG-CL-LEADING-ZEROS-OCTAL", "Content-Length: 0200\r\n", "", "400"),
	POST("SMUG-CL-DOUBLE-ZERO", "Content-Length: 00\r\n", "", "400"),
	POST("SMUG-CL-TRAILING-SPACE", "Content-Length: 5 \r\n", "hello", "POST / [hello];"),
	POST("SMUG-CL-EXTRA-LEADING-SP", "Content-Length:  5\r\n", "hello", "POST / [hello];"),
	POST("MAL-CL-TAB-BEFORE-VALUE", "Content-Length:\t5\r\n", "hello", "POST / [hello];"),
	POST("MAL-CL-EMPTY", "Content-Length:\r\n", "", "400"),
	POST("MAL-CL-OVERFLOW", "Content-Length: 99999999999999999999\r\n", "", "400"),
	POST("2^63", "Content-Length: 9223372036854775808\r\n", "", "400"),
	POST("2^64 + 5", "Content-Length: 18446744073709551621\r\n", "hello", "400"),
	POST("a decimal point", "Content-Length: 5.0\r\n", "hello", "400"),
	POST("NORM-SP-BEFORE-COLON-CL", "Content-Length : 37\r\n", NEXT, "400"),
	POST("NORM-UNDERSCORE-CL", "Content_Length: 5\r\n", "hello", "400"),
	POST("a length with a form feed", "Content-Length: 5\x0c\r\n", "hello", "400"),

	/* -- Transfer-Encoding -- */
	POST("SMUG-CL-TE-BOTH", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n",
	     "400"),
	POST("SMUG-TECL-PIPELINE", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
	     "0\r\n\r\n", "400"),
	POST("SMUG-TE-SP-BEFORE-COLON", "Transfer-Encoding : chunked\r\n", "0\r\n\r\n", "400"),
	POST("SMUG-TE-NOT-FINAL-CHUNKED", "Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n",
	     "400"),
	CASE("SMUG-TE-HTTP10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	     "400"),
	POST("SMUG-TE-EMPTY-VALUE", "Transfer-Encoding:\r\n", "", "400"),
	POST("SMUG-TE-DUPLICATE-HEADERS",
	     "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n", "400"),
	POST("two fields, both chunked",
	     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", "400"),
	POST("SMUG-TE-IDENTITY", "Transfer-Encoding: identity\r\n", NEXT, "501"),
	POST("SMUG-TE-IDENTITY with a length",
	     "Content-Length: 5\r\nTransfer-Encoding: identity\r\n", "hello", "501"),
	POST("COMP-UNKNOWN-TE-501", "Transfer-Encoding: gzip\r\n", "", "501"),
	POST("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", "501"),
	POST("SMUG-TE-XCHUNKED", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", "501"),
	POST("SMUG-TE-VTAB",
	     "Transfer-Encoding: \x0b"
	     "chunked\r\n",
	     "0\r\n\r\n", "400"),
	POST("SMUG-TE-FORMFEED",
	     "Transfer-Encoding: \x0c"
	     "chunked\r\n",
	     "0\r\n\r\n", "400"),
	POST("SMUG-TE-NULL", "Transfer-Encoding: chunked\0\r\n", "0\r\n\r\n", "400"),
	POST("SMUG-TE-OBS-FOLD", "Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n", "400"),
	POST("SMUG-TE-DOUBLE-CHUNKED", "Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n",
	     "400"),
	POST("SMUG-TE-CASE-MISMATCH", "Transfer-Encoding: Chunked\r\n", "0\r\n\r\n", "POST /;"),
	POST("SMUG-TE-TRAILING-COMMA", "Transfer-Encoding: chunked,\r\n", "0\r\n\r\n", "400"),
	POST("SMUG-TE-LEADING-COMMA", "Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n", "400"),
	POST("SMUG-TE-TRAILING-SPACE", "Transfer-Encoding: chunked \r\n", "0\r\n\r\n", "POST /;"),
	POST("SMUG-TE-TAB-BEFORE-VALUE", "Transfer-Encoding:\tchunked\r\n", "0\r\n\r\n", "POST /;"),
	POST("SMUG-CHUNKED-WITH-PARAMS", "Transfer-Encoding: chunked;ext=val\r\n", "0\r\n\r\n",
	     "400"),
	POST("a quoted coding", "Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n", "400"),
	POST("NORM-CASE-TE", "TRANSFER-ENCODING: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n",
	     "POST / [hi];"),
	POST("SMUG-TRANSFER_ENCODING, NORM-UNDERSCORE-TE", "Transfer_Encoding: chunked\r\n",
	     "0\r\n\r\n", "400"),

	/* -- chunks -- */
	CHUNKED("COMP-CHUNKED-BODY", "5\r\nhello\r\n0\r\n\r\n", "POST / [hello];"),
	CHUNKED("COMP-CHUNKED-MULTI", "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n" NEXT,
	        "POST / [hello world];GET /smuggled;"),
	CHUNKED("COMP-CHUNKED-EMPTY", "0\r\n\r\n", "POST /;"),
	CHUNKED("COMP-CHUNKED-HEX-UPPERCASE", "A\r\n0123456789\r\n0\r\n\r\n",
	        "POST / [0123456789];"),
	CHUNKED("lower case and leading zeros", "000a\r\n0123456789\r\n000\r\n\r\n",
	        "POST / [0123456789];"),
	CHUNKED("sixteen digits", "0000000000000002\r\nhi\r\n0\r\n\r\n", "POST / [hi];"),
	CHUNKED("seventeen digits", "00000000000000002\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("COMP-CHUNKED-NO-FINAL", "5\r\nhello\r\n", "more"),
	CHUNKED("COMP-CHUNKED-EXTENSION", "5;a=b\r\nhello\r\n0;c\r\n\r\n", "POST / [hello];"),
	CHUNKED("a quoted extension", "2;a=\"b;\\\"c\"\r\nhi\r\n0\r\n\r\n", "POST / [hi];"),
	CHUNKED("SMUG-CHUNK-BARE-SEMICOLON", "2;\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("an extension with an empty value", "2;a=\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("an extension with an open quote", "2;a=\"b\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("an open quote that ends in a backslash", "2;a=\"b\\\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("a control byte in a quote", "2;a=\"\x01\"\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("a lone quote", "2;a=\"\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("junk after a quoted extension", "2;a=\"b\"c\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("blanks around an extension", "2 ; a = b\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("a blank after the size", "2 \r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("3 junk", "3 junk\r\nabc\r\n0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-HEX-PREFIX", "0x5\r\nhello\r\n0\r\n\r\n", "400"),
	CHUNKED("a plus sign", "+3\r\nabc\r\n0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-NEGATIVE", "-1\r\nhello\r\n0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-UNDERSCORE", "1_0\r\nhello world12345\r\n0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-LEADING-SP", " 5\r\nhello\r\n0\r\n\r\n", "400"),
	CHUNKED("an empty size", "\r\nhello\r\n0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-MISSING-TRAILING-CRLF", "5\r\nhello0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-SPILL", "5\r\nhello!!\r\n0\r\n\r\n", "400"),
	CHUNKED("a chunk shorter than it says", "5\r\nhell\r\n0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-EXT-CTRL", "5;a\0b\r\nhello\r\n0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-EXT-CR", "5;a\rb\r\nhello\r\n0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-EXT-LF", "5;a\nb\r\nhello\r\n0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-BARE-CR-TERM", "5\rhello\r\n0\r\n\r\n", "400"),
	CHUNKED("a bare LF after the size", "5\nhello\r\n0\r\n\r\n", "400"),
	CHUNKED("SMUG-CHUNK-LF-TERM", "5\r\nhello\n0\r\n\r\n", "400"),
	CHUNKED("a bare CR after the data", "5\r\nhello\r0\r\n\r\n", "400"),
	CHUNKED("MAL-CHUNK-SIZE-OVERFLOW", "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", "400"),
	CHUNKED("2^63", "8000000000000000\r\nhello\r\n0\r\n\r\n", "400"),
	CHUNKED("2^63 - 1 is a size", "7fffffffffffffff\r\nhello", "more"),
	CHUNKED("an extension too long", "2;a=" FIFTY "\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("MAL-CHUNK-EXT-64K, never ending", "2;a=" FIFTY, "400"),
	CHUNKED("few digits do not lend room to the extension",
	        "2;a=" TEN TEN TEN "\r\nhi\r\n0\r\n\r\n", "400"),
	CHUNKED("all extensions too long",
	        "1;a=" TEN TEN "\r\nx\r\n1;a=" TEN TEN "\r\nx\r\n1;a=" TEN TEN
	        "\r\nx\r\n1;a=" TEN TEN "\r\nx\r\n0\r\n\r\n",
	        "400"),
	CHUNKED("a chunk-size line without end", HUNDRED, "400"),

	/* -- trailers -- */
	CHUNKED("COMP-CHUNKED-TRAILER-VALID", "2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n" NEXT,
	        "POST / [hi];GET /smuggled;"),
	CHUNKED("SMUG-TRAILER-CL", "2\r\nhi\r\n0\r\nContent-Length: 50\r\n\r\n" NEXT,
	        "POST / [hi];GET /smuggled;"),
	CHUNKED("SMUG-TRAILER-TE", "2\r\nhi\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n" NEXT,
	        "POST / [hi];GET /smuggled;"),
	CHUNKED("SMUG-TRAILER-HOST", "2\r\nhi\r\n0\r\nHost: evil\r\n\r\n" NEXT,
	        "POST / [hi];GET /smuggled;"),
	CHUNKED("SMUG-TRAILER-AUTH", "2\r\nhi\r\n0\r\nAuthorization: Bearer x\r\n\r\n",
	        "POST / [hi];"),
	CHUNKED("SMUG-CHUNK-LF-TRAILER", "0\r\nX-Sum: 1\n\r\n", "400"),
	CHUNKED("a bare LF as the last line", "0\r\n\n", "400"),
	CHUNKED("a folded trailer", "0\r\nX-Sum: 1\r\n 2\r\n\r\n", "400"),
	CHUNKED("a trailer without colon", "0\r\nX-Sum\r\n\r\n", "400"),
	CHUNKED("a NUL in a trailer", "0\r\nX-Sum: \0\r\n\r\n", "400"),
	CHUNKED("trailers too large", "0\r\nX-Sum: " FIFTY TEN "\r\n\r\n", "431"),
	CHUNKED("trailers too large together",
	        "0\r\nX-Sum: " TEN TEN TEN "\r\nX-Sum: " TEN TEN TEN "\r\n\r\n", "431"),
	CHUNKED("too many trailers",
	        "0\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:\r\na:"
	        "\r\n\r\n",
	        "431"),
	CHUNKED("the last line is missing", "2\r\nhi\r\n0\r\n", "more"),

	/* -- Expect -- */
	POST("SMUG-EXPECT-100-CL", "Expect: 100-continue\r\nContent-Length: 5\r\n", "hello",
	     "POST / continue [hello];"),
	POST("in another case", "Expect: 100-Continue\r\nContent-Length: 5\r\n", "hello",
	     "POST / continue [hello];"),
	POST("with chunks", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n",
	     "POST / continue;"),
	GET("h1spec Expect without a body", "Expect: 100-continue\r\n", "GET /;"),
	GET("COMP-EXPECT-UNKNOWN", "Expect: 200-ok\r\n", "417"),
	POST("two expectations", "Expect: 100-continue, magic\r\nContent-Length: 5\r\n", "hello",
	     "417"),
	POST("two fields", "Expect: 100-continue\r\nExpect: magic\r\nContent-Length: 5\r\n",
	     "hello", "417"),
	CASE("Expect in HTTP/1.0 is ignored",
	     "POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 2\r\n\r\nhi", "POST / close [hi];"),

	/* -- not complete (h1spec: fragmented …; MAL-INCOMPLETE-REQUEST) -- */
	CASE("h1spec method", "G", "more"), CASE("h1spec target", "GET /hello", "more"),
	CASE("h1spec version", "GET /hello HTTP", "more"),
	CASE("h1spec line end", "GET /hello HTTP/1.1\r", "more"),
	CASE("h1spec line", "GET /hello HTTP/1.1\r\n", "more"),
	CASE("h1spec name", "GET /hello HTTP/1.1\r\nHos", "more"),
	CASE("h1spec value", "GET /hello HTTP/1.1\r\nHost: localhost\r", "more"),
	CASE("h1spec last CR", "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r", "more"),

	/* -- smuggling classics -- */
	POST("SMUG-CLTE-PIPELINE", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
	     "0\r\n\r\n" NEXT, "400"),
	POST("0.CL: an empty body, then a request in its place", "Content-Length: 0\r\n", "X" NEXT,
	     "POST /;? /smuggled;"),
	CASE("a body that looks like a request",
	     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\n\r\n" NEXT "x", "more"),
	/* clang-format on */
};

/* -- telling a stream ---------------------------------------------------------------------------
 */

struct teller {
	struct parser parser;
	struct strbuf told, body;
	bool over;
};

static void tell_request(struct teller *t)
{
	const struct parser *p = &t->parser;
	const char *method = http_method_name(p->method);
	char text[512];

	snprintf(text, sizeof(text), "%s %.*s%s%s", *method ? method : "?", STR_ARGS(p->target),
	         p->keep_alive ? "" : " close", p->expects_continue ? " continue" : "");
	strbuf_adds(&t->told, text);
	if (p->uri.host.p) {
		strbuf_adds(&t->told, " host=");
		strbuf_add(&t->told, p->host.p, p->host.n);
	}
	if (t->body.n > 0) {
		strbuf_adds(&t->told, " [");
		strbuf_add(&t->told, t->body.p, t->body.n);
		strbuf_adds(&t->told, "]");
	}
	strbuf_adds(&t->told, ";");
	t->over = !p->keep_alive;
	strbuf_reset(&t->body);
	parser_reset(&t->parser, &limits);
}

/* The bytes come in a block of their own size, so that the sanitizer sees each byte too far. */
static void tell(struct teller *t, const char *bytes, size_t n)
{
	char *block = malloc(n ? n : 1);
	struct str in = { block, n }, body;
	char status[16];

	assert_non_null(block);
	memcpy(block, bytes, n);
	while (!t->over) {
		enum parser_event e = parser_next(&t->parser, &in, &body);

		if (e == PARSER_MORE) {
			assert_int_equal(in.n, 0);
			break;
		}
		if (e == PARSER_BODY)
			strbuf_add(&t->body, body.p, body.n);
		if (e == PARSER_END)
			tell_request(t);
		if (e == PARSER_BAD) {
			snprintf(status, sizeof(status), "%d", t->parser.status);
			assert_non_null(t->parser.why);
			strbuf_adds(&t->told, status);
			t->over = true;
		}
	}
	free(block);
}

static const char *tell_end(struct teller *t)
{
	if (!t->over && parser_has_begun(&t->parser))
		strbuf_adds(&t->told, "more");
	return t->told.p ? t->told.p : "";
}

static void teller_reset(struct teller *t)
{
	strbuf_reset(&t->told);
	strbuf_reset(&t->body);
	t->over = false;
	parser_reset(&t->parser, &limits);
}

static void teller_done(struct teller *t)
{
	strbuf_done(&t->told);
	strbuf_done(&t->body);
	parser_done(&t->parser);
}

static void check(struct teller *t, size_t i, size_t cut1, size_t cut2)
{
	const struct stream_case *c = &cases[i];
	const char *told;

	teller_reset(t);
	tell(t, c->bytes, cut1);
	tell(t, c->bytes + cut1, cut2 - cut1);
	tell(t, c->bytes + cut2, c->size - cut2);
	told = tell_end(t);
	if (strcmp(told, c->told) != 0)
		fail_msg("case %zu (%s) cut at %zu and %zu: \"%s\" instead of \"%s\" (%s)", i,
		         c->name, cut1, cut2, told, c->told, t->parser.why ? t->parser.why : "-");
}

static void test_whole(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&t, i, 0, 0);
	teller_done(&t);
}

static void test_one_cut(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t cut = 1; cut < cases[i].size; cut++)
			check(&t, i, cut, cut);
	}
	teller_done(&t);
}

static void test_two_cuts(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* The very long ones would take a minute of their own and differ only in length. */
		if (cases[i].size > 260)
			continue;
		for (size_t a = 1; a < cases[i].size; a++) {
			for (size_t b = a + 1; b < cases[i].size; b++)
				check(&t, i, a, b);
		}
	}
	teller_done(&t);
}

static void test_byte_by_byte(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		teller_reset(&t);
		for (size_t n = 0; n < cases[i].size; n++)
			tell(&t, cases[i].bytes + n, 1);
		if (strcmp(tell_end(&t), cases[i].told) != 0)
			fail_msg("case %zu (%s) byte by byte: \"%s\" instead of \"%s\"", i,
			         cases[i].name, t.told.p, cases[i].told);
	}
	teller_done(&t);
}

/* -- what is not in the line --------------------------------------------------------------------
 */

static void test_fields(void **state)
{
	struct parser p = { 0 };
	struct str in = STR("GET /a?b HTTP/1.1\r\nHost: h:1\r\nx-a:  1 \r\nX-A: 2\r\nY:\r\n\r\n");
	struct str body;

	(void)state;
	parser_reset(&p, &limits);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_HEAD);
	assert_int_equal(p.field_count, 4);
	assert_true(str_is(parser_field_name(&p, 1), "x-a"));
	assert_true(str_is(parser_field_value(&p, 1), "1"));
	assert_true(str_is(parser_field(&p, STR("X-a")), "1"));
	assert_true(str_is(parser_field(&p, STR("host")), "h:1"));
	assert_non_null(parser_field(&p, STR("y")).p);
	assert_int_equal(parser_field(&p, STR("y")).n, 0);
	assert_null(parser_field(&p, STR("z")).p);
	assert_true(str_is(p.uri.path, "/a"));
	assert_true(str_is(p.uri.query, "b"));
	assert_true(str_is(p.method_text, "GET"));
	assert_int_equal(parser_next(&p, &in, &body), PARSER_END);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_END);
	parser_done(&p);
}

static void test_stays_bad(void **state)
{
	struct parser p = { 0 };
	struct str in = STR("bad\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
	struct str body;

	(void)state;
	parser_reset(&p, &limits);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_BAD);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_BAD);
	assert_int_equal(p.status, 400);
	parser_done(&p);
}

/* A setting cannot make the field table overflow. */
static void test_field_limit_is_capped(void **state)
{
	struct parser_limits wide = limits;
	struct parser p = { 0 };
	struct strbuf text = { 0 };
	struct str in, body;

	(void)state;
	wide.fields = UINT32_MAX;
	wide.head = 1 << 20;
	parser_reset(&p, &wide);
	strbuf_adds(&text, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < PARSER_FIELDS_MAX; i++)
		strbuf_adds(&text, "a: b\r\n");
	in = strbuf_str(&text);
	assert_int_equal(parser_next(&p, &in, &body), PARSER_BAD);
	assert_int_equal(p.status, 431);
	strbuf_done(&text);
	parser_done(&p);
}

/* Every byte in the four places where bytes are judged by a table. */
static void test_every_byte(void **state)
{
	static const char tchars[] = "!#$%&'*+-.^_`|~0123456789"
	                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct parser p = { 0 };
	char text[128];
	struct str in, body;
	int n;

	(void)state;
	for (int c = 0; c < 256; c++) {
		bool tchar = c != 0 && strchr(tchars, c);
		bool value = c == '\t' || (c >= ' ' && c != 0x7f);
		bool target = c > ' ' && c < 0x7f && !strchr("\"#<>\\%", c);
		struct {
			const char *format;
			bool fine;
		} places[] = {
			{ "G%cT / HTTP/1.1\r\nHost: a\r\n\r\n", tchar },
			{ "GET /%c HTTP/1.1\r\nHost: a\r\n\r\n", target },
			{ "GET / HTTP/1.1\r\nHost: a\r\nX%cA: 1\r\n\r\n", tchar || c == ':' },
			{ "GET / HTTP/1.1\r\nHost: a\r\nX: a%cb\r\n\r\n", value },
		};

		for (size_t i = 0; i < 4; i++) {
			n = snprintf(text, sizeof(text), "%s", places[i].format);
			*strchr(text, '%') = (char)c;
			memmove(strchr(places[i].format, '%') - places[i].format + text + 1,
			        strchr(places[i].format, '%') + 2,
			        (size_t)n -
			                (size_t)(strchr(places[i].format, '%') - places[i].format) -
			                2);
			in = (struct str){ text, (size_t)n - 1 };
			parser_reset(&p, &limits);
			if ((parser_next(&p, &in, &body) == PARSER_HEAD) != places[i].fine)
				fail_msg("byte %d in place %zu", c, i);
		}
	}
	parser_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_one_cut),
		cmocka_unit_test(test_two_cuts),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_stays_bad),
		cmocka_unit_test(test_field_limit_is_capped),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
