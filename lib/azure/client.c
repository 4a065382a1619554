/*
 * The client and its table of verbs. What a verb does is in upload.c, download.c and verbs.c, how a
 * call is authorised in blob_call.c. Called by mlflow and by the tools.
 */
#include <errno.h>
#include <stdlib.h>

#include "azure/azure.h"
#include "azure/blob_call.h"
#include "azure/download.h"
#include "azure/oauth.h"
#include "azure/operation.h"
#include "azure/upload.h"
#include "azure/verbs.h"
#include "daemon/loop.h"

#define PARALLEL 4
#define BLOCK_BYTES (UINT64_C(8) << 20)

static int (*const verbs[AZURE_VERB_MAX])(struct operation *op) = {
	[AZURE_PUT] = upload_start_content,   [AZURE_PUT_FILE] = upload_start_file,
	[AZURE_GET] = download_start_content, [AZURE_GET_FILE] = download_start_file,
	[AZURE_HEAD] = verbs_start_head,      [AZURE_DELETE] = verbs_start_delete,
	[AZURE_LIST] = verbs_start_list,      [AZURE_MAKE_CONTAINER] = verbs_start_make_container,
};

int azure_new(struct fetch *f, const struct credentials *c, const struct azure_options *o,
              struct azure **ret)
{
	struct azure *a = calloc(1, sizeof(*a));
	int r = 0;

	if (!a)
		return -ENOMEM;
	a->fetch = f;
	a->credentials = c;
	a->options = *o;
	a->retry = o->retry ? *o->retry : retry_default;
	if (a->options.parallel == 0)
		a->options.parallel = PARALLEL;
	if (a->options.parallel > AZURE_PARALLEL)
		a->options.parallel = AZURE_PARALLEL;
	if (a->options.block_bytes == 0)
		a->options.block_bytes = BLOCK_BYTES;
	if (credentials_need_token(c))
		r = oauth_new(f, c, &a->retry, &a->oauth);
	if (r < 0) {
		azure_free(a);
		return r;
	}
	if (a->oauth)
		oauth_on_token(a->oauth, blob_call_on_token, a);
	*ret = a;
	return 0;
}

void azure_free(struct azure *a)
{
	if (!a)
		return;
	blob_call_free_all(a);
	while (a->operations)
		operation_free(a->operations);
	oauth_free(a->oauth);
	free(a);
}

int azure_start(struct azure *a, const struct azure_request *q, azure_fn *on_done, void *self,
                struct errbuf *err)
{
	struct operation *op;
	int r = operation_new(a, q, &op);

	if (r < 0)
		return errbuf_set(err, r, "out of memory");
	op->on_done = on_done;
	op->self = self;
	r = verbs[q->verb](op);
	if (r < 0) {
		errbuf_write(err, "%s", op->result.err.text);
		operation_free(op);
	}
	return r;
}

void azure_cancel(struct azure *a, const void *self)
{
	struct operation *next;

	for (struct operation *op = a->operations; op; op = next) {
		next = op->next;
		if (op->self == self) {
			blob_call_free_at(a, &op->q.at);
			operation_free(op);
		}
	}
}

/* A caller that waits. Not for the calls: what is there of a file is hashed between two. */
struct wait {
	struct azure *azure;
	struct azure_result *ret;
	bool ended;
};

static void on_called(void *self, struct azure_result *r)
{
	struct wait *w = self;

	*w->ret = *r;
	r->body = (struct strbuf){ 0 };
	r->entries = NULL;
	r->names = (struct arena){ 0 };
	w->ended = true;
	loop_break(fetch_base(w->azure->fetch));
}

int azure_call(struct azure *a, const struct azure_request *q, struct azure_result *ret)
{
	struct wait w = { a, ret, false };
	int r;

	*ret = (struct azure_result){ 0 };
	r = azure_start(a, q, on_called, &w, &ret->err);
	while (r == 0 && !w.ended) {
		r = loop_run(fetch_base(a->fetch));
		if (r < 0) {
			azure_cancel(a, &w);
			errbuf_write(&ret->err, "%s", strerror(-r));
		}
	}
	if (r < 0)
		ret->result = r;
	return ret->result;
}
