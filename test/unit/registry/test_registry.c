/* The local folder as a registry: real folders, what is refused, and how results come. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/settings.h"
#include "daemon/loop.h"
#include "registry/registry.h"

#define TOO_LONG_LINE "1234567890123456789012345678901234567890123456789012345678901234\n"

static struct {
	char dir[64];
	struct settings settings;
	struct registry *registry;
} t;

static void write_file(const char *path, const char *text)
{
	assert_int_equal(file_write(AT_FDCWD, path, str_of(text), 0644), 0);
}

static void make_version(const char *version)
{
	char path[96];

	snprintf(path, sizeof(path), "models/fraud/%s", version);
	assert_int_equal(file_make_dirs(path, 0755), 0);
	snprintf(path, sizeof(path), "models/fraud/%s/model.ubj", version);
	write_file(path, version);
}

static int setup(void **unused)
{
	struct errbuf err;

	(void)unused;
	strcpy(t.dir, "/tmp/test_registry.XXXXXX");
	if (!mkdtemp(t.dir) || chdir(t.dir) < 0)
		return -1;
	t.settings.models.dir = "models";
	t.settings.models.name = "fraud";
	t.settings.mlflow.tracking_uri = "";
	return registry_new(NULL, &t.settings, &t.registry, &err);
}

static int teardown(void **unused)
{
	(void)unused;
	registry_free(t.registry);
	return file_remove_tree(t.dir);
}

static void expect(const struct registry_request *q, int result, const char *words)
{
	struct registry_result r;

	registry_call(t.registry, q, &r);
	if (r.result != result || (words && strcmp(r.err.text, words) != 0))
		fail_msg("verb %d: %d \"%s\"", (int)q->verb, r.result, r.err.text);
	registry_result_done(&r);
}

static void expect_alias(const char *alias, const char *version)
{
	struct registry_result r;

	assert_int_equal(registry_call(t.registry,
	                               &(struct registry_request){ .verb = REGISTRY_RESOLVE,
	                                                           .alias = alias },
	                               &r),
	                 0);
	assert_string_equal(r.version.version, version);
	assert_string_equal(r.version.registry_version, "");
	assert_true(r.version.stamp != 0);
	registry_result_done(&r);
}

static void set_alias(const char *alias, const char *version, bool keep_previous)
{
	expect(&(struct registry_request){ .verb = REGISTRY_SET_ALIAS,
	                                   .alias = alias,
	                                   .version = version,
	                                   .keep_previous = keep_previous },
	       0, NULL);
}

static void names_are_checked(void **unused)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{ "production", true },
		{ "20260101-000000", true },
		{ "a", true },
		{ "A.b_c-9", true },
		{ "", false },
		{ ".", false },
		{ "..", false },
		{ ".hidden", false },
		{ "a/b", false },
		{ "a b", false },
		{ "a\n", false },
		{ "\xc3\xa9", false },
		{ "123456789012345678901234567890123456789012345678901234567890123", true },
		{ "1234567890123456789012345678901234567890123456789012345678901234", false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (registry_name_is_valid(cases[i].text) != cases[i].valid)
			fail_msg("case %zu: \"%s\"", i, cases[i].text);
}

static void settings_are_checked(void **unused)
{
	static const struct {
		const char *name, *dir;
	} cases[] = {
		{ "", "models" }, { "../up", "models" }, { ".fraud", "models" }, { "fraud", "" }
	};
	struct settings s = { .models = { .dir = "" } };
	struct registry *r;
	struct errbuf err;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s.models.name = cases[i].name;
		s.models.dir = cases[i].dir;
		if (registry_new(NULL, &s, &r, &err) != -EINVAL)
			fail_msg("case %zu", i);
	}
}

/* What is not there is named, one step after the other, and none of the words says where on the
 * disk it is. */
static void what_is_missing_is_named(void **unused)
{
	const struct registry_request q = { .verb = REGISTRY_RESOLVE, .alias = "production" };

	(void)unused;
	expect(&q, -ENOENT,
	       "could not open the model folder \"models\": No such file or directory; set "
	       "models.dir or train a version");
	assert_int_equal(mkdir("models", 0755), 0);
	expect(&q, -ENOENT, "no model \"fraud\" in \"models\": train a version or set models.name");
	make_version("1");
	expect(&q, -ENOENT,
	       "no alias \"production\" of model \"fraud\" in \"models\": train a version or set "
	       "the alias");
	assert_int_equal(mkdir("models/fraud/aliases", 0755), 0);
	write_file("models/fraud/aliases/production", "2\n");
	expect(&q, -ENOENT,
	       "alias \"production\": no version \"2\" of model \"fraud\" in \"models\"");
}

static void alias_files_are_checked(void **unused)
{
	static const char *const bad[] = { "",      "\n",        "../x\n",     ".\n",
		                           "a b\n", "aliases\n", TOO_LONG_LINE };
	static const char *const good[] = { "1", "1\n", "1\r\n", "1\nand more\n" };
	const struct registry_request q = { .verb = REGISTRY_RESOLVE, .alias = "production" };

	(void)unused;
	make_version("1");
	assert_int_equal(mkdir("models/fraud/aliases", 0755), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file("models/fraud/aliases/production", bad[i]);
		expect(&q, -EBADMSG,
		       "alias \"production\" of model \"fraud\" does not hold the name of a "
		       "version");
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		write_file("models/fraud/aliases/production", good[i]);
		expect_alias("production", "1");
	}
}

static void links_are_not_followed(void **unused)
{
	const struct registry_request alias = { .verb = REGISTRY_RESOLVE, .alias = "production" };
	const struct registry_request version = { .verb = REGISTRY_FIND, .version = "linked" };

	(void)unused;
	make_version("1");
	assert_int_equal(mkdir("models/fraud/aliases", 0755), 0);
	write_file("elsewhere", "1\n");
	assert_int_equal(symlink("../../../elsewhere", "models/fraud/aliases/production"), 0);
	expect(&alias, -ELOOP, NULL);
	assert_int_equal(unlink("models/fraud/aliases/production"), 0);
	assert_int_equal(mkfifo("models/fraud/aliases/production", 0644), 0);
	expect(&alias, -EINVAL, NULL);
	assert_int_equal(symlink("1", "models/fraud/linked"), 0);
	expect(&version, -ELOOP, NULL);
	assert_int_equal(rename("models/fraud/aliases", "models/fraud/real"), 0);
	assert_int_equal(symlink("real", "models/fraud/aliases"), 0);
	expect(&alias, -ELOOP, NULL);
	assert_int_equal(rename("models/fraud", "models/other"), 0);
	assert_int_equal(symlink("other", "models/fraud"), 0);
	expect(&alias, -ELOOP, NULL);
}

static void promotion_keeps_the_previous(void **unused)
{
	(void)unused;
	make_version("1");
	make_version("2");
	set_alias("production", "1", true);
	expect_alias("production", "1");
	expect(&(struct registry_request){ .verb = REGISTRY_RESOLVE, .alias = REGISTRY_PREVIOUS },
	       -ENOENT, NULL);
	set_alias("production", "2", true);
	expect_alias("production", "2");
	expect_alias(REGISTRY_PREVIOUS, "1");
	/* the same again, or a rollback, does not lose the way back */
	set_alias("production", "2", true);
	expect_alias(REGISTRY_PREVIOUS, "1");
	set_alias("production", "1", false);
	expect_alias("production", "1");
	expect_alias(REGISTRY_PREVIOUS, "1");
	expect(&(struct registry_request){ .verb = REGISTRY_SET_ALIAS,
	                                   .alias = "production",
	                                   .version = "3" },
	       -ENOENT, NULL);
	expect_alias("production", "1");
	expect(&(struct registry_request){ .verb = REGISTRY_SET_ALIAS,
	                                   .alias = "../1/model.ubj",
	                                   .version = "1" },
	       -EINVAL, NULL);
}

static void versions_are_listed(void **unused)
{
	static const struct {
		const char *version, *aliases;
	} expected[] = { { "20260102-000000", "production" },
		         { "20260101-000000", "previous, staging" },
		         { "10", "" },
		         { "9", "" } };
	struct registry_result r;

	(void)unused;
	make_version("9");
	make_version("10");
	make_version("20260101-000000");
	make_version("20260102-000000");
	make_version(".new-20260103-000000-77");
	write_file("models/fraud/20260104-000000", "no folder");
	set_alias("staging", "20260101-000000", false);
	set_alias("production", "20260101-000000", false);
	set_alias("production", "20260102-000000", true);
	registry_call(t.registry, &(struct registry_request){ .verb = REGISTRY_LIST }, &r);
	assert_int_equal(r.result, 0);
	assert_int_equal(r.count, 4);
	for (size_t i = 0; i < r.count; i++) {
		if (strcmp(r.entries[i].version.version, expected[i].version) != 0)
			fail_msg("entry %zu is \"%s\"", i, r.entries[i].version.version);
		if (strcmp(r.entries[i].aliases, expected[i].aliases) != 0)
			fail_msg("entry %zu has \"%s\"", i, r.entries[i].aliases);
		assert_true(r.entries[i].created_at_us > 0);
		assert_true(r.entries[i].version.stamp != 0);
	}
	registry_result_done(&r);
	registry_call(t.registry, &(struct registry_request){ .verb = REGISTRY_LIST, .limit = 1 },
	              &r);
	assert_int_equal(r.count, 1);
	registry_result_done(&r);
}

static void folders_are_fetched(void **unused)
{
	struct registry_version found = { .version = "1" };
	const struct registry_request q = { .verb = REGISTRY_FETCH, .found = &found };
	CLEANUP(free_p) char *text = NULL;
	struct registry_result r;
	size_t n;

	(void)unused;
	make_version("1");
	assert_int_equal(registry_call(t.registry, &q, &r), 0);
	assert_null(r.folder.temporary);
	assert_int_equal(file_read(r.folder.fd, "model.ubj", 100, &text, &n), 0);
	assert_string_equal(text, "1");
	registry_result_done(&r);
	strcpy(found.version, "2");
	expect(&q, -ENOENT, "no version \"2\" of model \"fraud\" in \"models\"");
	strcpy(found.version, "aliases");
	set_alias("production", "1", false);
	expect(&q, -ENOENT, NULL);
}

static uint64_t stamp_of(const char *version)
{
	struct registry_result r;
	uint64_t stamp;

	registry_call(t.registry,
	              &(struct registry_request){ .verb = REGISTRY_FIND, .version = version }, &r);
	assert_int_equal(r.result, 0);
	stamp = r.version.stamp;
	registry_result_done(&r);
	return stamp;
}

static void stamps_show_changes(void **unused)
{
	uint64_t before;

	(void)unused;
	make_version("1");
	assert_int_equal(mkdir("models/fraud/1/artifacts", 0755), 0);
	write_file("models/fraud/1/artifacts/a", "x");
	before = stamp_of("1");
	assert_true(stamp_of("1") == before);
	write_file("models/fraud/1/artifacts/a", "y");
	assert_true(stamp_of("1") != before);
	before = stamp_of("1");
	write_file("models/fraud/1/artifacts/b", "");
	assert_true(stamp_of("1") != before);
	before = stamp_of("1");
	assert_int_equal(rename("models/fraud/1/artifacts/b", "models/fraud/1/artifacts/c"), 0);
	assert_true(stamp_of("1") != before);
}

static void tags_are_kept(void **unused)
{
	struct registry_request get = { .verb = REGISTRY_GET_TAG,
		                        .version = "1",
		                        .key = "fraudd.verdict" };
	struct registry_request set = { .verb = REGISTRY_SET_TAG,
		                        .version = "1",
		                        .key = "fraudd.verdict",
		                        .text = STR("better by 0.01\n") };
	static char big[REGISTRY_TAG_BYTES + 1];
	struct registry_result r;

	(void)unused;
	make_version("1");
	expect(&get, -ENOENT, "version \"1\" has no tag \"fraudd.verdict\"");
	expect(&set, 0, NULL);
	assert_int_equal(registry_call(t.registry, &get, &r), 0);
	assert_string_equal(r.text, "better by 0.01\n");
	registry_result_done(&r);
	set.text = (struct str){ big, sizeof(big) };
	expect(&set, -E2BIG, NULL);
	set.text.n--;
	expect(&set, 0, NULL);
	assert_int_equal(registry_call(t.registry, &get, &r), 0);
	registry_result_done(&r);
	set.version = "2";
	expect(&set, -ENOENT, NULL);
	set.version = "1";
	set.key = "../../aliases/production";
	expect(&set, -EINVAL, NULL);
}

struct told {
	struct event_base *base;
	struct registry *registry;
	unsigned count;
	char version[REGISTRY_TEXT];
};

static void on_result(void *self, struct registry_result *r)
{
	struct told *told = self;

	told->count++;
	memcpy(told->version, r->version.version, sizeof(told->version));
	/* allowed here: what is under way ends without a word */
	registry_free(told->registry);
	told->registry = NULL;
	loop_break(told->base);
}

static void results_come_from_the_loop(void **unused)
{
	const struct registry_request q = { .verb = REGISTRY_FIND, .version = "1" };
	struct told told = { .count = 0 };
	struct errbuf err;

	(void)unused;
	make_version("1");
	assert_int_equal(loop_new(&told.base), 0);
	assert_int_equal(registry_new(told.base, &t.settings, &told.registry, &err), 0);
	assert_string_equal(registry_kind(told.registry), "local");
	assert_int_equal(registry_start(told.registry, &q, on_result, &told), 0);
	assert_int_equal(registry_start(told.registry, &q, on_result, &told), 0);
	assert_int_equal(told.count, 0);
	assert_int_equal(loop_run(told.base), 0);
	assert_int_equal(told.count, 1);
	assert_string_equal(told.version, "1");
	loop_free(told.base);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_are_checked),          TEST(settings_are_checked),
		TEST(what_is_missing_is_named),   TEST(alias_files_are_checked),
		TEST(links_are_not_followed),     TEST(promotion_keeps_the_previous),
		TEST(versions_are_listed),        TEST(folders_are_fetched),
		TEST(stamps_show_changes),        TEST(tags_are_kept),
		TEST(results_come_from_the_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
