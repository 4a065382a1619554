/*
 * Moving an alias. A server has no compare-and-swap: what the alias named goes under "previous"
 * first, so that a crash in between leaves two names of whole versions; then it is moved, and read
 * again, because of two promoters the last one wins and the other must know. Called by promotions
 * and by a rollback.
 */
#include <errno.h>
#include <string.h>

#include "registry/remote.h"
#include "json/value.h"

struct moving {
	struct registry_call *call;
	char number[REGISTRY_TEXT];
};

static void set(struct moving *v, const char *alias, const char *number, mlflow_fn *on_answer)
{
	struct registry_call *c = v->call;
	const struct mlflow_parameter members[] = { { "name", c->registry->name },
		                                    { "alias", alias },
		                                    { "version", number } };
	struct strbuf body = { 0 };

	remote_object(&body, members, 3);
	remote_ask(
	        c,
	        &(struct mlflow_request){ .endpoint = MLFLOW_ALIAS_SET, .body = strbuf_str(&body) },
	        on_answer, v);
	strbuf_done(&body);
}

static void get(struct moving *v, mlflow_fn *on_answer)
{
	struct registry_call *c = v->call;
	const struct mlflow_parameter query[] = { { "name", c->registry->name },
		                                  { "alias", c->q.alias } };

	remote_ask(c,
	           &(struct mlflow_request){
	                   .endpoint = MLFLOW_ALIAS_GET, .query = query, .query_count = 2 },
	           on_answer, v);
}

static void refuse(const struct moving *v, const struct mlflow_answer *a, const char *alias)
{
	remote_refuse(v->call, a, "could not set alias \"%s\" of model \"%s\"", alias,
	              v->call->registry->name);
}

/* The number that an answer to get() holds, or words. */
static int read_number(struct registry_call *c, const struct mlflow_answer *a,
                       char ret[REGISTRY_TEXT])
{
	struct remote_version now;
	int r = remote_version_read(remote_of(c), json_member(a->json, "model_version"), &now,
	                            &c->result.err);

	if (r == 0)
		memcpy(ret, now.v.registry_version, REGISTRY_TEXT);
	return r;
}

static void on_confirmed(void *self, struct mlflow_answer *a)
{
	struct moving *v = self;
	struct registry_call *c = v->call;
	char number[REGISTRY_TEXT];
	int r;

	if (a->result < 0) {
		refuse(v, a, c->q.alias);
		return;
	}
	r = read_number(c, a, number);
	if (r == 0 && strcmp(number, v->number) != 0)
		r = errbuf_set(&c->result.err, -EBUSY,
		               "alias \"%s\" of model \"%s\" on %s was set to version %s, but "
		               "names %s now: somebody else has moved it",
		               c->q.alias, c->registry->name,
		               mlflow_registry_host(remote_of(c)->mlflow), v->number, number);
	call_end(c, r);
}

static void on_moved(void *self, struct mlflow_answer *a)
{
	struct moving *v = self;

	if (a->result < 0)
		refuse(v, a, v->call->q.alias);
	else
		get(v, on_confirmed);
}

static void on_kept(void *self, struct mlflow_answer *a)
{
	struct moving *v = self;

	if (a->result < 0)
		refuse(v, a, REGISTRY_PREVIOUS);
	else
		set(v, v->call->q.alias, v->number, on_moved);
}

static void on_before(void *self, struct mlflow_answer *a)
{
	struct moving *v = self;
	char number[REGISTRY_TEXT];
	int r = 0;

	if (a->result == 0)
		r = read_number(v->call, a, number);
	if (a->result < 0 && a->result != -ENOENT)
		refuse(v, a, v->call->q.alias);
	else if (r < 0)
		call_end(v->call, r);
	else if (a->result == -ENOENT || strcmp(number, v->number) == 0)
		set(v, v->call->q.alias, v->number, on_moved);
	else
		set(v, REGISTRY_PREVIOUS, number, on_kept);
}

static void on_found(struct registry_call *c, const struct remote_version *found)
{
	struct moving *v = arena_calloc(&c->arena, 1, sizeof(*v));
	int r = v ? remote_version_ready(found, &c->result.err) : -ENOMEM;

	c->result.version = found->v;
	if (r < 0) {
		call_end(c, errbuf_prefix(&c->result.err, r,
		                          "could not set alias \"%s\" to version %s of model "
		                          "\"%s\" on %s",
		                          c->q.alias, found->v.registry_version, c->registry->name,
		                          mlflow_registry_host(remote_of(c)->mlflow)));
		return;
	}
	v->call = c;
	memcpy(v->number, found->v.registry_version, sizeof(v->number));
	if (c->q.keep_previous)
		get(v, on_before);
	else
		set(v, c->q.alias, v->number, on_moved);
}

void remote_start_set_alias(struct registry_call *c)
{
	remote_find(c, c->q.version, on_found);
}
