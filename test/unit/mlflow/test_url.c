/* Addresses of servers, what is encoded, what can be the path of a file. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mlflow/endpoint.h"
#include "mlflow/url.h"

static void addresses(void **unused)
{
	static const struct {
		const char *text, *base, *host; /* base NULL: refused, with host in its words */
	} cases[] = {
		{ "http://mlflow:5000", "http://mlflow:5000", "mlflow:5000" },
		{ "http://mlflow:5000/", "http://mlflow:5000", "mlflow:5000" },
		{ "https://m.example.com/a/b//", "https://m.example.com/a/b", "m.example.com" },
		{ "HTTPS://m", "https://m", "m" },
		{ "http://[::1]:5000/x", "http://[::1]:5000/x", "[::1]:5000" },
		{ "http://[::1]", "http://[::1]", "[::1]" },
		{ "", NULL, "must begin with" },
		{ "mlflow:5000", NULL, "must begin with" },
		{ "file:///tmp/mlruns", NULL, "must begin with" },
		{ "databricks", NULL, "must begin with" },
		{ "httpx://mlflow", NULL, "must begin with" },
		{ "http://", NULL, "host" },
		{ "http:///path", NULL, "host" },
		{ "http://:5000", NULL, "host" },
		{ "http://mlflow:", NULL, "host" },
		{ "http://mlflow:0", NULL, "host" },
		{ "http://mlflow:65536", NULL, "host" },
		{ "http://mlflow:5000x", NULL, "host" },
		{ "http://[::1]x:1", NULL, "host" },
		{ "http://a b", NULL, "host" },
		{ "http://name:secret@mlflow", NULL, "MLFLOW_TRACKING_USERNAME" },
		{ "http://mlflow?x=1", NULL, "path" },
		{ "http://mlflow/a#b", NULL, "path" },
		{ "http://mlflow/a b", NULL, "path" },
		{ "http://mlflow/\xc3\xa4", NULL, "path" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct server_address got = { 0 };
		struct errbuf err = { "" };
		int r = server_address_parse(cases[i].text, &a, &got, &err);

		if (cases[i].base ? r != 0 || strcmp(got.base, cases[i].base) != 0 ||
		                            strcmp(got.host, cases[i].host) != 0
		                  : r != -EINVAL || !strstr(err.text, cases[i].host))
			fail_msg("case %zu: %d, \"%s\", \"%s\"", i, r, got.base ? got.base : "",
			         err.text);
		if (strstr(err.text, "secret"))
			fail_msg("case %zu tells a secret: \"%s\"", i, err.text);
		arena_done(&a);
	}
}

static void file_paths(void **unused)
{
	static const struct {
		const char *path;
		bool good;
	} cases[] = {
		{ "MLmodel", true },      { "a/b/c.txt", true }, { "a b/\xc3\xa4+%.x", true },
		{ "...", true },          { ".hidden/x", true }, { "", false },
		{ "/a", false },          { "a/", false },       { "a//b", false },
		{ ".", false },           { "a/./b", false },    { "..", false },
		{ "../../etc/x", false }, { "a/..", false },     { "a\nb", false },
		{ "\x7f", false },        { "a/\xff", false },
	};
	char lengthy[1026];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (url_is_file_path(str_of(cases[i].path)) != cases[i].good)
			fail_msg("case %zu: \"%s\"", i, cases[i].path);
	}
	memset(lengthy, 'x', sizeof(lengthy));
	assert_true(url_is_file_path((struct str){ lengthy, 1024 }));
	assert_false(url_is_file_path((struct str){ lengthy, 1025 }));
	assert_false(url_is_file_path((struct str){ "a\0b", 3 }));
}

static void endpoints(void **unused)
{
	static const struct mlflow_parameter alias[] = { { "name", "fraud model/\xc3\xa4" },
		                                         { "alias", "production+1" } };
	static const struct mlflow_parameter order[] = { { "order_by", "a DESC" },
		                                         { "order_by", "b&c" } };
	static const struct {
		struct mlflow_request q;
		const char *url; /* NULL: refused */
	} cases[] = {
		{ { .endpoint = MLFLOW_ALIAS_GET, .query = alias, .query_count = 2 },
		  "http://m/p/api/2.0/mlflow/registered-models/alias"
		  "?name=fraud%20model%2F%C3%A4&alias=production%2B1" },
		{ { .endpoint = MLFLOW_VERSION_SEARCH, .query = order, .query_count = 2 },
		  "http://m/p/api/2.0/mlflow/model-versions/search"
		  "?order_by=a%20DESC&order_by=b%26c" },
		{ { .endpoint = MLFLOW_RUN_CREATE }, "http://m/p/api/2.0/mlflow/runs/create" },
		{ { .endpoint = MLFLOW_LOGGED_MODEL_GET, .id = "m-1" },
		  "http://m/p/api/2.0/mlflow/logged-models/m-1" },
		{ { .endpoint = MLFLOW_LOGGED_MODEL_FINISH, .id = "../x?" },
		  "http://m/p/api/2.0/mlflow/logged-models/..%2Fx%3F" },
		{ { .endpoint = MLFLOW_LOGGED_MODEL_GET, .id = "" }, NULL },
		{ { .endpoint = MLFLOW_LOGGED_MODEL_GET }, NULL },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strbuf url = { 0 };
		int r = endpoint_url("http://m/p", &cases[i].q, &url);

		if (cases[i].url ? r != 0 || strcmp(url.p, cases[i].url) != 0 : r != -EINVAL)
			fail_msg("case %zu: %d, \"%s\"", i, r, url.p ? url.p : "");
		strbuf_done(&url);
	}
}

/* What would be there twice is not sent twice; every endpoint has its row. */
static void what_may_be_repeated(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < MLFLOW_ENDPOINT_MAX; i++) {
		const struct endpoint *e = endpoint_of(i);
		bool once = i == MLFLOW_RUN_CREATE || i == MLFLOW_VERSION_CREATE ||
		            i == MLFLOW_LOGGED_MODEL_CREATE || i == MLFLOW_EXPERIMENT_RESTORE ||
		            i == MLFLOW_RUN_OUTPUTS;

		if (!e->path || !e->method || e->idempotent == once)
			fail_msg("endpoint %u", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(file_paths),
		cmocka_unit_test(endpoints),
		cmocka_unit_test(what_may_be_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
