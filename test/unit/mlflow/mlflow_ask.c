/*
 * One request of lib/mlflow from a command line, for the integration tests. Who we are comes from
 * the environment as in production. Prints name=value lines; the status is 0 or 1.
 *
 *   mlflow_ask [options] call METHOD ENDPOINT [NAME=VALUE …]
 *   mlflow_ask [options] list ADDRESS
 *   mlflow_ask [options] get|put|put-text ADDRESS PATH FILE|TEXT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "azure/azure.h"
#include "base/option.h"
#include "daemon/loop.h"
#include "fetch/fetch.h"
#include "mlflow/artifacts.h"
#include "mlflow/endpoint.h"
#include "json/value.h"
#include "json/writer.h"

#define PARAMETERS 8

extern char **environ;

struct ask {
	unsigned long long attempts, limit, offset, size;
	const char *id, *body, *run, *name, *version;
	char **words;
	int count;

	struct fetch *fetch;
	struct mlflow *mlflow;
	struct credentials credentials;
	struct azure *azure;
	unsigned told, progress;
	int result;
};

static int parse(int argc, char **argv, struct ask *k)
{
	const struct option_row rows[] = {
		{ .name = "attempts", .argument = "N", .help = "in all", .number = &k->attempts },
		{ .name = "limit", .argument = "N", .help = "files, bytes", .number = &k->limit },
		{ .name = "offset", .argument = "N", .help = "of get", .number = &k->offset },
		{ .name = "size", .argument = "N", .help = "of get", .number = &k->size },
		{ .name = "id", .argument = "ID", .help = "of the endpoint", .text = &k->id },
		{ .name = "body", .argument = "JSON", .help = "of the call", .text = &k->body },
		{ .name = "run", .argument = "ID", .help = "of the place", .text = &k->run },
		{ .name = "name", .argument = "NAME", .help = "of the place", .text = &k->name },
		{ .name = "version", .argument = "N", .help = "of the place", .text = &k->version },
	};
	const struct option_command c = {
		.program = "mlflow_ask",
		.synopsis = "VERB WORD…",
		.about = "One request to an MLflow server.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.min_words = 2,
		.max_words = 3 + PARAMETERS,
	};
	int at = option_parse(&c, argc, argv);

	if (at < 0)
		return at;
	k->words = argv + at;
	k->count = argc - at;
	return 0;
}

static void print_words(int result, const struct errbuf *err)
{
	printf("result=%d\nwords=%s\n", result, result < 0 ? err->text : "");
}

static enum mlflow_endpoint find_endpoint(const char *method, const char *path)
{
	unsigned i = 0;

	while (i < MLFLOW_ENDPOINT_MAX && (strcmp(endpoint_of(i)->method, method) != 0 ||
	                                   strcmp(endpoint_of(i)->path, path) != 0))
		i++;
	return i;
}

static void print_answer(const struct mlflow_answer *a)
{
	struct strbuf text = { 0 };
	struct json_writer w = { .out = &text };

	print_words(a->result, &a->err);
	printf("status=%u\ncode=%s\n", a->status, a->code);
	if (a->json) {
		json_write_value(&w, a->json);
		printf("json=%.*s\n", STR_ARGS(strbuf_str(&text)));
	}
	strbuf_done(&text);
}

static int call(struct ask *k)
{
	struct mlflow_parameter query[PARAMETERS];
	struct mlflow_request q = { .id = k->id, .query = query };
	struct mlflow_answer a;

	q.endpoint = find_endpoint(k->words[1], k->words[2]);
	if (k->count < 3 || q.endpoint == MLFLOW_ENDPOINT_MAX)
		return -1;
	for (int i = 3; i < k->count; i++) {
		char *equals = strchr(k->words[i], '=');

		if (!equals)
			return -1;
		*equals = '\0';
		query[q.query_count++] = (struct mlflow_parameter){ k->words[i], equals + 1 };
	}
	if (k->body)
		q.body = str_of(k->body);
	mlflow_call(k->mlflow, &q, &a);
	print_answer(&a);
	k->result = a.result;
	mlflow_answer_done(&a);
	return 0;
}

static void on_done(void *self, const struct artifacts_result *r)
{
	struct ask *k = self;

	k->told++;
	k->result = r->result;
	print_words(r->result, &r->err);
	printf("size=%llu\nprogress=%u\n", (unsigned long long)r->size, k->progress);
	for (size_t i = 0; i < r->count; i++)
		printf("entry=%lld %s\n", (long long)r->entries[i].size, r->entries[i].path);
	loop_break(fetch_base(k->fetch));
}

static void on_progress(void *self, uint64_t done, uint64_t total)
{
	struct ask *k = self;

	(void)done;
	(void)total;
	k->progress++;
}

static int wait_for_end(struct ask *k)
{
	int r = 0;

	while (r == 0 && !k->told)
		r = loop_run(fetch_base(k->fetch));
	return r;
}

static int get(struct ask *k, struct artifacts *a)
{
	const struct artifacts_get q = {
		.path = k->words[2],
		.fd = open(k->words[3], O_RDWR | O_CREAT | O_CLOEXEC, 0600),
		.offset = k->offset,
		.size = k->size,
		.limit = k->limit,
		.on_progress = on_progress,
	};
	int r = q.fd < 0 ? -1 : artifacts_get(a, &q, on_done, k);

	if (r == 0)
		r = wait_for_end(k);
	close(q.fd);
	return r;
}

static int put(struct ask *k, struct artifacts *a)
{
	struct artifacts_put q = { .path = k->words[2], .fd = -1, .on_progress = on_progress };
	struct stat st;
	int r = 0;

	if (strcmp(k->words[0], "put-text") == 0) {
		q.content = str_of(k->words[3]);
	} else {
		q.fd = open(k->words[3], O_RDONLY | O_CLOEXEC);
		if (q.fd < 0 || fstat(q.fd, &st) < 0)
			return -1;
		q.size = (uint64_t)st.st_size;
	}
	r = artifacts_put(a, &q, on_done, k);
	if (r == 0)
		r = wait_for_end(k);
	if (q.fd >= 0)
		close(q.fd);
	return r;
}

static int with_place(struct ask *k)
{
	const struct artifacts_place place = {
		.uri = k->words[1],
		.name = k->name,
		.version = k->version,
		.run_id = k->run,
	};
	struct artifacts *a = NULL;
	struct errbuf err = { "" };
	int r = artifacts_new(k->mlflow, k->azure, &place, &a, &err);

	if (r < 0) {
		k->result = r;
		print_words(r, &err);
		return 0;
	}
	if (strcmp(k->words[0], "list") == 0) {
		r = artifacts_list(a, (size_t)k->limit, on_done, k);
		if (r == 0)
			r = wait_for_end(k);
	} else if (k->count < 4) {
		r = -1;
	} else {
		r = strcmp(k->words[0], "get") == 0 ? get(k, a) : put(k, a);
	}
	artifacts_free(a);
	return r == 0 && k->told != 1 ? -1 : r;
}

static int open_clients(struct ask *k, struct errbuf *err)
{
	const struct retry_policy retry = { (unsigned)k->attempts, 10, 100, 0 };
	const struct mlflow_options o = {
		.tracking_uri = getenv("MLFLOW_TRACKING_URI"),
		.registry_uri = getenv("MLFLOW_REGISTRY_URI"),
		.username = getenv("MLFLOW_TRACKING_USERNAME"),
		.password = getenv("MLFLOW_TRACKING_PASSWORD"),
		.token = getenv("MLFLOW_TRACKING_TOKEN"),
		.workspace = getenv("MLFLOW_WORKSPACE"),
		.retry = &retry,
	};
	const struct azure_options ao = { .retry = &retry };
	struct fetch_options f = { 0 };
	int r;

	fetch_options_environment(&f);
	r = fetch_new(NULL, &f, &k->fetch);
	if (r == 0)
		r = mlflow_new(k->fetch, &o, &k->mlflow, err);
	if (r == 0 && credentials_decide(environ, false, &k->credentials, NULL) == 0)
		r = azure_new(k->fetch, &k->credentials, &ao, &k->azure);
	return r;
}

int main(int argc, char **argv)
{
	struct ask k = { .attempts = 3, .size = UINT64_MAX };
	struct errbuf err = { "" };
	int r = parse(argc, argv, &k);

	if (r < 0)
		return r == OPTION_ANSWERED ? 0 : 2;
	json_setup();
	k.result = open_clients(&k, &err);
	if (k.result < 0)
		print_words(k.result, &err);
	else if ((strcmp(k.words[0], "call") == 0 ? call(&k) : with_place(&k)) < 0)
		k.result = 2;
	azure_free(k.azure);
	credentials_done(&k.credentials);
	mlflow_free(k.mlflow);
	fetch_free(k.fetch);
	return k.result == 0 ? 0 : k.result < 0 ? 1 : 2;
}
