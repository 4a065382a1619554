/* Shared Key against requests that a storage accepted, and the pieces around it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "azure/signature.h"
#include "base/encode.h"

#define KEY                                                                                        \
	"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define DATE                                                                                       \
	{                                                                                          \
		"x-ms-date", "Mon, 01 Jan 2024 00:00:00 GMT"                                       \
	}
#define VERSION                                                                                    \
	{                                                                                          \
		"x-ms-version", "2021-12-02"                                                       \
	}
#define BLOB "/devstoreaccount1/cont1/a%20b%2Bc.txt"

static const struct {
	const char *method, *path;
	uint64_t length;
	const char *type, *range;
	struct signature_pair headers[4];
	struct signature_pair query[6];
	const char *signature;
} vectors[] = {
	{ "PUT",
	  BLOB,
	  5,
	  "text/plain",
	  "",
	  { { "x-ms-blob-type", "BlockBlob" }, DATE, VERSION },
	  { { 0 } },
	  "SXktiqzTQyxiZgi0tzxBLeAxEbYhYHRYX5w7hHl1ebM=" },
	{ "GET",
	  BLOB,
	  0,
	  "",
	  "",
	  { DATE, { "x-ms-range", "bytes=0-3" }, VERSION },
	  { { 0 } },
	  "MqfF6RFLHH5PHRlMAzygzCCLHatXGJpem5G6ZXp+sNQ=" },
	{ "GET",
	  BLOB,
	  0,
	  "",
	  "bytes=0-3",
	  { DATE, VERSION },
	  { { 0 } },
	  "xnWqBhR4Nx3/JMvymUUMxAAYM55gIyI0i2cYlMkyW44=" },
	{ "GET",
	  "/devstoreaccount1/cont1",
	  0,
	  "",
	  "",
	  { DATE, VERSION },
	  { { "comp", "list" },
	    { "delimiter", "/" },
	    { "maxresults", "10" },
	    { "prefix", "a b" },
	    { "restype", "container" } },
	  "8/vUOn7BlO2ifPGQvfrqg8YzrN4J762dMSVd8HJRpXs=" },
	{ "PUT",
	  "/devstoreaccount1/vec1",
	  0,
	  "",
	  "",
	  { DATE, VERSION },
	  { { "restype", "container" } },
	  "zf1nU3gqi1b+KHd9h3wc1QkhAfii5hVFE0VxzvCChJ4=" },
	{ "PUT",
	  "/devstoreaccount1/cont1/big",
	  5,
	  "application/octet-stream",
	  "",
	  { DATE, VERSION },
	  { { "blockid", "MDAwMDAwMDA=" }, { "comp", "block" } },
	  "TKwruWe6V8epiKSWh/H3WV4xwFNKx/IYRrAXINMFxhs=" },
};

static size_t count(const struct signature_pair *p, size_t room)
{
	size_t n = 0;

	while (n < room && p[n].name)
		n++;
	return n;
}

static void known_signatures(void **unused)
{
	unsigned char key[80];
	long key_size = base64_decode(STR(KEY), 0, key);

	(void)unused;
	assert_int_equal(key_size, 64);
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct signature_input in = {
			.method = vectors[i].method,
			.account = "devstoreaccount1",
			.path = vectors[i].path,
			.content_length = vectors[i].length,
			.content_md5 = "",
			.content_type = vectors[i].type,
			.if_match = "",
			.if_none_match = "",
			.range = vectors[i].range,
			.headers = vectors[i].headers,
			.header_count = count(vectors[i].headers, 4),
			.query = vectors[i].query,
			.query_count = count(vectors[i].query, 6),
		};
		struct strbuf text = { 0 };
		char signature[SIGNATURE_BYTES];

		signature_text(&in, &text);
		assert_int_equal(
		        signature_sign(key, (size_t)key_size, strbuf_str(&text), signature), 0);
		if (strcmp(signature, vectors[i].signature) != 0)
			fail_msg("case %zu: %s of\n%s", i, signature, text.p);
		strbuf_done(&text);
	}
}

static void every_line_has_its_place(void **unused)
{
	const struct signature_pair header = { "x-ms-a", "1" };
	const struct signature_input in = {
		.method = "PUT",
		.account = "acct",
		.path = "/c/b",
		.content_length = 7,
		.content_md5 = "md5",
		.content_type = "type",
		.if_match = "match",
		.if_none_match = "*",
		.range = "range",
		.headers = &header,
		.header_count = 1,
	};
	struct strbuf text = { 0 };

	(void)unused;
	signature_text(&in, &text);
	assert_string_equal(text.p, "PUT\n\n\n7\nmd5\ntype\n\n\nmatch\n*\n\nrange\nx-ms-a:1\n"
	                            "/acct/c/b");
	strbuf_done(&text);
}

static void dates(void **unused)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ 1704067200, "Mon, 01 Jan 2024 00:00:00 GMT" },
		{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 951782399, "Mon, 28 Feb 2000 23:59:59 GMT" },
		{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
	};
	char text[SIGNATURE_DATE_BYTES];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		signature_date(cases[i].seconds * 1000000, text);
		if (strcmp(text, cases[i].text) != 0)
			fail_msg("case %zu: %s", i, text);
	}
}

static void encoding(void **unused)
{
	static const struct {
		const char *text;
		int path;
		const char *encoded;
	} cases[] = {
		{ "a b+c.txt", 1, "a%20b%2Bc.txt" },
		{ "a/b", 1, "a/b" },
		{ "a/b", 0, "a%2Fb" },
		{ "-._~", 0, "-._~" },
		{ "(!*')&=?#%", 1, "%28%21%2A%27%29%26%3D%3F%23%25" },
		{ "\xc3\xa4", 1, "%C3%A4" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strbuf out = { 0 };

		signature_encode(&out, cases[i].text, cases[i].path);
		if (strcmp(out.p, cases[i].encoded) != 0)
			fail_msg("case %zu: %s", i, out.p);
		strbuf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_signatures),
		cmocka_unit_test(every_line_has_its_place),
		cmocka_unit_test(dates),
		cmocka_unit_test(encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
