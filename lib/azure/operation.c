/*
 * What all verbs share: an operation is in the client's list from its start until it is told, so
 * that azure_free() finds it. Called by client.c and by the verbs.
 */
#include "azure/operation.h"

#include <errno.h>
#include <stdlib.h>

void azure_result_done(struct azure_result *r)
{
	strbuf_done(&r->body);
	free(r->entries);
	r->entries = NULL;
	arena_done(&r->names);
}

static void copy(struct operation *op, const char **text)
{
	if (*text)
		*text = arena_strdup(&op->arena, *text);
}

int operation_new(struct azure *a, const struct azure_request *q, struct operation **ret)
{
	struct operation *op = calloc(1, sizeof(*op));

	if (!op)
		return -ENOMEM;
	op->azure = a;
	op->q = *q;
	copy(op, &op->q.at.account);
	copy(op, &op->q.at.endpoint);
	copy(op, &op->q.at.container);
	copy(op, &op->q.at.path);
	copy(op, &op->q.content_type);
	copy(op, &op->q.sha256);
	op->next = a->operations;
	a->operations = op;
	if (arena_failed(&op->arena)) {
		operation_free(op);
		return -ENOMEM;
	}
	*ret = op;
	return 0;
}

void operation_free(struct operation *op)
{
	struct operation **at = &op->azure->operations;

	while (*at && *at != op)
		at = &(*at)->next;
	if (*at)
		*at = op->next;
	if (op->state_free)
		op->state_free(op->state);
	azure_result_done(&op->result);
	arena_done(&op->arena);
	free(op);
}

void operation_end(struct operation *op, int result)
{
	op->result.result = result;
	op->on_done(op->self, &op->result);
	operation_free(op);
}

void operation_fail(struct operation *op, const struct fetch_result *r)
{
	op->result.err = r->err;
	operation_end(op, r->result);
}
