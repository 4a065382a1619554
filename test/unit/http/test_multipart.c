/*
 * Multipart bodies, told as one line: "part a/f.csv/text/csv [data];" … "end" or the reason of a
 * refusal. Each body is read whole, cut everywhere once and twice, and byte by byte.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "http/multipart.h"

struct body_case {
	const char *name;
	const char *bytes;
	size_t size;
	const char *told;
	size_t told_size;
};

#define CASE(name, bytes, told)                                                                    \
	{                                                                                          \
		name, bytes, sizeof(bytes) - 1, told, sizeof(told) - 1                             \
	}
#define DISPOSITION(rest) "Content-Disposition: form-data" rest "\r\n"
#define PART(rest, data) "--B\r\n" DISPOSITION(rest) "\r\n" data "\r\n"
#define A "; name=\"a\""
/* One part with this header and the data "x". */
#define HEADER(name, header, told) CASE(name, "--B\r\n" header "\r\nx\r\n--B--\r\n", told)

static const struct body_case cases[] = {
	/* clang-format off: table */
	CASE("one part", PART(A, "hello") "--B--\r\n", "part a/-/text/plain [hello];end"),
	CASE("no line end after the last delimiter", PART(A, "hello") "--B--",
	     "part a/-/text/plain [hello];end"),
	CASE("two parts, one a file",
	     PART(A, "1") "--B\r\n" DISPOSITION(
	             "; name=\"file\"; filename=\"t.csv\"") "Content-Type: "
	                                                    "text/"
	                                                    "csv\r\n\r\na,b\r\n1,2\r\n\r\n--B--"
	                                                    "\r\n",
	     "part a/-/text/plain [1];part file/t.csv/text/csv [a,b\r\n1,2\r\n];end"),
	CASE("no data", PART(A, "") "--B--\r\n", "part a/-/text/plain [];end"),
	CASE("no parts", "--B--\r\n", "end"),
	CASE("preamble and epilogue", "say\r\nwhat\r\n" PART(A, "x") "--B--\r\nand\r\n--B\r\nmore",
	     "part a/-/text/plain [x];end"),
	CASE("line ends in the data", PART(A, "\r\n\r\n\r\r\n\n") "--B--",
	     "part a/-/text/plain [\r\n\r\n\r\r\n\n];end"),
	CASE("almost delimiters", PART(A, "\r\n-\r\n--\r\n-B\r\n--b\r\nB--B") "--B--",
	     "part a/-/text/plain [\r\n-\r\n--\r\n-B\r\n--b\r\nB--B];end"),
	CASE("a CR before the delimiter", PART(A, "x\r") "--B--", "part a/-/text/plain [x\r];end"),
	CASE("blanks after a delimiter", "--B \t\r\n" DISPOSITION(A) "\r\nx\r\n--B--",
	     "part a/-/text/plain [x];end"),
	CASE("NUL in the data", PART(A, "\0") "--B--", "part a/-/text/plain [\0];end"),
	CASE("a delimiter that goes on", PART(A, "x") "--Bad",
	     "part a/-/text/plain [x];malformed delimiter"),
	CASE("one dash", PART(A, "x") "--B-x", "part a/-/text/plain [x];malformed delimiter"),
	CASE("blanks, then dashes", PART(A, "x") "--B --",
	     "part a/-/text/plain [x];malformed delimiter"),
	CASE("CR without LF after a delimiter", "--B\rx", "malformed delimiter"),
	CASE("bare LF after a delimiter", "--B\nx", "malformed delimiter"),
	CASE("cut in the data", "--B\r\n" DISPOSITION(A) "\r\nhell", "part a/-/text/plain [hell"),
	CASE("cut in a header", "--B\r\nContent-Disp", ""),
	CASE("nothing", "", ""),
	CASE("no delimiter at all", "just text\r\n", ""),

	HEADER("names in another case", "CONTENT-DISPOSITION: Form-Data; NAME=a\r\n",
	       "part a/-/text/plain [x];end"),
	HEADER("a token as value", "Content-Disposition: form-data; name=a; filename=b.csv\r\n",
	       "part a/b.csv/text/plain [x];end"),
	HEADER("blanks around the parameters",
	       "Content-Disposition:form-data ;  name=\"a\" ; filename=\"b\" \r\n",
	       "part a/b/text/plain [x];end"),
	HEADER("quotes in a name", "Content-Disposition: form-data; name=\"a\\\"\\\\b\"\r\n",
	       "part a\"\\b/-/text/plain [x];end"),
	HEADER("a Windows path",
	       "Content-Disposition: form-data; name=a; filename=\"C:\\dir\\f.csv\"\r\n",
	       "part a/C:\\dir\\f.csv/text/plain [x];end"),
	HEADER("a semicolon in quotes", "Content-Disposition: form-data; name=\"a;b\"\r\n",
	       "part a;b/-/text/plain [x];end"),
	HEADER("empty name and filename",
	       "Content-Disposition: form-data; name=\"\"; filename=\"\"\r\n",
	       "part //text/plain [x];end"),
	HEADER("UTF-8", "Content-Disposition: form-data; name=\"caf\xc3\xa9\"\r\n",
	       "part caf\xc3\xa9/-/text/plain [x];end"),
	HEADER("filename*",
	       "Content-Disposition: form-data; name=a; filename*=UTF-8''caf%C3%A9.csv\r\n",
	       "part a/caf\xc3\xa9.csv/text/plain [x];end"),
	HEADER("filename and filename*",
	       "Content-Disposition: form-data; name=a; filename=x; filename*=utf-8''y\r\n",
	       "part a/y/text/plain [x];end"),
	HEADER("other fields and parameters",
	       "X-A: b\r\n" DISPOSITION("; name=a; x=y") "Content-Length: 1\r\n",
	       "part a/-/text/plain [x];end"),
	HEADER("a binary part", DISPOSITION("; name=a") "Content-Transfer-Encoding: BINARY\r\n",
	       "part a/-/text/plain [x];end"),

	HEADER("filename* in another charset",
	       "Content-Disposition: form-data; name=a; filename*=latin1''x\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("filename* with a bad escape",
	       "Content-Disposition: form-data; name=a; filename*=utf-8''%zz\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("filename* with a NUL",
	       "Content-Disposition: form-data; name=a; filename*=utf-8''%00\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("filename* twice",
	       "Content-Disposition: form-data; name=a; filename*=utf-8''a; filename*=utf-8''b\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("no header", "", "part without Content-Disposition"),
	HEADER("only a type", "Content-Type: text/csv\r\n", "part without Content-Disposition"),
	HEADER("no name", "Content-Disposition: form-data\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("attachment", "Content-Disposition: attachment; name=a\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("two names", "Content-Disposition: form-data; name=a; name=b\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("two filenames",
	       "Content-Disposition: form-data; name=a; filename=b; filename=c\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("two dispositions", DISPOSITION(A) DISPOSITION(A),
	       "malformed Content-Disposition of a part"),
	HEADER("no value", "Content-Disposition: form-data; name\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("an empty value", "Content-Disposition: form-data; name=\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("an open quote", "Content-Disposition: form-data; name=\"a\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("junk at the end", "Content-Disposition: form-data; name=a b\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("no UTF-8", "Content-Disposition: form-data; name=\"\xff\"\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("base64", DISPOSITION(A) "Content-Transfer-Encoding: base64\r\n", "encoded part"),
	HEADER("a blank in a field name", "Content-Disposition : form-data; name=a\r\n",
	       "malformed header of a part"),
	HEADER("no colon", "Content-Disposition\r\n", "malformed header of a part"),
	HEADER("a folded line", "Content-Disposition: form-data;\r\n name=a\r\n",
	       "malformed Content-Disposition of a part"),
	HEADER("a NUL in a value", "X: \0\r\n", "malformed header of a part"),
	HEADER("a bare LF", "X: y\n", "header line of a part does not end with CR LF"),
	HEADER("a bare CR", "X: y\rz\r\n", "malformed header of a part"),
	HEADER("only a LF", "\n", "header line of a part does not end with CR LF"),
	/* clang-format on */
};

struct teller {
	struct multipart m;
	struct strbuf told;
	bool over;
};

static void tell_part(struct teller *t)
{
	strbuf_adds(&t->told, "part ");
	strbuf_add(&t->told, t->m.name.p, t->m.name.n);
	strbuf_adds(&t->told, "/");
	if (t->m.filename.p)
		strbuf_add(&t->told, t->m.filename.p, t->m.filename.n);
	else
		strbuf_adds(&t->told, "-");
	strbuf_adds(&t->told, "/");
	strbuf_add(&t->told, t->m.type.p, t->m.type.n);
	strbuf_adds(&t->told, " [");
}

static void tell(struct teller *t, const char *bytes, size_t n)
{
	char *block = malloc(n ? n : 1);
	struct str in = { block, n }, data;
	enum multipart_event e;

	memcpy(block, bytes, n);
	while (!t->over && (e = multipart_next(&t->m, &in, &data)) != MULTIPART_MORE) {
		if (e == MULTIPART_PART)
			tell_part(t);
		if (e == MULTIPART_DATA) {
			assert_true(data.n > 0);
			strbuf_add(&t->told, data.p, data.n);
		}
		if (e == MULTIPART_PART_END)
			strbuf_adds(&t->told, "];");
		if (e == MULTIPART_END)
			strbuf_adds(&t->told, "end");
		if (e == MULTIPART_BAD) {
			strbuf_adds(&t->told, t->m.why);
			t->over = true;
		}
	}
	if (!t->over)
		assert_int_equal(in.n, 0);
	free(block);
}

static void check(struct teller *t, size_t i, const size_t *cuts, size_t cut_count)
{
	const struct body_case *c = &cases[i];
	size_t at = 0;
	bool complete;

	strbuf_reset(&t->told);
	strbuf_adds(&t->told, "");
	t->over = false;
	assert_int_equal(multipart_start(&t->m, STR("multipart/form-data; boundary=B")), 0);
	for (size_t k = 0; k < cut_count; k++) {
		tell(t, c->bytes + at, cuts[k] - at);
		at = cuts[k];
	}
	tell(t, c->bytes + at, c->size - at);
	if (t->told.n != c->told_size || memcmp(t->told.p, c->told, c->told_size) != 0)
		fail_msg("case %zu (%s): \"%s\" instead of \"%s\"", i, c->name, t->told.p, c->told);
	complete = c->told_size >= 3 && strcmp(c->told + c->told_size - 3, "end") == 0;
	assert_int_equal(multipart_is_complete(&t->m), complete);
}

static void test_whole(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&t, i, NULL, 0);
	strbuf_done(&t.told);
}

static void test_cuts(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t a = 1; a < cases[i].size; a++) {
			for (size_t b = a; b < cases[i].size; b++) {
				size_t cuts[2] = { a, b };

				check(&t, i, cuts, 2);
			}
		}
	}
	strbuf_done(&t.told);
}

static void test_byte_by_byte(void **state)
{
	struct teller t = { 0 };
	size_t cuts[512];

	(void)state;
	for (size_t i = 0; i < 512; i++)
		cuts[i] = i + 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].size > 0)
			check(&t, i, cuts, cases[i].size - 1);
	}
	strbuf_done(&t.told);
}

static void test_content_type(void **state)
{
	static const struct {
		const char *type;
		int r;
	} types[] = {
		{ "multipart/form-data; boundary=x", 0 },
		{ " Multipart/Form-Data;BOUNDARY=\"a b'()+_,-./:=?\"; charset=utf-8 ", 0 },
		{ "multipart/form-data; a=b; boundary=x", 0 },
		{ "multipart/form-data", -EINVAL },
		{ "multipart/form-data; boundary=", -EINVAL },
		{ "multipart/form-data; boundary=\"\"", -EINVAL },
		{ "multipart/form-data; boundary=\"a \"", -EINVAL },
		{ "multipart/form-data; boundary=\"a\\b\"", -EINVAL },
		{ "multipart/form-data; boundary=a; boundary=b", -EINVAL },
		{ "multipart/form-data; boundary=a b", -EINVAL },
		{ "multipart/form-data; boundary=a@b", -EINVAL },
		{ "multipart/form-data boundary=a", -EINVAL },
		{ "multipart/mixed; boundary=x", -ENOTSUP },
		{ "multipart/form-data2; boundary=x", -ENOTSUP },
		{ "text/csv", -ENOTSUP },
		{ "", -ENOTSUP },
	};
	struct multipart m;
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		int r = multipart_start(&m, str_of(types[i].type));

		if (r != types[i].r)
			fail_msg("case %zu (%s): %d", i, types[i].type, r);
	}
	snprintf(text, sizeof(text), "multipart/form-data; boundary=%070d", 1);
	assert_int_equal(multipart_start(&m, str_of(text)), 0);
	snprintf(text, sizeof(text), "multipart/form-data; boundary=%071d", 1);
	assert_int_equal(multipart_start(&m, str_of(text)), -EINVAL);
}

static enum multipart_event last_event(struct multipart *m, struct str in)
{
	struct str data;
	enum multipart_event e, last = MULTIPART_MORE;

	while ((e = multipart_next(m, &in, &data)) != MULTIPART_MORE && e != MULTIPART_BAD)
		last = e;
	return e == MULTIPART_BAD ? e : last;
}

static void test_limits(void **state)
{
	struct multipart m;
	struct strbuf b = { 0 };

	(void)state;
	multipart_start(&m, STR("multipart/form-data; boundary=B"));
	for (int i = 0; i < MULTIPART_PARTS_MAX; i++)
		strbuf_adds(&b, PART(A, "x"));
	strbuf_adds(&b, "--B--");
	assert_int_equal(last_event(&m, strbuf_str(&b)), MULTIPART_END);
	b.n -= strlen("--B--");
	strbuf_adds(&b, PART(A, "x"));
	multipart_start(&m, STR("multipart/form-data; boundary=B"));
	assert_int_equal(last_event(&m, strbuf_str(&b)), MULTIPART_BAD);
	assert_string_equal(m.why, "too many parts");
	/* And it stays so. */
	assert_int_equal(last_event(&m, STR("x")), MULTIPART_BAD);

	strbuf_reset(&b);
	strbuf_adds(&b, "--B\r\nX: ");
	while (b.n < 5 + MULTIPART_HEADER_MAX)
		strbuf_addc(&b, 'x');
	multipart_start(&m, STR("multipart/form-data; boundary=B"));
	assert_int_equal(last_event(&m, strbuf_str(&b)), MULTIPART_MORE);
	strbuf_addc(&b, 'x');
	multipart_start(&m, STR("multipart/form-data; boundary=B"));
	assert_int_equal(last_event(&m, strbuf_str(&b)), MULTIPART_BAD);
	assert_string_equal(m.why, "header of a part is too large");
	strbuf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),        cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_byte_by_byte), cmocka_unit_test(test_content_type),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
