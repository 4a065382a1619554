/* The cut at 255 bytes falls between characters; a prefix keeps what was said. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/errbuf.h"
#include "base/str.h"

static void says_and_returns(void **unused)
{
	struct errbuf err = { "old" };

	(void)unused;
	assert_int_equal(errbuf_set(&err, -EINVAL, "line %d: \"%s\"", 3, "x"), -EINVAL);
	assert_string_equal(err.text, "line 3: \"x\"");
	assert_int_equal(errbuf_prefix(&err, -EBADMSG, "file \"%s\"", "f"), -EBADMSG);
	assert_string_equal(err.text, "file \"f\": line 3: \"x\"");
	assert_int_equal(errbuf_set(&err, -1, "%s again", err.text), -1);
	assert_string_equal(err.text, "file \"f\": line 3: \"x\" again");
	assert_int_equal(errbuf_set(NULL, -EIO, "nobody reads"), -EIO);
	assert_int_equal(errbuf_prefix(NULL, -EIO, "nobody reads"), -EIO);
}

/* `ascii` bytes, then two-, three- or four-byte characters: the cut moves through all phases. */
static void cuts_between_characters(void **unused)
{
	static const char *const characters[] = { "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

	(void)unused;
	for (size_t kind = 0; kind < 3; kind++) {
		for (int ascii = 0; ascii < 8; ascii++) {
			size_t width = strlen(characters[kind]);
			struct errbuf err;
			char text[512];
			size_t n = (size_t)ascii;

			memset(text, 'x', n);
			for (; n + width < sizeof(text); n += width)
				memcpy(text + n, characters[kind], width);
			text[n] = '\0';
			errbuf_set(&err, -1, "%s", text);
			n = strlen(err.text);
			if (!str_is_utf8(str_of(err.text)) || n > 255 || n + width <= 255)
				fail_msg("%zu bytes a character, %d ahead: %zu", width, ascii, n);
			errbuf_prefix(&err, -1, "p");
			n = strlen(err.text);
			if (!str_is_utf8(str_of(err.text)) || n > 255 || n + width <= 255)
				fail_msg("%zu bytes a character, %d ahead: prefix", width, ascii);
		}
	}
}

static void exact_length_fits(void **unused)
{
	struct errbuf err;
	char text[257];

	(void)unused;
	memset(text, 'x', sizeof(text));
	text[255] = '\0';
	errbuf_set(&err, -1, "%s", text);
	assert_int_equal(strlen(err.text), 255);
	text[255] = 'x';
	text[256] = '\0';
	errbuf_set(&err, -1, "%s", text);
	assert_int_equal(strlen(err.text), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_and_returns),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(exact_length_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
