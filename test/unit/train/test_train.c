/*
 * fraud-train as a person runs it: rows from a seeded generator, the real program, the folder that
 * it leaves. What must hold: the same rows give the same bytes, nothing private is written, a
 * window that teaches nothing is skipped, and bad input gets words and a status, not a version.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/strbuf.h"
#include "bundle/bundle.h"
#include "json/value.h"

#define VERSION "20260203-040506"
#define ROWS 1500
#define TAKEN 30 /* seconds: long enough for the training to begin within */

static const char program[] =
        "version: 1\ntimezone: UTC\ninputs:\n"
        "  - { name: transaction_seq, type: integer, required: true, role: key }\n"
        "  - { name: create_dt, type: datetime, required: true, role: time }\n"
        "  - { name: amount, type: number, required: true }\n"
        "  - { name: country, type: category }\n"
        "  - { name: secret_code, type: number, private: true }\n"
        "  - { name: user_name, type: text, private: true }\n"
        "  - { name: sender_name, type: text, private: true }\n"
        "features:\n"
        "  - { name: amount, op: number, of: amount, clip: iqr }\n"
        "  - { name: country, op: category, of: country }\n"
        "  - { name: secret_code, op: number, of: secret_code }\n"
        "  - { name: hour, op: date_part, of: create_dt, part: hour }\n"
        "  - { name: name_mismatch, op: not_equal, of: [user_name, sender_name], missing: 0 }\n";

static const char header[] =
        "transaction_seq,create_dt,amount,country,secret_code,user_name,sender_name,label\n";

static char folder[64];

/* One row; fraud is likely for large sums at night to VN under another name. */
static void add_row(struct strbuf *out, struct random *random, unsigned i, bool fraud_exists)
{
	static const char *const countries[] = { "DE", "VN", "US", "" };
	static const char *const names[] = { "Zwetschge", "zwetschge ", "Quitte" };
	unsigned country = (unsigned)random_below(random, 4);
	unsigned hour = (unsigned)random_below(random, 24);
	unsigned name = (unsigned)random_below(random, 3);
	double amount = 100.0 * random_unit(random) * random_unit(random);
	double risk = (country == 1) + (hour < 6) + (name == 2) + (amount > 40);
	bool label = fraud_exists && random_unit(random) < risk * risk * risk / 64.0;

	/* the newest rows come first: the trainer must sort */
	strbuf_addf(out, "%u,2026-%02u-%02uT%02u:%02u:00,%.2f,%s,471100%u,%s,%s,%d\n", i,
	            12 - i * 12 / ROWS, 28 - i * 28 * 12 / ROWS % 28, hour, i % 60, amount,
	            countries[country], i % 3, names[0], names[name], label);
}

static void write_text(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_write(AT_FDCWD, path, str_of(text), 0644), 0);
}

static int set_up(void **state)
{
	struct strbuf rows = { 0 }, peaceful = { 0 };
	struct random random;

	(void)state;
	json_setup();
	snprintf(folder, sizeof(folder), "/tmp/fraudd-train-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	strbuf_adds(&rows, header);
	strbuf_adds(&peaceful, header);
	random_seed(&random, 11);
	for (unsigned i = 0; i < ROWS; i++)
		add_row(&rows, &random, i, true);
	for (unsigned i = 0; i < 50; i++)
		add_row(&peaceful, &random, i, false);
	write_text("rows.csv", rows.p);
	write_text("peaceful.csv", peaceful.p);
	write_text("features.yaml", program);
	write_text("reasons.yaml", "amount:\n  high: much money\n");
	strbuf_done(&rows);
	strbuf_done(&peaceful);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return file_remove_tree(folder);
}

/* The exit status; stdout and stderr go to the files out and err in the folder. */
static int run(const char *environment, const char *arguments)
{
	char command[2048];
	int status;

	snprintf(command, sizeof(command),
	         "cd %s && env %s " FRAUDD_BUILD_DIR
	         "/bin/fraud-train train --program features.yaml --set train.rounds=40 "
	         "--set train.bootstrap=20 %s > out 2> err",
	         folder, environment, arguments);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *content(const char *name, size_t *ret_size)
{
	char path[256];
	char *text;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (file_read(AT_FDCWD, path, 64 << 20, &text, ret_size) < 0)
		fail_msg("could not read %s", name);
	return text;
}

static void expect_text(const char *file, const char *words)
{
	size_t n;
	CLEANUP(free_p) char *text = content(file, &n);

	if (!strstr(text, words))
		fail_msg("no \"%s\" in %s: %s", words, file, text);
}

static bool exists(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

static const char *const members[] = {
	"MLmodel",
	"model.ubj",
	"requirements.txt",
	"python_env.yaml",
	"conda.yaml",
	"artifacts/features.yaml",
	"artifacts/encoders.json",
	"artifacts/medians.json",
	"artifacts/thresholds.yaml",
	"artifacts/manifest.json",
	"artifacts/model_holdout.ubj",
	"artifacts/holdout_raw.csv",
	"artifacts/golden.csv",
	"artifacts/reference.json",
	"artifacts/reasons.yaml",
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static void test_same_rows_same_bytes(void **state)
{
	(void)state;
	assert_int_equal(
	        run("OMP_NUM_THREADS=1", "--data rows.csv --models one --version " VERSION), 0);
	assert_int_equal(run("OMP_NUM_THREADS=3",
	                     "--data rows.csv --models two --quiet --json --version " VERSION),
	                 0);
	expect_text("out",
	            "{\"status\":\"trained\",\"name\":\"fraud\",\"model_version\":\"" VERSION "\"");
	for (size_t i = 0; i < MEMBERS; i++) {
		char one[128], two[128];
		size_t n, m;

		snprintf(one, sizeof(one), "one/fraud/" VERSION "/%s", members[i]);
		snprintf(two, sizeof(two), "two/fraud/" VERSION "/%s", members[i]);
		CLEANUP(free_p) char *first = content(one, &n);
		CLEANUP(free_p) char *second = content(two, &m);

		if (n != m || memcmp(first, second, n) != 0)
			fail_msg("%s differs", members[i]);
		if (strstr(first, "wetschge") || strstr(first, "Quitte"))
			fail_msg("%s holds a name", members[i]);
	}
	expect_text("one/fraud/" VERSION "/artifacts/holdout_raw.csv", ",,A,B,0\n");
	expect_text("one/fraud/" VERSION "/artifacts/golden.csv", ",,A,B,");
	/* taken already: nothing is overwritten */
	assert_int_equal(run("", "--data rows.csv --models one --version " VERSION), 65);
	expect_text("err", "File exists");
}

/* Another training began in the same second: the next free one is taken. */
static void test_taken_names(void **state)
{
	int64_t now = clock_real_us();
	char path[128], version[16], whole[128];

	(void)state;
	for (unsigned i = 0; i < TAKEN; i++) {
		civil_print_version(now + i * INT64_C(1000000), version);
		snprintf(path, sizeof(path), "%s/taken/fraud/%s/x", folder, version);
		assert_int_equal(file_make_dirs(path, 0755), 0);
	}
	civil_print_version(now + TAKEN * INT64_C(1000000), version);
	assert_int_equal(run("", "--data rows.csv --models taken"), 0);
	snprintf(path, sizeof(path), "taken/fraud/%s/artifacts/thresholds.yaml", version);
	snprintf(whole, sizeof(whole), "model_version: \"%s\"", version);
	expect_text(path, whole);
}

/* What is told of a training beside the version. */
static void test_run_file(void **state)
{
	static const char *const parts[] = {
		"\"data\":{\"name\":\"rows.csv\",\"digest\":\"",
		"\"rows\":1500}",
		"\"train.rounds\":\"40\"",
		"\"train.seed\":\"42\"",
		"\"program_sha256\":\"",
		"\"fraudd.model_version\":\"20260203-040506\"",
		"\"mlflow.source.name\":\"fraud-train\"",
		"\"system.xgboost_version\":\"",
		"{\"key\":\"train_logloss\",\"value\":",
		"{\"key\":\"train_aucpr\",\"value\":",
		"{\"key\":\"validation_aucpr\",\"value\":",
		"{\"key\":\"pr_auc\",\"value\":",
		"{\"key\":\"pr_auc_low95\",\"value\":",
		"{\"key\":\"threshold_high\",\"value\":",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		expect_text("one/fraud/" VERSION "/run.json", parts[i]);
}

static void test_version_is_served(void **state)
{
	const struct bundle_options o = { .holdout = true };
	enum score_verified verified;
	struct arena a = { 0 };
	struct errbuf err = { "" };
	struct score_model m;
	struct bundle *b;
	char path[128];
	struct bundle_image image;

	(void)state;
	snprintf(path, sizeof(path), "%s/one/fraud/" VERSION, folder);
	if (bundle_read(AT_FDCWD, path, &o, &a, &b, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(b->member_count, MEMBERS);
	for (unsigned which = 0; which < 2; which++) {
		if (bundle_build_image(b, which ? BUNDLE_MODEL_HOLDOUT : BUNDLE_MODEL,
		                       FOREST_TREES_BEST, &image, &err) < 0)
			fail_msg("%s", err.text);
		if (which == 0 && bundle_verify(b, image.bytes, image.size, &verified, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(score_open(image.bytes, image.size, true, &a, &m, &err), 0);
		assert_int_equal(m.program.feature_count, 5);
		free(image.bytes);
	}
	assert_int_equal(verified, SCORE_VERIFIED_GOLDEN);
	arena_done(&a);
}

static void test_without_refit(void **state)
{
	size_t n, m;

	(void)state;
	assert_int_equal(
	        run("",
	            "--data rows.csv --models three --set train.refit=false --version " VERSION),
	        0);
	CLEANUP(free_p) char *model = content("three/fraud/" VERSION "/model.ubj", &n);
	CLEANUP(free_p)
	char *judged = content("three/fraud/" VERSION "/artifacts/model_holdout.ubj", &m);

	assert_int_equal(n, m);
	assert_memory_equal(model, judged, n);
}

static void test_nothing_to_learn(void **state)
{
	static const struct {
		const char *rows, *reason;
	} cases[] = {
		{ "peaceful.csv", "the window of 50 rows has no positive" },
		{ "old_fraud.csv", "the holdout of 2 rows has one class only (0 positive)" },
		{ "new_fraud.csv", "no positive among the" },
		{ "instant.csv", "all 3 rows are of one instant" },
		{ "empty.csv", "the window has no usable row" },
	};

	(void)state;
	write_text("old_fraud.csv", "transaction_seq,create_dt,amount,label\n"
	                            "1,2026-01-01,1,1\n2,2026-01-02,1,0\n3,2026-01-03,1,0\n"
	                            "4,2026-01-04,1,0\n5,2026-01-05,1,0\n6,2026-01-06,1,0\n"
	                            "7,2026-01-07,1,0\n8,2026-01-08,1,0\n9,2026-01-09,1,0\n"
	                            "10,2026-01-10,1,0\n");
	write_text("new_fraud.csv", "transaction_seq,create_dt,amount,label\n"
	                            "1,2026-01-01,1,0\n2,2026-01-02,1,0\n3,2026-01-03,1,0\n"
	                            "4,2026-01-04,1,0\n5,2026-01-05,1,0\n6,2026-01-06,1,0\n"
	                            "7,2026-01-07,1,0\n8,2026-01-08,1,0\n9,2026-01-09,1,0\n"
	                            "10,2026-01-10,1,1\n11,2026-01-11,1,0\n");
	write_text("instant.csv", "transaction_seq,create_dt,amount,label\n"
	                          "1,2026-01-01,1,1\n2,2026-01-01,1,0\n3,2026-01-01,1,0\n");
	write_text("empty.csv", header);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char arguments[256];

		snprintf(arguments, sizeof(arguments),
		         "--data %s --models none --json --version " VERSION, cases[i].rows);
		if (run("", arguments) != 0)
			fail_msg("case %zu", i);
		expect_text("err", cases[i].reason);
		expect_text("out", "{\"status\":\"skipped\",\"reason\":\"");
		assert_false(exists("none/fraud/" VERSION));
	}
}

static void test_bad_input(void **state)
{
	static const struct {
		const char *arguments;
		int status;
		const char *words;
	} cases[] = {
		{ "", 2, "give --data FILE or --from-database" },
		{ "--data rows.csv --from-database", 2, "one of them" },
		{ "--data rows.csv extra", 2, "unexpected word" },
		{ "--data rows.csv --nosuch", 2, "unknown option" },
		{ "--data absent.csv", 65, "could not open \"absent.csv\"" },
		{ "--data .", 65, "no regular file" },
		{ "--data unlabelled.csv", 65, "Missing required columns in CSV: label" },
		{ "--data keyless.csv", 65, "Missing required columns in CSV: transaction_seq" },
		{ "--data twice.csv", 65, "amount" },
		{ "--data rows.csv --program absent.yaml", 65, "could not read \"absent.yaml\"" },
		{ "--data rows.csv --program broken.yaml", 65, "broken.yaml:" },
		{ "--data rows.csv --program timeless.yaml", 65, "time" },
		{ "--data rows.csv --reasons absent.yaml", 65, "could not read \"absent.yaml\"" },
		{ "--data rows.csv --version 2026", 65, "not of the form YYYYMMDD-HHMMSS" },
		{ "--data rows.csv --version 20261332-000000", 65, "not of the form" },
		{ "--data rows.csv --set train.nosuch=1", 78, "train.nosuch" },
		{ "--data rows.csv --set train.rounds=0", 78, "train.rounds" },
		{ "--data rows.csv --models /proc/none", 65, "could not make folder" },
	};

	(void)state;
	write_text("unlabelled.csv", "transaction_seq,create_dt,amount\n1,2026-01-01,1\n");
	write_text("keyless.csv", "create_dt,amount,label\n2026-01-01,1,0\n");
	write_text("twice.csv",
	           "transaction_seq,create_dt,amount,amount,label\n1,2026-01-01,1,1,0\n");
	write_text("broken.yaml", "version: 1\ninputs: 7\n");
	write_text("timeless.yaml", "version: 1\ninputs:\n  - { name: a, type: number }\n"
	                            "features:\n  - { name: a, op: number, of: a }\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char arguments[256];
		int status;

		snprintf(arguments, sizeof(arguments), "--models bad --set train.test_ratio=0.4 %s",
		         cases[i].arguments);
		status = run("", arguments);
		if (status != cases[i].status)
			fail_msg("case %zu: status %d", i, status);
		expect_text("err", cases[i].words);
	}
}

/* A row that cannot be read is told and left out; the rest is trained on. */
static void test_bad_rows(void **state)
{
	struct strbuf rows = { 0 };
	size_t n;
	CLEANUP(free_p) char *good = content("rows.csv", &n);

	(void)state;
	strbuf_adds(&rows, good);
	strbuf_adds(&rows, "x,2026-01-01,1,DE,1,A,B,0\n"
	                   "1,yesterday,1,DE,1,A,B,0\n"
	                   "1,2026-01-01,1,DE,1,A,B,2\n"
	                   "1,2026-01-01,1,DE,1,A,B,0,more\n"
	                   "1,2026-01-01,\"1\"x,DE,1,A,B,0\n"
	                   "1,2026-01-01,,DE,1,A,B,0\n"
	                   "1,2026-01-01\n");
	write_text("partly.csv", rows.p);
	strbuf_done(&rows);
	assert_int_equal(run("", "--data partly.csv --models partly --version " VERSION), 0);
	expect_text("err", "line 1502 left out: column \"transaction_seq\"");
	expect_text("err", "7 rows left out in all");
	expect_text("partly/fraud/" VERSION "/artifacts/manifest.json", "\"rejected_rows\":7");
	size_t m, o;
	CLEANUP(free_p) char *model = content("partly/fraud/" VERSION "/model.ubj", &m);
	CLEANUP(free_p) char *other = content("one/fraud/" VERSION "/model.ubj", &o);

	assert_int_equal(m, o);
	assert_memory_equal(model, other, m);
}

/* The rows of rows.csv as a query, in the CSV's order. */
static void write_query(void)
{
	struct strbuf sql = { 0 };
	size_t n;
	CLEANUP(free_p) char *rows = content("rows.csv", &n);
	char *rest = NULL, *line = strtok_r(rows, "\n", &rest);

	strbuf_adds(&sql, "select a::bigint as transaction_seq, b::timestamp as create_dt,"
	                  " c::double precision as amount, nullif(d, '') as country,"
	                  " e::double precision as secret_code, f as user_name,"
	                  " g as sender_name, h = 1 as label from (values\n");
	for (unsigned i = 0; (line = strtok_r(NULL, "\n", &rest)); i++) {
		char *f[8];

		for (unsigned k = 0; k < 8; k++)
			f[k] = strsep(&line, ",");
		strbuf_addf(&sql, "%s(%s,'%s',%s,'%s',%s,'%s','%s',%s)\n", i ? "," : "", f[0], f[1],
		            f[2], f[3], f[4], f[5], f[6], f[7]);
	}
	strbuf_adds(&sql, ") as rows (a, b, c, d, e, f, g, h)\n");
	write_text("rows.sql", sql.p);
	strbuf_done(&sql);
}

/* The same rows give the same folder, wherever they come from. */
static void test_from_database(void **state)
{
	const char *url = getenv("FRAUDD_TEST_DATABASE_URL");
	char environment[512];

	(void)state;
	if (!url) {
		print_message("FRAUDD_TEST_DATABASE_URL is not set\n");
		skip();
	}
	write_query();
	snprintf(environment, sizeof(environment), "DATABASE_URL='%s'", url);
	assert_int_equal(
	        run(environment, "--from-database --query rows.sql --models db --version " VERSION),
	        0);
	for (size_t i = 0; i < MEMBERS; i++) {
		char one[128], two[128];
		size_t n, m;

		snprintf(one, sizeof(one), "one/fraud/" VERSION "/%s", members[i]);
		snprintf(two, sizeof(two), "db/fraud/" VERSION "/%s", members[i]);
		CLEANUP(free_p) char *first = content(one, &n);
		CLEANUP(free_p) char *second = content(two, &m);

		if (n != m || memcmp(first, second, n) != 0)
			fail_msg("%s differs", members[i]);
	}
	write_text("rows.sql",
	           "select 1::bigint as transaction_seq, now() as create_dt, 1 as label\n");
	assert_int_equal(run(environment, "--from-database --query rows.sql --models db"), 65);
	expect_text("err", "the query has no column \"amount\"");
	write_text("rows.sql", "select 1::bigint as transaction_seq, now() as create_dt,"
	                       " 1.0 as amount, 'x' as label\n");
	assert_int_equal(run(environment, "--from-database --query rows.sql --models db"), 65);
	expect_text("err", "column \"label\" is neither integer nor boolean");
	write_text("rows.sql", "select * from no_such_table\n");
	assert_int_equal(run(environment, "--from-database --query rows.sql --models db"), 65);
	assert_int_equal(run("DATABASE_URL=postgresql:///x?host=/nonexistent",
	                     "--from-database --query rows.sql --models db"),
	                 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_rows_same_bytes),
		cmocka_unit_test(test_run_file),
		cmocka_unit_test(test_taken_names),
		cmocka_unit_test(test_version_is_served),
		cmocka_unit_test(test_without_refit),
		cmocka_unit_test(test_nothing_to_learn),
		cmocka_unit_test(test_bad_input),
		cmocka_unit_test(test_bad_rows),
		cmocka_unit_test(test_from_database),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
