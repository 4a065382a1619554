/*
 * What listing, getting and putting share. An errand is in its place's list from its start until it
 * is told, so artifacts_free() finds it.
 *
 * Invariant: an errand has a request under way, here or in azure; so on_done always comes from the
 * loop. What fails before anything is sent becomes a request that fails before it is sent.
 */
#include "mlflow/errand.h"

#include <errno.h>
#include <stdlib.h>

#include "azure/azure.h"

/* The server is silent for 80 s while its own storage does not answer. */
#define STALL_SECONDS 120

int errand_new(struct artifacts *a, const char *path, struct errand **ret)
{
	struct errand *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->artifacts = a;
	e->fd = -1;
	e->next = a->errands;
	a->errands = e;
	e->path = arena_strdup(&e->arena, path);
	e->folder = "";
	e->host = a->place.kind == ARTIFACTS_PROXIED ? a->place.host : a->mlflow->tracking.host;
	if (!e->path) {
		errand_free(e);
		return -ENOMEM;
	}
	*ret = e;
	return 0;
}

void errand_free(struct errand *e)
{
	struct errand **at = &e->artifacts->errands;

	while (*at && *at != e)
		at = &(*at)->next;
	if (*at)
		*at = e->next;
	fetch_cancel(e->call);
	if (e->in_azure)
		azure_cancel(e->artifacts->azure, e);
	file_list_done(&e->list);
	arena_done(&e->arena);
	free(e);
}

void errand_end(struct errand *e, int result)
{
	e->result.result = result;
	e->result.entries = e->list.entries;
	e->result.count = result == 0 ? e->list.count : 0;
	e->on_done(e->self, &e->result);
	errand_free(e);
}

/* The file, or whose files are listed. */
static const char *what_of(struct errand *e)
{
	const char *what =
	        arena_printf(&e->arena, "\"%s\"", *e->path ? e->path : e->artifacts->place.uri);

	return what ? what : "files";
}

static bool is_trusted(const struct artifacts *a)
{
	return a->place.kind != ARTIFACTS_PROXIED || !a->place.foreign;
}

void errand_fail(struct errand *e, const struct fetch_result *r)
{
	const struct client_question q = {
		.host = e->host,
		.what = what_of(e),
		.is_file = *e->path != '\0',
		.sent = is_trusted(e->artifacts) ? e->artifacts->mlflow->sent
		                                 : REFUSAL_SENT_WITHHELD,
	};

	errand_end(e, client_explain(&q, r, NULL, &e->result.err));
}

static void on_answer(void *self, struct fetch_result *r)
{
	struct errand *e = self;

	e->call = NULL;
	e->then(e, r);
}

int errand_fetch(struct errand *e, const struct fetch_request *q, const struct fetch_header *header,
                 fetch_done_fn *then)
{
	struct client_request request = { .http = *q, .trusted = is_trusted(e->artifacts) };

	request.http.stall_seconds = STALL_SECONDS;
	request.http.self = e;
	if (header)
		request.header = *header;
	e->then = then;
	return client_fetch(e->artifacts->mlflow, &request, on_answer, e, &e->call);
}

static int refuse(void *self, struct fetch_call *c, struct errbuf *err)
{
	const struct errand *e = self;

	(void)c;
	return errbuf_set(err, e->later_result, "%s", e->later.text);
}

static void on_refused(void *self, struct fetch_result *r)
{
	struct errand *e = self;

	errbuf_set(&e->result.err, 0, "%s: %s", what_of(e), r->err.text);
	errand_end(e, e->later_result);
}

int errand_end_later(struct errand *e, int result, const struct errbuf *err)
{
	const struct fetch_request q = {
		.method = "GET",
		.url = e->artifacts->mlflow->tracking.base,
		.prepare = refuse,
	};

	e->later_result = result;
	e->later = *err;
	return errand_fetch(e, &q, NULL, on_refused);
}
