/* Addresses of blobs, good and bad. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "azure/blob_address.h"

#define BLOB "acct.blob.core.windows.net"
#define HTTPS "https://" BLOB

static void good(void **unused)
{
	static const struct {
		const char *text, *endpoint, *container, *path;
	} cases[] = {
		{ "wasbs://cont@" BLOB "/a/b c", HTTPS, "cont", "a/b c" },
		{ "wasbs://cont@" BLOB "/a%20b", HTTPS, "cont", "a%20b" },
		{ "wasbs://cont@" BLOB, HTTPS, "cont", "" },
		{ "wasbs://cont@" BLOB "/", HTTPS, "cont", "" },
		{ "wasbs://c-1@" BLOB "/m-1/artifacts/", HTTPS, "c-1", "m-1/artifacts" },
		{ "abfss://cont@acct.dfs.core.windows.net/a%20b", HTTPS, "cont", "a b" },
		{ HTTPS "/cont/a%2Bb/c", HTTPS, "cont", "a+b/c" },
		{ HTTPS "/cont", HTTPS, "cont", "" },
		{ "wasbs://cont@acct.blob.core.chinacloudapi.cn/x",
		  "https://acct.blob.core.chinacloudapi.cn", "cont", "x" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct blob_address at;
		struct errbuf err = { "" };

		if (blob_address_parse(cases[i].text, &a, &at, &err) < 0)
			fail_msg("case %zu: %s", i, err.text);
		assert_string_equal(at.account, "acct");
		assert_string_equal(at.endpoint, cases[i].endpoint);
		assert_string_equal(at.container, cases[i].container);
		assert_string_equal(at.path, cases[i].path);
		arena_done(&a);
	}
}

static void bad(void **unused)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "is no address of blobs" },
		{ "s3://bucket/x", "is no address of blobs" },
		{ "http://" BLOB "/cont/x", "is no address of blobs" },
		{ "wasbs://" BLOB "/x", "no such container" },
		{ "wasbs://cont@/x", "host must be" },
		{ "wasbs://cont@acct.dfs.core.windows.net/x", "host must be <account>.blob" },
		{ "abfss://cont@" BLOB "/x", "host must be <account>.dfs" },
		{ "wasbs://cont@acct.blob.evil.example:80/x", "host must be" },
		{ "wasbs://cont@acct.blob.evil.example/x", "host must be" },
		{ "wasbs://cont@acct.blob.core.windows.net.evil.example/x", "host must be" },
		{ "abfss://cont@acct.dfs.evil.example/x", "host must be" },
		{ "https://acct.blob.evil.example/cont/x", "host must be" },
		{ "wasbs://Cont@" BLOB "/x", "no such container" },
		{ "wasbs://c@" BLOB "/x", "no such container" },
		{ "wasbs://-co-@" BLOB "/x", "no such container" },
		{ "wasbs://cont@" BLOB "/a//b", "path of a blob cannot be" },
		{ "wasbs://cont@" BLOB "/a/../b", "path of a blob cannot be" },
		{ HTTPS "/cont/a%2F..%2Fb", "path of a blob cannot be" },
		{ HTTPS "/cont/a%00b", "path of a blob cannot be" },
		{ HTTPS "/cont/a%2", "wrongly encoded" },
		{ HTTPS "/cont/a?sig=x", "has no query" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct blob_address at;
		struct errbuf err = { "" };
		int r = blob_address_parse(cases[i].text, &a, &at, &err);

		if (r != -EINVAL || !strstr(err.text, cases[i].words))
			fail_msg("case %zu \"%s\": %d %s", i, cases[i].text, r, err.text);
		if (strstr(err.text, "sig=x"))
			fail_msg("case %zu tells a signature", i);
		arena_done(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
