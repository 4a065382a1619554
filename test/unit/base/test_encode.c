/* RFC 4648 both ways, and every near miss that a lax decoder would take. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"

static void base64_both_ways(void **unused)
{
	/* RFC 4648, section 10; and bytes that need the last two letters. */
	static const struct {
		struct str bytes;
		const char *standard, *url;
	} cases[] = {
		{ STR_INIT(""), "", "" },
		{ STR_INIT("f"), "Zg==", "Zg" },
		{ STR_INIT("fo"), "Zm8=", "Zm8" },
		{ STR_INIT("foo"), "Zm9v", "Zm9v" },
		{ STR_INIT("foob"), "Zm9vYg==", "Zm9vYg" },
		{ STR_INIT("fooba"), "Zm9vYmE=", "Zm9vYmE" },
		{ STR_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy" },
		{ STR_INIT("\xfb\xff\xbf"), "+/+/", "-_-_" },
		{ STR_INIT("\x00\x10\x83\x10\x51\x87"), "ABCDEFGH", "ABCDEFGH" },
		{ STR_INIT("\xff"), "/w==", "_w" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int url = 0; url < 2; url++) {
			const char *text = url ? cases[i].url : cases[i].standard;
			char encoded[16], decoded[16];
			size_t n = base64_encode(cases[i].bytes.p, cases[i].bytes.n, url, encoded);
			long size;

			if (n != strlen(text) || strcmp(encoded, text) != 0)
				fail_msg("case %zu, url %d: %s", i, url, encoded);
			size = base64_decode(str_of(text), url, decoded);
			if (size < 0 ||
			    !str_equal((struct str){ decoded, (size_t)size }, cases[i].bytes))
				fail_msg("case %zu, url %d: back", i, url);
		}
	}
}

static void base64_is_strict(void **unused)
{
	static const struct {
		const char *text;
		int url;
	} cases[] = {
		{ "Zg", 0 },       { "Zg=", 0 },      { "Zg===", 0 }, { "Zm8", 0 },
		{ "Zm9v=", 0 },    { "Zm9v====", 0 }, { "=", 0 },     { "====", 0 },
		{ "Z===", 0 },     { "Zh==", 0 },     { "Zm9=", 0 },  { "Zm 9v", 0 },
		{ "Zm9v\n", 0 },   { "Zg==Zg==", 0 }, { "Zm-_", 0 },  { "Z=9v", 0 },
		{ "Zm9v\xc3", 0 }, { "Zg==", 1 },     { "Zh", 1 },    { "Zm9", 1 },
		{ "Z", 1 },        { "Zm9vZ", 1 },    { "Zm+/", 1 },  { "Zg=", 1 },
		{ " Zg", 1 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char decoded[16];

		if (base64_decode(str_of(cases[i].text), cases[i].url, decoded) != -EINVAL)
			fail_msg("case %zu: \"%s\" was taken", i, cases[i].text);
	}
}

static void base64_of_all_lengths(void **unused)
{
	unsigned char bytes[256], decoded[260];
	char text[BASE64_SIZE(256) + 1];

	(void)unused;
	for (unsigned i = 0; i < 256; i++)
		bytes[i] = (unsigned char)(i * 167 + 13);
	for (size_t n = 0; n <= 256; n++) {
		for (int url = 0; url < 2; url++) {
			size_t length = base64_encode(bytes, n, url, text);
			struct str s = { text, length };

			if (!url && length != BASE64_SIZE(n))
				fail_msg("%zu bytes: %zu", n, length);
			if (base64_decode(s, url, decoded) != (long)n ||
			    memcmp(bytes, decoded, n) != 0)
				fail_msg("%zu bytes, url %d", n, url);
		}
	}
}

static void hex(void **unused)
{
	static const struct {
		const char *text;
		size_t n;
		int r;
	} cases[] = {
		{ "00fF7a", 3, 0 },         { "", 0, 0 },
		{ "00f", 1, -EINVAL },      { "00ff7", 3, -EINVAL },
		{ "00ff7a00", 3, -EINVAL }, { "0gff7a", 3, -EINVAL },
		{ "0x0102", 3, -EINVAL },   { " 00f7a", 3, -EINVAL },
	};
	char text[16];

	(void)unused;
	hex_encode("\x00\xff\x7a", 3, text);
	assert_string_equal(text, "00ff7a");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char bytes[4] = { 1, 1, 1, 1 };
		int r = hex_decode(str_of(cases[i].text), bytes, cases[i].n);

		if (r != cases[i].r)
			fail_msg("case %zu: %d", i, r);
		if (r < 0 && bytes[0] != 1)
			fail_msg("case %zu: written on failure", i);
		if (r == 0 && cases[i].n && memcmp(bytes, "\x00\xff\x7a", 3) != 0)
			fail_msg("case %zu: other bytes", i);
	}
}

static void uuids(void **unused)
{
	static const struct {
		const char *text;
		int valid;
	} cases[] = {
		{ "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", 1 },
		{ "017F22E2-79B0-7CC3-98C4-DC0C0C07398F", 1 },
		{ "00000000-0000-0000-0000-000000000000", 1 },
		{ "017f22e2-79b0-7cc3-98c4-dc0c0c07398", 0 },
		{ "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0", 0 },
		{ "017f22e279b07cc398c4dc0c0c07398f", 0 },
		{ "017f22e2079b0-7cc3-98c4-dc0c0c07398f", 0 },
		{ "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", 0 },
		{ "017f22e-279b0-7cc3-98c4-dc0c0c07398f", 0 },
		{ "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}", 0 },
		{ "", 0 },
	};
	char one[UUID_TEXT_SIZE], two[UUID_TEXT_SIZE];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (uuid_is_valid(str_of(cases[i].text)) != cases[i].valid)
			fail_msg("case %zu", i);
	}
	/* The instant of the example in RFC 9562, appendix A.6. */
	assert_int_equal(uuid7(INT64_C(0x017f22e279b0), one), 0);
	assert_int_equal(uuid7(INT64_C(0x017f22e279b0), two), 0);
	assert_memory_equal(one, "017f22e2-79b0-7", 15);
	assert_non_null(strchr("89ab", one[19]));
	assert_true(uuid_is_valid(str_of(one)));
	assert_string_not_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_both_ways),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(base64_of_all_lengths),
		cmocka_unit_test(hex),
		cmocka_unit_test(uuids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
