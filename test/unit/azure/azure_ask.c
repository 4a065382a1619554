/*
 * One request of azure/azure.h from a command line, for the integration tests. Credentials come
 * from the environment as they do in production. Prints name=value lines; the status is 0 or 1.
 *
 *   azure_ask [--attempts N] [--stall S] [--limit N] [--sha256 HEX] [--only-new] [--deep]
 *             [--block N] [--offset N] [--managed] VERB ADDRESS [FILE]
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "azure/azure.h"
#include "base/cleanup.h"
#include "base/option.h"
#include "fetch/fetch.h"

extern char **environ;

struct ask {
	unsigned long long attempts, stall, limit, block, offset;
	const char *sha256;
	bool only_new, deep, managed;
	const char *verb, *address, *file;
};

static const char *const verb_names[AZURE_VERB_MAX] = {
	[AZURE_PUT] = "put",   [AZURE_PUT_FILE] = "put-file",
	[AZURE_GET] = "get",   [AZURE_GET_FILE] = "get-file",
	[AZURE_HEAD] = "head", [AZURE_DELETE] = "delete",
	[AZURE_LIST] = "list", [AZURE_MAKE_CONTAINER] = "make-container",
};

static int parse(int argc, char **argv, struct ask *k)
{
	const struct option_row rows[] = {
		{ .name = "attempts", .argument = "N", .help = "in all", .number = &k->attempts },
		{ .name = "stall", .argument = "S", .help = "seconds", .number = &k->stall },
		{ .name = "limit", .argument = "N", .help = "bytes", .number = &k->limit },
		{ .name = "block", .argument = "N", .help = "bytes", .number = &k->block },
		{ .name = "offset", .argument = "N", .help = "of get-file", .number = &k->offset },
		{ .name = "sha256", .argument = "HEX", .help = "expected", .text = &k->sha256 },
		{ .name = "only-new", .help = "do not overwrite", .flag = &k->only_new },
		{ .name = "deep", .help = "with folders below", .flag = &k->deep },
		{ .name = "managed", .help = "managed identity", .flag = &k->managed },
	};
	const struct option_command c = {
		.program = "azure_ask",
		.synopsis = "VERB ADDRESS [FILE]",
		.about = "One request to Azure Blob Storage.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.min_words = 2,
		.max_words = 3,
	};
	int at = option_parse(&c, argc, argv);

	if (at < 0)
		return at;
	k->verb = argv[at];
	k->address = argv[at + 1];
	k->file = at + 2 < argc ? argv[at + 2] : NULL;
	return 0;
}

static int open_file(const struct ask *k, struct azure_request *q)
{
	struct stat st;

	q->fd = -1;
	if (!k->file)
		return 0;
	q->content = str_of(k->file);
	if (q->verb == AZURE_PUT)
		return 0;
	q->fd = q->verb == AZURE_PUT_FILE ? open(k->file, O_RDONLY | O_CLOEXEC)
	                                  : open(k->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (q->fd < 0 || fstat(q->fd, &st) < 0)
		return -1;
	q->size = (uint64_t)st.st_size;
	return 0;
}

static void print(const struct azure_request *q, const struct azure_result *r)
{
	printf("result=%d\nwords=%s\nsize=%llu\nsha256=%s\netag=%s\n", r->result, r->err.text,
	       (unsigned long long)r->size, r->sha256, r->etag);
	for (size_t i = 0; i < r->count; i++)
		printf("entry=%llu %d %s\n", (unsigned long long)r->entries[i].size,
		       r->entries[i].is_folder, r->entries[i].name);
	if (q->verb == AZURE_GET && r->result == 0)
		printf("body=%.*s\n", STR_ARGS(strbuf_str(&r->body)));
}

/* With $ASK_ENDPOINT the storage stands there, whatever the address says. */
static int parse_address(const char *text, struct arena *a, struct blob_address *ret,
                         struct errbuf *err)
{
	const char *endpoint = getenv("ASK_ENDPOINT");
	int r = blob_address_parse(text, a, ret, err);

	if (r == 0 && endpoint)
		ret->endpoint = endpoint;
	return r;
}

static int ask(const struct ask *k, const struct credentials *c)
{
	const struct retry_policy retry = { (unsigned)k->attempts, 10, 100, 0 };
	struct azure_options o = { .retry = &retry, .stall_seconds = (uint32_t)k->stall };
	struct azure_request q = { .limit = k->limit, .sha256 = k->sha256, .deep = k->deep };
	struct fetch_options f = { 0 };
	struct arena arena = { 0 };
	struct fetch *fetch = NULL;
	struct azure *azure = NULL;
	struct azure_result r = { .result = -1 };

	o.block_bytes = k->block;
	q.offset = k->offset;
	q.only_new = k->only_new;
	while (q.verb < AZURE_VERB_MAX && strcmp(verb_names[q.verb], k->verb) != 0)
		q.verb++;
	fetch_options_environment(&f);
	if (q.verb == AZURE_VERB_MAX || open_file(k, &q) < 0)
		snprintf(r.err.text, sizeof(r.err.text), "bad verb or file");
	else if (parse_address(k->address, &arena, &q.at, &r.err) == 0 &&
	         fetch_new(NULL, &f, &fetch) == 0 && azure_new(fetch, c, &o, &azure) == 0)
		azure_call(azure, &q, &r);
	print(&q, &r);
	azure_result_done(&r);
	azure_free(azure);
	fetch_free(fetch);
	arena_done(&arena);
	if (q.fd >= 0)
		close(q.fd);
	return r.result == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct ask k = { .attempts = 4, .stall = 5 };
	struct credentials c;
	struct errbuf err = { "" };
	int r = parse(argc, argv, &k);

	if (r < 0)
		return r == OPTION_ANSWERED ? 0 : 2;
	r = credentials_decide(environ, k.managed, &c, &err);
	if (r < 0) {
		printf("result=%d\nwords=%s\n", r, err.text);
		return 1;
	}
	printf("source=%s\n", c.source);
	r = ask(&k, &c);
	credentials_done(&c);
	return r;
}
