/*
 * Settings from every source: what is taken, what is refused and with which words, which source
 * wins, what a child sees, what a reload may change.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "config/settings.h"
#include "config/table.h"

struct heard {
	char text[4096];
	int count;
};

static void on_error(void *self, const char *text)
{
	struct heard *h = self;
	size_t n = strlen(h->text);

	snprintf(h->text + n, sizeof(h->text) - n, "%s\n", text);
	h->count++;
}

static char folder[] = "/tmp/fraudd-settings-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return file_remove_tree(folder);
}

static const char *write_file(const char *name, const char *text)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(file_write(-1, path, str_of(text), 0600), 0);
	return path;
}

static int load(const char *yaml, char **environ_words, struct heard *h, struct settings **ret)
{
	struct settings_sources from = { .environ = environ_words };

	h->text[0] = '\0';
	h->count = 0;
	if (yaml)
		from.yaml_path = write_file("fraudd.yaml", yaml);
	return settings_load(&from, on_error, h, ret);
}

static void test_defaults_are_in_range(void **state)
{
	struct settings *s;
	struct heard h;

	(void)state;
	assert_int_equal(load(NULL, NULL, &h, &s), 0);
	assert_int_equal(s->batch.interval_seconds, 60);
	assert_int_equal(s->listener_count, 2);
	assert_string_equal(s->listener[0].address, "127.0.0.1:8000");
	assert_int_equal(s->listener[1].role, LISTENER_OPERATOR);
	settings_free(s);
}

static void test_host_name(void **state)
{
	char name[SETTINGS_HOST_SIZE], system[SETTINGS_HOST_SIZE];
	struct settings *s;
	struct heard h;

	(void)state;
	assert_int_equal(load("host_name: one\n", NULL, &h, &s), 0);
	settings_host(s, name);
	assert_string_equal(name, "one");
	settings_free(s);
	assert_int_equal(load(NULL, NULL, &h, &s), 0);
	settings_host(s, name);
	assert_int_equal(gethostname(system, sizeof(system)), 0);
	assert_string_equal(name, system);
	settings_free(s);
}

static void test_table_is_sorted_and_described(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_table_count; i++) {
		const struct setting_row *row = &settings_table[i];

		if (i > 0 && strcmp(settings_table[i - 1].key, row->key) >= 0)
			fail_msg("row %zu: \"%s\" stands after \"%s\"", i, row->key,
			         settings_table[i - 1].key);
		if (strlen(row->about) < 10 || strlen(row->key) + 1 > SETTING_ENVIRONMENT_SIZE)
			fail_msg("row %zu: \"%s\" has no help or too long a name", i, row->key);
	}
}

static const struct {
	const char *yaml;
	const char *says;
} mistakes[] = {
	{ "http:\n  nosuch: 1\n", "fraudd.yaml:2: unknown key \"http.nosuch\"" },
	{ "nosuch: 1\n", "fraudd.yaml:1: unknown key \"nosuch\"" },
	{ "front:\n  workers: 5000\n", "fraudd.yaml:2: front.workers: 5000 is above 1024" },
	{ "front:\n  workers: -1\n", "front.workers: \"-1\" is no whole number from 0" },
	{ "front:\n  workers: 1.5\n", "\"1.5\" is no whole number" },
	{ "front:\n  workers: 99999999999999999999999\n", "is above 1024" },
	{ "front:\n  workers: [1]\n", "front.workers: one value is wanted" },
	{ "front: 3\n", "unknown key \"front\"" },
	{ "train:\n  eta: nan\n", "train.eta: \"nan\" is no number" },
	{ "train:\n  eta: 1e400\n", "is no number" },
	{ "train:\n  eta: 0\n", "train.eta: 0 is below 0.0001" },
	{ "train:\n  refit: perhaps\n", "\"perhaps\" is neither true nor false" },
	{ "log:\n  level: loud\n", "\"loud\" is none of error|warning|info|debug" },
	{ "log:\n  level: info\n  level: debug\n", "fraudd.yaml:3:" },
	{ "services: front, fornt\n", "services: \"fornt\" is none of" },
	{ "services: \"\"\n", "services: at least one is wanted" },
	{ "upload:\n  spool_bytes: 3 XiB\n", "upload.spool_bytes:" },
	{ "upload:\n  spool_bytes: 99999999999 TiB\n", "is no size" },
	{ "listeners: []\n", "listeners: a list is wanted" },
	{ "listeners:\n  - { role: public }\n", "fraudd.yaml:2: listeners: no address" },
	{ "listeners:\n  - { address: a, role: king }\n", "\"king\" is neither public" },
	{ "listeners:\n  - { address: a, colour: red }\n", "unknown member \"colour\"" },
	{ "listeners:\n  - { address: a, tls_key: k }\n", "go together" },
	{ "listeners:\n  - { address: a, trusted: [b] }\n", "\"b\" is no network" },
	{ "listeners:\n  - { address: a, trusted: [10.0.0.0/33] }\n", "is no network" },
	{ "listeners:\n  - { address: a, trusted: [10.0.0.1/8] }\n", "is no network" },
	{ "listeners:\n  - { address: a, trusted: [\"::1/129\"] }\n", "is no network" },
	{ "listeners:\n  - { address: a, trusted: [\"::1/\"] }\n", "is no network" },
	{ "listeners:\n  - { address: a, trusted: [\"fe80::1/64\"] }\n", "is no network" },
	{ "listeners:\n  - { address: a, trusted: [\"::ffff:10.0.0.0/104\"] }\n", "is no network" },
	{ "listeners:\n  - { address: a, trusted: [\"\"] }\n", "is no network" },
	{ "front.workers: 3\n", "fraudd.yaml:1: unknown key \"front.workers\"" },
	{ "http:\n  cors_origins: \"*\"\n", "http.cors_origins: \"*\" is no origin" },
	{ "http:\n  cors_origins: \"https://a, b\"\n", "\"b\" is no origin" },
	{ "http:\n  cors_origins: https://a/\n", "\"https://a/\" is no origin" },
	{ "http:\n  cors_origins: https://A\n", "is no origin" },
	{ "http:\n  cors_origins: \"https://,https://a\"\n", "\"https://\" is no origin" },
	{ "http:\n  cors_origins: \"https://a,,https://b\"\n", "\"\" is no origin" },
	{ "http:\n  header_fields: 201\n", "201 is above 200" },
	{ "batch:\n  explain: MAYBE\n", "batch.explain: ALLOW, REVIEW" },
	{ "batch:\n  times: \"2:00\"\n", "batch.times: \"2:00\" is no time of day" },
	{ "mlflow: {tracking_uri: file:///srv/mlruns}\n", "mlflow.tracking_uri: an address such" },
	{ "mlflow: {tracking_uri: \"https://\"}\n", "mlflow.tracking_uri: an address such" },
	{ "mlflow: {tracking_uri: \"https://u:p@host\"}\n", "without user and password" },
	{ "mlflow: {tracking_uri: \"https://a\", registry_uri: databricks}\n",
	  "mlflow.registry_uri: an address such" },
	{ "mlflow: {registry_uri: \"https://a\"}\n", "mlflow.registry_uri without" },
	{ "mlflow: {tracking_insecure_tls: true, tracking_server_cert_path: /ca.pem}\n",
	  "exclude each other" },
	{ "- a\n- b\n", "a mapping of keys is wanted" },
	{ "models:\n  name: \"a\\nb\"\n", "control character" },
	{ "http: {\n", "fraudd.yaml:" },
};

static void test_mistakes(void **state)
{
	struct settings *s;
	struct heard h;

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		if (load(mistakes[i].yaml, NULL, &h, &s) != -EINVAL)
			fail_msg("case %zu: taken", i);
		if (!strstr(h.text, mistakes[i].says))
			fail_msg("case %zu: says \"%s\", not \"%s\"", i, h.text, mistakes[i].says);
	}
}

static void test_networks_and_origins(void **state)
{
	static const char *const cases[] = {
		"listeners:\n  - { address: a, trusted: [10.0.0.0/8, 10.1.2.3, 0.0.0.0/0] }\n",
		"listeners:\n  - { address: a, trusted: [\"::1\", \"::/0\", \"fe80::/10\"] }\n",
		"http:\n  cors_origins: \"\"\n",
		"http:\n  cors_origins: https://desk.example\n",
		"http:\n  cors_origins: \"https://a-b.example , http://[::1]:3000\"\n",
	};
	struct settings *s;
	struct heard h;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (load(cases[i], NULL, &h, &s) < 0)
			fail_msg("case %zu: %s", i, h.text);
		settings_free(s);
	}
}

static void test_all_mistakes_are_told(void **state)
{
	struct settings *s;
	struct heard h;

	(void)state;
	assert_int_equal(load("a: 1\nb: 2\nfront:\n  workers: x\n", NULL, &h, &s), -EINVAL);
	assert_int_equal(h.count, 3);
}

static void test_in_spite_of_faults(void **state)
{
	struct settings_sources from = { .in_spite_of_faults = true };
	struct heard h = { .count = 0 };
	struct settings *s;

	(void)state;
	from.yaml_path = write_file("fraudd.yaml", "bogus: 1\nruntime_dir: /run/other\n"
	                                           "front:\n  workers: x\n");
	assert_int_equal(settings_load(&from, on_error, &h, &s), 1);
	assert_int_equal(h.count, 2);
	assert_string_equal(s->runtime_dir, "/run/other");
	settings_free(s);
	from.yaml_path = write_file("fraudd.yaml", "{");
	assert_int_equal(settings_load(&from, on_error, &h, &s), 1);
	assert_string_equal(s->runtime_dir, setting_find(STR("runtime_dir"))->text);
	settings_free(s);
	from.yaml_path = write_file("fraudd.yaml", "host_name: a\n");
	assert_int_equal(settings_load(&from, on_error, &h, &s), 0);
	settings_free(s);
}

static void test_missing_file(void **state)
{
	struct settings_sources from = { .yaml_path = "/nonexistent/fraudd.yaml" };
	struct heard h = { .count = 0 };
	struct settings *s;

	(void)state;
	assert_int_equal(settings_load(&from, on_error, &h, &s), -EINVAL);
	assert_non_null(strstr(h.text, "could not read \"/nonexistent/fraudd.yaml\""));
}

static void test_who_wins(void **state)
{
	char *words[] = { "BATCH_INTERVAL_SECONDS=30", "UNRELATED=x", NULL };
	const char *overrides[] = { "batch.chunk_rows=7" };
	struct settings_sources from = { .environ = words,
		                         .overrides = overrides,
		                         .override_count = 1 };
	struct heard h = { .count = 0 };
	struct settings *s;

	(void)state;
	write_file(".env",
	           "# clients of old\nexport BATCH_INTERVAL_SECONDS=20\nMODELS_NAME='x y' # z\n"
	           "BATCH_CHUNK_ROWS=6\r\nNOT_OURS\n");
	from.yaml_path =
	        write_file("fraudd.yaml", "batch:\n  interval_seconds: 10\n  chunk_rows: 5\n");
	assert_int_equal(settings_load(&from, on_error, &h, &s), 0);
	assert_int_equal(s->batch.interval_seconds, 30);
	assert_int_equal(s->batch.chunk_rows, 7);
	assert_string_equal(s->models.name, "x y");
	settings_free(s);
	words[1] = "MLFLOW_MODEL_NAME=as before";
	assert_int_equal(settings_load(&from, on_error, &h, &s), 0);
	assert_string_equal(s->models.name, "as before");
	settings_free(s);
	words[0] = "BATCH_INTERVAL_SECONDS=never";
	assert_int_equal(settings_load(&from, on_error, &h, &s), -EINVAL);
	assert_non_null(strstr(h.text, "environment: BATCH_INTERVAL_SECONDS: \"never\""));
	write_file(".env", "\nBATCH_CHUNK_ROWS=0\n");
	words[0] = "A=b";
	assert_int_equal(settings_load(&from, on_error, &h, &s), -EINVAL);
	assert_non_null(strstr(h.text, ".env:2: BATCH_CHUNK_ROWS: 0 is below 1"));
	write_file(".env", "");
}

#define KEY "0123456789abcdef0123456789abcdef"

static const struct {
	const char *yaml, *file, *credential;
	const char *key;  /* NULL: refused */
	const char *says; /* then */
} token_keys[] = {
	{ "jwt: {secret_key: " KEY "}\n", NULL, NULL, KEY, NULL },
	{ "jwt: {secret_key_file: %}\n", KEY "\n", NULL, KEY, NULL },
	{ "jwt: {secret_key_file: %}\n", KEY " \r\n\n", "x" KEY, KEY " ", NULL },
	{ "", NULL, KEY "\n", KEY, NULL },
	{ "jwt: {secret_key: " KEY "}\n", NULL, "other", KEY, NULL },
	{ "jwt: {secret_key_file: %}\n", NULL, KEY, NULL, "No such file" },
	{ "jwt: {secret_key_file: %}\n", KEY "\x01\n", NULL, NULL, "control character" },
	{ "jwt: {secret_key_file: %, secret_key: " KEY "}\n", KEY, NULL, NULL,
	  "jwt.secret_key is given" },
	{ "jwt: {secret_key_file: %}\n", "short\n", NULL, NULL, "at least 32 bytes" },
	{ "", NULL, NULL, NULL, "at least 32 bytes" },
	{ "jwt: {secret_key: 0123456789abcdef0123456789abcde}\n", NULL, NULL, NULL,
	  "at least 32 bytes" },
	{ "jwt: {secret_key: " KEY ", secret_key_previous: short}\n", NULL, NULL, NULL,
	  "secret_key_previous" },
	{ "jwt: {secret_key: " KEY "}\ndatabase: {url: \"\"}\n", NULL, NULL, NULL, "database.url" },
	{ "auth: {enabled: false}\n", NULL, NULL, "", NULL },
	{ "services: loader\n", NULL, NULL, "", NULL },
};

/* The key of tokens: by name, from a file, from systemd's folder; and what a suite insists on. */
static void test_key_of_tokens(void **state)
{
	char variable[300], secret[300], yaml[600];
	char *words[] = { variable, NULL };
	struct settings_sources from = { .environ = words, .suite = true };

	(void)state;
	snprintf(variable, sizeof(variable), "CREDENTIALS_DIRECTORY=%s", folder);
	snprintf(secret, sizeof(secret), "%s/secret", folder);
	for (size_t i = 0; i < sizeof(token_keys) / sizeof(token_keys[0]); i++) {
		const char *mark = strchr(token_keys[i].yaml, '%');
		struct heard h = { .count = 0 };
		struct settings *s;
		int r;

		snprintf(yaml, sizeof(yaml), "%s%.*s%s%s",
		         strstr(token_keys[i].yaml, "database")
		                 ? ""
		                 : "database: {url: postgresql://}\n",
		         mark ? (int)(mark - token_keys[i].yaml) : 0, token_keys[i].yaml,
		         mark ? secret : "", mark ? mark + 1 : token_keys[i].yaml);
		if (token_keys[i].credential)
			write_file("jwt_secret_key", token_keys[i].credential);
		if (token_keys[i].file)
			write_file("secret", token_keys[i].file);
		from.yaml_path = write_file("fraudd.yaml", yaml);
		r = settings_load(&from, on_error, &h, &s);
		if ((r == 0) != (token_keys[i].key != NULL))
			fail_msg("case %zu: %d, %s", i, r, h.text);
		if (token_keys[i].says && !strstr(h.text, token_keys[i].says))
			fail_msg("case %zu: says \"%s\"", i, h.text);
		if (strstr(h.text, KEY))
			fail_msg("case %zu: tells the key", i);
		if (token_keys[i].key) {
			assert_string_equal(s->jwt.secret_key, token_keys[i].key);
			settings_free(s);
		}
		remove(secret);
		snprintf(yaml, sizeof(yaml), "%s/jwt_secret_key", folder);
		remove(yaml);
	}
}

/* What a child reads back is what was written, but for secrets that are not for it. */
static void test_canonical_text(void **state)
{
	char *words[] = { "DATABASE_URL=postgresql://u:geheim@h/d", NULL };
	struct strbuf front = { 0 };
	struct strbuf loader = { 0 };
	struct strbuf again = { 0 };
	struct settings *s;
	struct settings *child;
	struct heard h;

	(void)state;
	assert_int_equal(load("listeners:\n  - { address: \"[::1]:1\", trusted: [\"10.0.0.0/8\", "
	                      "\"::1/128\"], proxy: v2 }\nupload:\n  spool_bytes: 2 GiB\n",
	                      words, &h, &s),
	                 0);
	assert_int_equal(settings_write(s, AUDIENCE_FRONT, &front), 0);
	assert_int_equal(settings_write(s, AUDIENCE_LOADER, &loader), 0);
	assert_non_null(strstr(front.p, "geheim"));
	assert_null(strstr(loader.p, "geheim"));
	assert_int_equal(settings_read(strbuf_str(&front), &child, NULL), 0);
	assert_int_equal(child->upload.spool_bytes, 2147483648u);
	assert_int_equal(child->listener[0].trusted_count, 2);
	assert_int_equal(settings_write(child, AUDIENCE_FRONT, &again), 0);
	assert_string_equal(front.p, again.p);
	settings_free(child);
	settings_free(s);
	strbuf_done(&front);
	strbuf_done(&loader);
	strbuf_done(&again);
}

static void test_bad_canonical_text(void **state)
{
	static const char *const cases[] = { "nonsense\n", "no.such=1\n", "front.workers=x\n",
		                             "listener=address\n", "listener=hue=red\n" };
	struct settings *s;
	struct errbuf err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (settings_read(str_of(cases[i]), &s, &err) >= 0)
			fail_msg("case %zu: taken", i);
	}
}

static void test_sample_is_the_defaults(void **state)
{
	struct strbuf sample = { 0 };
	struct strbuf a = { 0 };
	struct strbuf b = { 0 };
	struct settings *s;
	struct settings *defaults;
	struct heard h;

	(void)state;
	assert_int_equal(settings_print_sample(&sample), 0);
	if (load(sample.p, NULL, &h, &s) != 0)
		fail_msg("the sample is refused: %s", h.text);
	assert_int_equal(load(NULL, NULL, &h, &defaults), 0);
	assert_int_equal(settings_print_yaml(s, &a), 0);
	assert_int_equal(settings_print_yaml(defaults, &b), 0);
	assert_string_equal(a.p, b.p);
	settings_free(s);
	settings_free(defaults);
	strbuf_done(&sample);
	strbuf_done(&a);
	strbuf_done(&b);
}

/* The file of the checkout is what the table prints. */
static void test_sample_file_is_in_step(void **state)
{
	struct strbuf sample = { 0 };
	char *file = NULL;
	size_t size = 0;

	(void)state;
	assert_int_equal(settings_print_sample(&sample), 0);
	assert_int_equal(file_read(-1, FRAUDD_SOURCE_DIR "/config/fraudd.yaml", (size_t)1 << 20,
	                           &file, &size),
	                 0);
	if (!str_equal(strbuf_str(&sample), (struct str){ file, size }))
		fail_msg("config/fraudd.yaml is old: fraudd --print-sample > config/fraudd.yaml");
	free(file);
	strbuf_done(&sample);
}

static void test_printed_yaml_hides_secrets(void **state)
{
	char *words[] = { "DATABASE_URL=postgresql://u:geheim@h/d", NULL };
	struct strbuf out = { 0 };
	struct settings *s;
	struct heard h;

	(void)state;
	assert_int_equal(load(NULL, words, &h, &s), 0);
	assert_int_equal(settings_print_yaml(s, &out), 0);
	assert_null(strstr(out.p, "geheim"));
	assert_non_null(strstr(out.p, "url: \"***\""));
	settings_free(s);
	strbuf_done(&out);
}

static void on_change(void *self, const char *key, bool applies)
{
	struct heard *h = self;
	size_t n = strlen(h->text);

	snprintf(h->text + n, sizeof(h->text) - n, "%s%s ", key, applies ? "" : "!");
}

static void test_merge_keeps_what_needs_a_restart(void **state)
{
	struct settings *now;
	struct settings *next;
	struct heard h;

	(void)state;
	assert_int_equal(load("state_dir: /a\n", NULL, &h, &now), 0);
	assert_int_equal(load("state_dir: /b\nbatch:\n  chunk_rows: 9\nlisteners:\n  - { address: "
	                      "\"127.0.0.1:1\" }\n",
	                      NULL, &h, &next),
	                 0);
	h.text[0] = '\0';
	assert_int_equal(settings_merge(now, next, on_change, &h), 0);
	assert_string_equal(h.text, "batch.chunk_rows state_dir! listeners! ");
	assert_string_equal(next->state_dir, "/a");
	assert_int_equal(next->batch.chunk_rows, 9);
	assert_string_equal(next->listener[0].address, "127.0.0.1:8000");
	settings_free(now);
	settings_free(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults_are_in_range),
		cmocka_unit_test(test_host_name),
		cmocka_unit_test(test_table_is_sorted_and_described),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_networks_and_origins),
		cmocka_unit_test(test_all_mistakes_are_told),
		cmocka_unit_test(test_in_spite_of_faults),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_who_wins),
		cmocka_unit_test(test_key_of_tokens),
		cmocka_unit_test(test_canonical_text),
		cmocka_unit_test(test_bad_canonical_text),
		cmocka_unit_test(test_sample_is_the_defaults),
		cmocka_unit_test(test_sample_file_is_in_step),
		cmocka_unit_test(test_printed_yaml_hides_secrets),
		cmocka_unit_test(test_merge_keeps_what_needs_a_restart),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
