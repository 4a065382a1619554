/*
 * Head, delete, make container: one call each. List: a call a page, as long as there is a marker; a
 * page may be empty and still have one. Called by client.c.
 */
#include "azure/verbs.h"

#include <errno.h>
#include <stdlib.h>

#include "azure/blob_call.h"
#include "azure/download.h"
#include "azure/listing.h"
#include "azure/operation.h"

#define ENTRIES 10000
#define PAGES 1000
#define PAGE_BYTES (UINT64_C(32) << 20)

static void on_head(void *self, struct fetch_result *r)
{
	struct operation *op = self;

	if (r->result < 0)
		operation_fail(op, r);
	else
		operation_end(op, download_take_head(op, r));
}

int verbs_start_head(struct operation *op)
{
	const struct blob_call_request q = { .method = "HEAD", .at = &op->q.at };

	return blob_call_start(op->azure, &q, on_head, op, &op->result.err);
}

static void on_ended(void *self, struct fetch_result *r)
{
	struct operation *op = self;
	struct str code = fetch_result_header(r, "x-ms-error-code");

	bool is_there = op->q.verb == AZURE_MAKE_CONTAINER && r->status == 409 && code.p &&
	                str_is(code, "ContainerAlreadyExists");

	if (r->result < 0 && !is_there)
		operation_fail(op, r);
	else
		operation_end(op, 0);
}

int verbs_start_delete(struct operation *op)
{
	const struct blob_call_request q = { .method = "DELETE", .at = &op->q.at };

	return blob_call_start(op->azure, &q, on_ended, op, &op->result.err);
}

int verbs_start_make_container(struct operation *op)
{
	const struct blob_call_request q = {
		.method = "PUT",
		.at = &op->q.at,
		.container = true,
		.query = { { "restype", "container" } },
	};

	return blob_call_start(op->azure, &q, on_ended, op, &op->result.err);
}

struct listed {
	struct operation *op;
	struct listing listing;
	unsigned pages;
};

static void listed_free(void *self)
{
	struct listed *l = self;

	listing_done(&l->listing);
	free(l);
}

static void on_page(void *self, struct fetch_result *r);

static int ask_page(struct listed *l)
{
	struct operation *op = l->op;
	struct blob_call_request q = { .method = "GET", .at = &op->q.at, .container = true };
	const char *path = op->q.at.path;
	/* Without the '/' the folder "model2" would lie in "model". */
	const char *prefix = arena_printf(&op->arena, "%s%s", path, *path ? "/" : "");
	size_t n = 0;

	if (!prefix)
		return errbuf_set(&op->result.err, -ENOMEM, "out of memory");
	q.query[n++] = (struct signature_pair){ "comp", "list" };
	if (!op->q.deep)
		q.query[n++] = (struct signature_pair){ "delimiter", "/" };
	if (l->listing.marker && *l->listing.marker)
		q.query[n++] = (struct signature_pair){ "marker", l->listing.marker };
	q.query[n++] = (struct signature_pair){ "prefix", prefix };
	q.query[n++] = (struct signature_pair){ "restype", "container" };
	q.limit = PAGE_BYTES;
	return blob_call_start(op->azure, &q, on_page, l, &op->result.err);
}

static int take_page(struct listed *l, const struct fetch_result *r)
{
	struct operation *op = l->op;
	int result = listing_parse(strbuf_str(&r->body), &l->listing);

	if (result == -E2BIG || (result == 0 && ++l->pages > PAGES))
		return errbuf_set(&op->result.err, -E2BIG, "\"%s/%s\" holds more than %zu blobs",
		                  op->q.at.container, op->q.at.path, l->listing.limit);
	if (result < 0)
		return errbuf_set(&op->result.err, result, "\"%s/%s\": answer is no list of blobs",
		                  op->q.at.container, op->q.at.path);
	return 0;
}

static void on_page(void *self, struct fetch_result *r)
{
	struct listed *l = self;
	struct operation *op = l->op;
	int result;

	if (r->result < 0) {
		operation_fail(op, r);
		return;
	}
	result = take_page(l, r);
	if (result == 0 && *l->listing.marker) {
		result = ask_page(l);
		if (result == 0)
			return;
	}
	if (result == 0) {
		op->result.entries = l->listing.entries;
		op->result.count = l->listing.count;
		l->listing.entries = NULL;
	}
	operation_end(op, result);
}

int verbs_start_list(struct operation *op)
{
	struct listed *l = calloc(1, sizeof(*l));

	if (!l)
		return errbuf_set(&op->result.err, -ENOMEM, "out of memory");
	l->op = op;
	l->listing.arena = &op->result.names;
	l->listing.limit = op->q.limit ? (size_t)op->q.limit : ENTRIES;
	op->state = l;
	op->state_free = listed_free;
	return ask_page(l);
}
