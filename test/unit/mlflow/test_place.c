/* Addresses of artifacts, the URLs that read them, and the lists that servers tell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mlflow/file_get.h"
#include "mlflow/file_list.h"
#include "mlflow/place.h"
#include "mlflow/route.h"
#include "json/value.h"

#define MODEL "m-0123456789abcdef0123456789abcdef"
#define AT "api/2.0/mlflow-artifacts/artifacts"

static const struct server_address server = {
	.base = "https://mlflow:5000/behind",
	.origin = "https://mlflow:5000",
	.host = "mlflow:5000",
};

static void proxied(void **unused)
{
	static const struct {
		const char *uri, *base, *root;
		bool foreign;
	} cases[] = {
		{ "mlflow-artifacts:/1/ab/artifacts", "https://mlflow:5000/behind/" AT,
		  "1/ab/artifacts", false },
		{ "mlflow-artifacts:///1/a b/", "https://mlflow:5000/behind/" AT, "1/a b", false },
		{ "mlflow-artifacts:/", "https://mlflow:5000/behind/" AT, "", false },
		{ "mlflow-artifacts://mlflow:5000/1", "https://mlflow:5000/behind/" AT, "1",
		  false },
		{ "mlflow-artifacts://MLFLOW:5000/1", "https://MLFLOW:5000/behind/" AT, "1",
		  false },
		{ "mlflow-artifacts://other/1", "https://other/behind/" AT, "1", true },
		{ "mlflow-artifacts://mlflow:5001/1", "https://mlflow:5001/behind/" AT, "1", true },
		{ "https://mlflow:5000/behind/" AT "/1/b", "https://mlflow:5000/behind/" AT, "1/b",
		  false },
		{ "http://mlflow:5000/" AT "/1", "http://mlflow:5000/" AT, "1", true },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct place p = { 0 };
		struct errbuf err = { "" };
		int r = place_parse(cases[i].uri, &server, &a, &p, &err);

		if (r != 0 || p.kind != ARTIFACTS_PROXIED || strcmp(p.base, cases[i].base) != 0 ||
		    strcmp(p.root, cases[i].root) != 0 || p.foreign != cases[i].foreign)
			fail_msg("case %zu: %d, \"%s\", \"%s\", \"%s\"", i, r, p.base ? p.base : "",
			         p.root ? p.root : "", err.text);
		arena_done(&a);
	}
}

static void other_kinds(void **unused)
{
	static const struct {
		const char *uri;
		int result;
		enum artifacts_kind kind;
		const char *told; /* container and path, logged model, or words */
	} cases[] = {
		{ "wasbs://box@account.blob.core.windows.net/a b/c/", 0, ARTIFACTS_AZURE, "a b/c" },
		{ "abfss://box@account.dfs.core.windows.net/a", 0, ARTIFACTS_AZURE, "a" },
		{ "wasbs://box@account.blob.core.windows.net", 0, ARTIFACTS_AZURE, "" },
		{ "s3://bucket/1/models/" MODEL "/artifacts", 0, ARTIFACTS_BY_SERVER, MODEL },
		{ "/srv/models/m-x/models/" MODEL, 0, ARTIFACTS_BY_SERVER, MODEL },
		{ "s3://bucket/models/" MODEL "x/artifacts", 0, ARTIFACTS_BY_SERVER, "" },
		{ "s3://bucket/models/m-/artifacts", 0, ARTIFACTS_BY_SERVER, "" },
		{ "file:///srv/mlruns/1", 0, ARTIFACTS_BY_SERVER, "" },
		{ "https://account.blob.core.windows.net/box/a", 0, ARTIFACTS_BY_SERVER, "" },
		{ "/", 0, ARTIFACTS_BY_SERVER, "" },
		{ "", -EINVAL, 0, "empty" },
		{ "\xff", -EINVAL, 0, "no text" },
		{ "runs:/abc/model", -EINVAL, 0, "names a run" },
		{ "models:/fraud/1", -EINVAL, 0, "names a run or a model" },
		{ "wasbs://box@account.blob/../x", -EINVAL, 0, "wasbs://box" },
		{ "wasbs://account.blob.core.windows.net/x", -EINVAL, 0, "container" },
		{ "mlflow-artifacts:/1/../2", -EINVAL, 0, "1/../2" },
		{ "mlflow-artifacts:/1#2", -EINVAL, 0, "1#2" },
		{ "mlflow-artifacts://a@b/1", -EINVAL, 0, "credentials" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = { 0 };
		struct place p = { 0 };
		struct errbuf err = { "" };
		int r = place_parse(cases[i].uri, &server, &a, &p, &err);
		const char *told = r < 0                       ? err.text
		                   : p.kind == ARTIFACTS_AZURE ? p.blob.path
		                   : p.logged_model            ? p.logged_model
		                                               : "";

		if (r != cases[i].result || (r == 0 && p.kind != cases[i].kind) ||
		    (r == 0 ? strcmp(told, cases[i].told) != 0 : !strstr(told, cases[i].told)))
			fail_msg("case %zu: %d, %u, \"%s\"", i, r, p.kind, told);
		arena_done(&a);
	}
}

static void below(void **unused)
{
	static const struct {
		const char *path, *folder, *rest; /* NULL: it is not below */
	} cases[] = {
		{ "a/b", "", "a/b" },    { "a/b", "a", "b" }, { "a", "a", "" },
		{ "a/b/c", "a/b", "c" }, { "ab", "a", NULL }, { "a", "a/b", NULL },
		{ "b/a", "a", NULL },    { "", "a", NULL },   { "", "", "" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str got = place_below(str_of(cases[i].path), str_of(cases[i].folder));

		if (cases[i].rest ? !got.p || !str_is(got, cases[i].rest) : got.p != NULL)
			fail_msg("case %zu: %zu bytes", i, got.p ? got.n : 0);
	}
}

/* The place, what is known of it, and the URLs of a folder and of a file. */
static const struct routed {
	const char *uri, *name, *version, *run_id, *prefix;
	const char *list, *file; /* behind "https://mlflow:5000/behind/"; NULL: no way */
} routes[] = {
	{ "mlflow-artifacts:/1/r&/artifacts", "m", "2", "r", NULL,
	  AT "?path=1%2Fr%26%2Fartifacts%2Fa%20b", AT "/1/r%26/artifacts/a%20b/%C3%A4%252F" },
	{ "mlflow-artifacts:/", "", "", "", NULL, AT "?path=a%20b", AT "/a%20b/%C3%A4%252F" },
	{ "s3://b/models/" MODEL "/artifacts", "m", "2", "r", NULL,
	  "api/2.0/mlflow/logged-models/" MODEL
	  "/artifacts/directories?artifact_directory_path=a%20b",
	  "model-versions/get-artifact?name=m&version=2&path=a%20b%2F%C3%A4%252F" },
	{ "s3://b/models/" MODEL "/artifacts", "", "", "", NULL,
	  "api/2.0/mlflow/logged-models/" MODEL
	  "/artifacts/directories?artifact_directory_path=a%20b",
	  "ajax-api/2.0/mlflow/logged-models/" MODEL
	  "/artifacts/files?artifact_file_path=a%20b%2F%C3%A4%252F" },
	{ "s3://b/r/artifacts/model", "", "", "r", "model",
	  "api/2.0/mlflow/artifacts/list?run_id=r&path=model%2Fa%20b",
	  "get-artifact?run_id=r&path=model%2Fa%20b%2F%C3%A4%252F" },
	{ "s3://b/r/artifacts", "", "", "r", "",
	  "api/2.0/mlflow/artifacts/list?run_id=r&path=a%20b",
	  "get-artifact?run_id=r&path=a%20b%2F%C3%A4%252F" },
	{ "s3://b/x", "m", "2", "", NULL, NULL,
	  "model-versions/get-artifact?name=m&version=2&path=a%20b%2F%C3%A4%252F" },
	{ "s3://b/x", "m", "", "", NULL, NULL, NULL },
};

static bool is_url(const struct strbuf *got, enum route route, const char *wanted)
{
	static const char base[] = "https://mlflow:5000/behind/";

	if (!wanted)
		return route == ROUTE_NONE;
	return route != ROUTE_NONE && got->n > sizeof(base) - 1 &&
	       memcmp(got->p, base, sizeof(base) - 1) == 0 &&
	       strcmp(got->p + sizeof(base) - 1, wanted) == 0;
}

static void urls(void **unused)
{
	struct mlflow m = { .tracking = server, .registry = server };

	(void)unused;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct routed *c = &routes[i];
		struct artifacts a = { .mlflow = &m };
		struct strbuf list = { 0 }, file = { 0 };

		assert_int_equal(place_parse(c->uri, &server, &a.arena, &a.place, NULL), 0);
		a.name = c->name;
		a.version = c->version;
		a.run_id = c->run_id;
		a.run_prefix = c->prefix;
		assert_int_equal(route_list_url(&a, "a b", &list), 0);
		assert_int_equal(route_file_url(&a, "a b/\xc3\xa4%2F", &file), 0);
		if (!is_url(&list, route_of_list(&a), c->list) ||
		    !is_url(&file, route_of_file(&a), c->file))
			fail_msg("case %zu: \"%s\", \"%s\"", i, list.p, file.p);
		strbuf_done(&list);
		strbuf_done(&file);
		arena_done(&a.arena);
	}
}

static const struct listed {
	const char *answer, *folder, *told;
	int result;
	size_t files, folders;
	const char *first; /* the path of the first file */
	uint64_t size;
} lists[] = {
	{ "{}", "", "", 0, 0, 0, NULL, 0 },
	{ "{\"files\":[]}", "", "", 0, 0, 0, NULL, 0 },
	{ "{\"files\":[{\"path\":\"b\",\"is_dir\":false,\"file_size\":3},"
	  "{\"path\":\"a\",\"is_dir\":false}]}",
	  "", "", 0, 2, 0, "a", UINT64_MAX },
	{ "{\"files\":[{\"path\":\"b\",\"file_size\":\"17\"},{\"path\":\"c\",\"is_dir\":true}]}",
	  "x/y", "", 0, 1, 1, "x/y/b", 17 },
	{ "{\"root_uri\":\"s3://b\",\"files\":[{\"path\":\"model/x/b\",\"file_size\":1}]}", "x",
	  "model/x", 0, 1, 0, "x/b", 1 },
	{ "{\"files\":[{\"path\":\"a\",\"file_size\":-1}]}", "", "", 0, 1, 0, "a", UINT64_MAX },
	{ "{\"files\":[{\"path\":\"a\",\"file_size\":1.5}]}", "", "", 0, 1, 0, "a", UINT64_MAX },
	{ "{\"files\":[{\"path\":\"model/x/y/b\"}]}", "x", "model/x", -EBADMSG, 0, 0, NULL, 0 },
	{ "{\"files\":[{\"path\":\"other/b\"}]}", "x", "model/x", -EBADMSG, 0, 0, NULL, 0 },
	{ "{\"files\":[{\"path\":\"..\"}]}", "", "", -EBADMSG, 0, 0, NULL, 0 },
	{ "{\"files\":[{\"path\":\"..\",\"is_dir\":true}]}", "", "", -EBADMSG, 0, 0, NULL, 0 },
	{ "{\"files\":[{\"path\":\"/a\"}]}", "", "", -EBADMSG, 0, 0, NULL, 0 },
	{ "{\"files\":[{\"path\":\"a\\nb\"}]}", "", "", -EBADMSG, 0, 0, NULL, 0 },
	{ "{\"files\":[{\"is_dir\":true}]}", "", "", -EBADMSG, 0, 0, NULL, 0 },
	{ "{\"files\":[7]}", "", "", -EBADMSG, 0, 0, NULL, 0 },
	{ "{\"files\":{\"path\":\"a\"}}", "", "", -EBADMSG, 0, 0, NULL, 0 },
	{ "[]", "", "", -EBADMSG, 0, 0, NULL, 0 },
	{ "<html>", "", "", -EBADMSG, 0, 0, NULL, 0 },
	{ "", "", "", -EBADMSG, 0, 0, NULL, 0 },
	{ "{\"files\":[{\"path\":\"a\"},{\"path\":\"b\"},{\"path\":\"c\"}]}", "", "", -E2BIG, 2, 0,
	  "a", UINT64_MAX },
	{ "{\"files\":[{\"path\":\"a\",\"is_dir\":true},{\"path\":\"b\",\"is_dir\":true},"
	  "{\"path\":\"c\",\"is_dir\":true}]}",
	  "", "", -E2BIG, 0, 2, NULL, 0 },
};

static void what_servers_list(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct listed *c = &lists[i];
		struct file_list l = { .limit = 2 };
		struct errbuf err = { "" };
		int r = file_list_take(&l, str_of(c->answer), str_of(c->folder), str_of(c->told),
		                       &err);

		file_list_sort(&l);
		if (r != c->result || l.count != c->files || l.folder_count != c->folders ||
		    (c->first &&
		     (strcmp(l.entries[0].path, c->first) != 0 || l.entries[0].size != c->size)) ||
		    (r < 0) != (err.text[0] != '\0'))
			fail_msg("case %zu: %d, %zu files, %zu folders, \"%s\"", i, r, l.count,
			         l.folder_count, err.text);
		file_list_done(&l);
	}
}

static void ranges(void **unused)
{
	static const struct {
		const char *text;
		long long from;
	} cases[] = {
		{ "bytes 5-9/10", 5 }, { "bytes 0-9/*", 0 }, { "bytes */10", -1 },
		{ "bytes -9/10", -1 }, { "5-9/10", -1 },     { "", -1 },
		{ "bytes", -1 },       { "-", -1 },          { "bytes 99999999999999999999-1", -1 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (file_get_range_start(str_of(cases[i].text)) != cases[i].from)
			fail_msg("case %zu", i);
	}
	assert_int_equal(file_get_range_start((struct str){ NULL, 0 }), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proxied),
		cmocka_unit_test(other_kinds),
		cmocka_unit_test(below),
		cmocka_unit_test(urls),
		cmocka_unit_test(what_servers_list),
		cmocka_unit_test(ranges),
	};

	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
