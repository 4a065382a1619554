/*
 * Requests of registry/registry.h from a command line, for the integration tests. Settings come
 * from the environment and from key=value words. Prints name=value lines; the status is 0 or 1.
 *
 *   registry_ask [--loop] [KEY=VALUE …] VERB [WORDS]
 *
 *   resolve ALIAS · find VERSION · list · fetch VERSION · fetch-alias ALIAS · prepare
 *   set-alias ALIAS VERSION · promote ALIAS VERSION · publish VERSION FOLDER
 *   get-tag VERSION KEY · set-tag VERSION KEY TEXT
 *
 * --loop asks as a daemon does; else as a tool does.
 */
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "bundle/bundle.h"
#include "config/settings.h"
#include "daemon/loop.h"
#include "registry/registry.h"

extern char **environ;

static struct {
	struct event_base *base; /* --loop */
	struct registry *registry;
	struct registry_result result;
	size_t prefix; /* of the folder that is walked */
} t;

static void on_error(void *unused, const char *text)
{
	(void)unused;
	fprintf(stderr, "%s\n", text);
}

static void on_result(void *self, struct registry_result *r)
{
	(void)self;
	t.result = *r;
	*r = (struct registry_result){ .folder = { .fd = -1 } };
	loop_break(t.base);
}

static int ask(const struct registry_request *q)
{
	registry_result_done(&t.result);
	if (!t.base)
		return registry_call(t.registry, q, &t.result);
	if (registry_start(t.registry, q, on_result, NULL) < 0 || loop_run(t.base) < 0)
		abort();
	return t.result.result;
}

static int print_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	CLEANUP(close_p) int fd = -1;
	uint8_t digest[BUNDLE_SHA256_SIZE];
	char hex[2 * BUNDLE_SHA256_SIZE + 1];

	(void)at;
	if (kind != FTW_F)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || bundle_sha256_fd(fd, digest) < 0)
		return -1;
	hex_encode(digest, sizeof(digest), hex);
	printf("file=%lld %s %s\n", (long long)st->st_size, hex, path + t.prefix);
	return 0;
}

static void print_files(void)
{
	const struct registry_folder *f = &t.result.folder;

	if (f->fd < 0 || !f->temporary)
		return;
	t.prefix = strlen(f->temporary) + 1;
	if (nftw(f->temporary, print_file, 8, FTW_PHYS) < 0)
		printf("walk=failed\n");
}

static void print(void)
{
	const char *storage = registry_storage(t.registry);

	printf("result=%d\nwords=%s\nkind=%s\nstorage=%s\n", t.result.result, t.result.err.text,
	       registry_kind(t.registry), storage ? storage : "");
	printf("version=%s\nnumber=%s\nstamp=%016" PRIx64 "\ntext=%s\n", t.result.version.version,
	       t.result.version.registry_version, t.result.version.stamp,
	       t.result.text ? t.result.text : "");
	for (size_t i = 0; i < t.result.count; i++)
		printf("entry=%s %s %s\n", t.result.entries[i].version.version,
		       t.result.entries[i].version.registry_version, t.result.entries[i].aliases);
	print_files();
}

static int fetch(enum registry_verb verb, const char *words)
{
	struct registry_version found;
	int r = ask(&(struct registry_request){ .verb = verb, .version = words, .alias = words });

	if (r < 0)
		return r;
	found = t.result.version;
	r = ask(&(struct registry_request){ .verb = REGISTRY_FETCH, .found = &found });
	t.result.version = found;
	return r;
}

static void on_progress(void *self, uint64_t done, uint64_t total)
{
	(void)self;
	fprintf(stderr, "progress %" PRIu64 " %" PRIu64 "\n", done, total);
}

static int publish(const char *version, const char *folder)
{
	static const struct registry_fact params[] = { { "eta", "0.1" }, { "odd@key", "x" } };
	static const struct registry_fact tags[] = { { "team", "risk" } };
	static const struct registry_metric metrics[] = {
		{ "train-logloss", 0.5, 0, 1700000000000 },
		{ "train-logloss", 0.25, 1, 1700000000100 },
		{ "pr_auc", 0.75, 0, 1700000000200 },
	};
	static const struct registry_run run = {
		.started_ms = 1700000000000,
		.ended_ms = 1700000001000,
		.params = params,
		.tags = tags,
		.param_count = 2,
		.tag_count = 1,
		.metrics = metrics,
		.metric_count = 3,
		.data_name = "window",
		.data_digest = "0123456789abcdef0123456789abcdef0123456789abcdef",
		.data_source = "demo.csv",
		.data_rows = 1000,
	};
	CLEANUP(close_p) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return ask(&(struct registry_request){ .verb = REGISTRY_PUBLISH,
	                                       .version = version,
	                                       .folder_fd = fd,
	                                       .run = &run,
	                                       .on_progress = on_progress });
}

static int run_verb(const char *verb, char *const *words)
{
	struct registry_request q = { .verb = REGISTRY_VERB_MAX };
	static const struct {
		const char *name;
		enum registry_verb verb;
	} simple[] = {
		{ "resolve", REGISTRY_RESOLVE },   { "find", REGISTRY_FIND },
		{ "list", REGISTRY_LIST },         { "set-alias", REGISTRY_SET_ALIAS },
		{ "promote", REGISTRY_SET_ALIAS }, { "get-tag", REGISTRY_GET_TAG },
		{ "set-tag", REGISTRY_SET_TAG },   { "prepare", REGISTRY_PREPARE },
	};

	if (strcmp(verb, "fetch") == 0)
		return fetch(REGISTRY_FIND, words[0]);
	if (strcmp(verb, "fetch-alias") == 0)
		return fetch(REGISTRY_RESOLVE, words[0]);
	if (strcmp(verb, "publish") == 0)
		return publish(words[0], words[1]);
	for (size_t i = 0; i < sizeof(simple) / sizeof(simple[0]); i++)
		if (strcmp(verb, simple[i].name) == 0)
			q.verb = simple[i].verb;
	q.keep_previous = strcmp(verb, "promote") == 0;
	q.alias = words[0];
	q.version = q.verb == REGISTRY_SET_ALIAS ? words[1] : words[0];
	q.key = q.verb == REGISTRY_GET_TAG || q.verb == REGISTRY_SET_TAG ? words[1] : NULL;
	if (q.verb == REGISTRY_SET_TAG)
		q.text = str_of(words[2]);
	return ask(&q);
}

int main(int argc, char **argv)
{
	struct settings_sources from = { .environ = environ };
	const char *words[64];
	struct settings *settings;
	struct errbuf err;
	int at = 1, r;

	if (at < argc && strcmp(argv[at], "--loop") == 0 && loop_new(&t.base) == 0)
		at++;
	from.overrides = words;
	while (at < argc && strchr(argv[at], '=') && from.override_count < 64)
		words[from.override_count++] = argv[at++];
	if (at == argc || settings_load(&from, on_error, NULL, &settings) < 0)
		return 2;
	r = registry_new(t.base, settings, &t.registry, &err);
	settings_free(settings);
	if (r < 0) {
		printf("result=%d\nwords=%s\n", r, err.text);
		return 1;
	}
	t.result.folder.fd = -1;
	r = run_verb(argv[at], argv + at + 1);
	print();
	registry_result_done(&t.result);
	registry_free(t.registry);
	if (t.base)
		loop_free(t.base);
	return r == 0 ? 0 : 1;
}
