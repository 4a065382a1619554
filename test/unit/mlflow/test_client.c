/* Who we are to a server, and what becomes of requests whose owner goes: the server here takes
 * connections and never says a word. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "azure/azure.h"
#include "daemon/loop.h"
#include "fetch/fetch.h"
#include "mlflow/artifacts.h"
#include "mlflow/state.h"
#include "json/value.h"

#define BLOB "wasbs://box@account.blob.core.windows.net/x"

static struct {
	int fd;
	char uri[64];
	struct event_base *base;
	struct fetch *fetch;
	struct mlflow *mlflow;
	unsigned wanted; /* connections */
	int taken[4];
	unsigned count, told;
} t;

static int listen_silent(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	t.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t.fd < 0 || bind(t.fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(t.fd, 8) < 0 ||
	    getsockname(t.fd, (struct sockaddr *)&at, &n) < 0)
		return -1;
	snprintf(t.uri, sizeof(t.uri), "http://127.0.0.1:%u", ntohs(at.sin_port));
	return 0;
}

static int setup(void **unused)
{
	struct mlflow_options o = { .tracking_uri = t.uri };

	(void)unused;
	memset(&t, 0, sizeof(t));
	if (listen_silent() < 0 || loop_new(&t.base) < 0 ||
	    fetch_new(t.base, &(struct fetch_options){ 0 }, &t.fetch) < 0)
		return -1;
	return mlflow_new(t.fetch, &o, &t.mlflow, NULL);
}

static int teardown(void **unused)
{
	(void)unused;
	mlflow_free(t.mlflow);
	fetch_free(t.fetch);
	loop_free(t.base);
	for (unsigned i = 0; i < t.count; i++)
		close(t.taken[i]);
	close(t.fd);
	return 0;
}

static void on_connection(void *self)
{
	(void)self;
	t.taken[t.count++] = accept(t.fd, NULL, NULL);
	if (t.count == t.wanted)
		loop_break(t.base);
}

/* Until so many requests are under way. */
static void wait_for(unsigned connections)
{
	struct loop_watch *watch;

	t.wanted = connections;
	assert_int_equal(loop_watch_new(t.base, t.fd, 0, on_connection, NULL, &watch), 0);
	assert_int_equal(loop_run(t.base), 0);
	loop_watch_free(watch);
	assert_int_equal(t.count, connections);
}

static void on_answer(void *self, struct mlflow_answer *a)
{
	(void)self;
	(void)a;
	t.told++;
}

static void on_done(void *self, const struct artifacts_result *r)
{
	(void)self;
	(void)r;
	t.told++;
}

static void a_call_whose_client_goes(void **unused)
{
	const struct mlflow_request q = { .endpoint = MLFLOW_RUN_CREATE, .body = STR("{}") };

	(void)unused;
	assert_int_equal(mlflow_start(t.mlflow, &q, on_answer, NULL), 0);
	wait_for(1);
	mlflow_free(t.mlflow);
	t.mlflow = NULL;
	/* Comes back at once only if nothing is under way. */
	assert_int_equal(fetch_wait(t.fetch), 0);
	assert_int_equal(t.told, 0);
}

static void files_whose_place_goes(void **unused)
{
	static const struct artifacts_place places[] = { { .uri = "mlflow-artifacts:/1" },
		                                         { .uri = BLOB } };
	struct credentials c = { .kind = CREDENTIALS_SAS, .sas = "x", .source = "test" };
	const struct artifacts_get get = { .path = "a", .fd = -1, .size = UINT64_MAX };
	struct artifacts_put put = { .path = "a", .fd = -1, .content = STR("text") };
	struct artifacts *a[2];
	struct azure *azure;

	(void)unused;
	c.endpoint = t.uri;
	assert_int_equal(azure_new(t.fetch, &c, &(struct azure_options){ 0 }, &azure), 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(artifacts_new(t.mlflow, azure, &places[i], &a[i], NULL), 0);
		assert_int_equal(artifacts_get(a[i], &get, on_done, NULL), 0);
		assert_int_equal(artifacts_put(a[i], &put, on_done, NULL), 0);
	}
	wait_for(4);
	artifacts_free(a[0]);
	artifacts_free(a[1]);
	assert_int_equal(fetch_wait(t.fetch), 0);
	assert_int_equal(t.told, 0);
	azure_free(azure);
}

/* Nothing is sent, and the callback comes from the loop all the same. */
static void what_fails_before_it_is_sent(void **unused)
{
	static const struct artifacts_place place = { .uri = "s3://bucket/a" };
	struct artifacts_put put = { .path = "a", .fd = -1, .content = STR("text") };
	struct artifacts *a;

	(void)unused;
	assert_int_equal(artifacts_new(t.mlflow, NULL, &place, &a, NULL), 0);
	assert_int_equal(artifacts_put(a, &put, on_done, NULL), 0);
	put.path = "../a";
	assert_int_equal(artifacts_put(a, &put, on_done, NULL), 0);
	assert_int_equal(artifacts_list(a, 0, on_done, NULL), 0);
	assert_int_equal(t.told, 0);
	assert_int_equal(fetch_wait(t.fetch), 0);
	assert_int_equal(t.told, 3);
	artifacts_free(a);
}

static void who_we_are(void **unused)
{
	static const struct {
		struct mlflow_options o;
		const char *header; /* NULL: none */
		const char *words;  /* NULL: it is fine */
	} cases[] = {
		{ { .tracking_uri = "http://m" }, NULL, NULL },
		{ { .tracking_uri = "http://m", .username = "u", .password = "p", .token = "t" },
		  "Basic dTpw",
		  NULL },
		{ { .tracking_uri = "http://m", .username = "u", .password = "", .token = "t" },
		  "Bearer t",
		  NULL },
		{ { .tracking_uri = "http://m", .username = "u" }, NULL, NULL },
		{ { .tracking_uri = "http://m", .registry_uri = "" }, NULL, NULL },
		{ { .tracking_uri = "mlruns" }, NULL, "MLflow server" },
		{ { .tracking_uri = "http://m", .registry_uri = "x" }, NULL, "registry" },
		{ { .tracking_uri = "http://m", .username = "u:v", .password = "p" },
		  NULL,
		  "\":\"" },
		{ { .tracking_uri = "http://m", .token = "t\r\nX: y" }, NULL, "one line" },
		{ { .tracking_uri = "http://m", .workspace = "w\n" }, NULL, "workspace" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mlflow *m = NULL;
		struct errbuf err = { "" };
		int r = mlflow_new(t.fetch, &cases[i].o, &m, &err);
		const char *header = m && m->header_count ? m->headers[0].value : NULL;

		if (cases[i].words ? r != -EINVAL || !strstr(err.text, cases[i].words)
		                   : r != 0 || strcmp(mlflow_host(m), "m") != 0)
			fail_msg("case %zu: %d, \"%s\"", i, r, err.text);
		if (cases[i].header ? !header || strcmp(header, cases[i].header) != 0 ||
		                              !m->headers[0].secret
		                    : header != NULL)
			fail_msg("case %zu: \"%s\"", i, header ? header : "no header");
		mlflow_free(m);
	}
}

static void hosts_are_named(void **unused)
{
	static const struct {
		const char *registry, *host;
	} cases[] = {
		{ NULL, "m:5000" },
		{ "", "m:5000" },
		{ "https://r/path", "r" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mlflow_options o = { .tracking_uri = "http://m:5000",
			                          .registry_uri = cases[i].registry };
		struct mlflow *m = NULL;
		struct errbuf err;

		assert_int_equal(mlflow_new(t.fetch, &o, &m, &err), 0);
		assert_string_equal(mlflow_host(m), "m:5000");
		if (strcmp(mlflow_registry_host(m), cases[i].host) != 0)
			fail_msg("case %zu: \"%s\"", i, mlflow_registry_host(m));
		mlflow_free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_call_whose_client_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(files_whose_place_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_fails_before_it_is_sent, setup, teardown),
		cmocka_unit_test_setup_teardown(who_we_are, setup, teardown),
		cmocka_unit_test_setup_teardown(hosts_are_named, setup, teardown),
	};

	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
