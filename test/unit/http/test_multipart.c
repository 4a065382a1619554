/*
 * The bodies of multipart.txt, told as one line: "part a/f.csv/text/csv [data];" … "end" or the
 * reason of a refusal. Each body is read whole, cut everywhere once and twice, and byte by byte.
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
#include "cases.h"
#include "http/multipart.h"

#define PART "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n"

static struct test_cases cases;

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
	const struct test_case *c = &cases.rows[i];
	size_t at = 0;
	bool complete;

	strbuf_reset(&t->told);
	strbuf_adds(&t->told, "");
	t->over = false;
	assert_int_equal(multipart_start(&t->m, STR("multipart/form-data; boundary=B")), 0);
	for (size_t k = 0; k < cut_count; k++) {
		tell(t, c->bytes.p + at, cuts[k] - at);
		at = cuts[k];
	}
	tell(t, c->bytes.p + at, c->bytes.n - at);
	if (t->told.n != c->told.n || memcmp(t->told.p, c->told.p, c->told.n) != 0)
		fail_msg("case %zu (%s): \"%s\" instead of \"%s\"", i, c->name, t->told.p,
		         c->told.p);
	complete = c->told.n >= 3 && strcmp(c->told.p + c->told.n - 3, "end") == 0;
	assert_int_equal(multipart_is_complete(&t->m), complete);
}

static void test_whole(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < cases.count; i++)
		check(&t, i, NULL, 0);
	strbuf_done(&t.told);
}

static void test_cuts(void **state)
{
	struct teller t = { 0 };

	(void)state;
	for (size_t i = 0; i < cases.count; i++) {
		for (size_t a = 1; a < cases.rows[i].bytes.n; a++) {
			for (size_t b = a; b < cases.rows[i].bytes.n; b++) {
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
	for (size_t i = 0; i < cases.count; i++) {
		if (cases.rows[i].bytes.n > 0)
			check(&t, i, cuts, cases.rows[i].bytes.n - 1);
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
		strbuf_adds(&b, PART);
	strbuf_adds(&b, "--B--");
	assert_int_equal(last_event(&m, strbuf_str(&b)), MULTIPART_END);
	b.n -= strlen("--B--");
	strbuf_adds(&b, PART);
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

static int read_cases(void **state)
{
	(void)state;
	cases_read(&cases, "multipart.txt");
	return 0;
}

static int free_cases(void **state)
{
	(void)state;
	cases_done(&cases);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),        cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_byte_by_byte), cmocka_unit_test(test_content_type),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, read_cases, free_cases);
}
