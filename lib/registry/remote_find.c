/*
 * Which version is meant: by an alias (resolve), by its number or by the name that its tag tells
 * (find). One question each; a name that looks like a number and is none costs a second. Called
 * through the table in remote.c and by the verbs that begin with a version.
 */
#include <errno.h>
#include <string.h>

#include "registry/remote.h"
#include "json/value.h"

#define DIGITS "0123456789"

struct finding {
	struct registry_call *call;
	const char *words;
	remote_found_fn *on_found;
};

static void tell(struct registry_call *c, const struct cJSON *object, remote_found_fn *on_found)
{
	struct remote_version v;
	int r = remote_version_read(remote_of(c), object, &v, &c->result.err);

	if (r < 0)
		call_end(c, r);
	else
		on_found(c, &v);
}

static void on_searched(void *self, struct mlflow_answer *a)
{
	struct finding *f = self;
	struct registry_call *c = f->call;
	const struct remote *m = remote_of(c);
	const struct cJSON *list = a->result == 0 ? json_member(a->json, "model_versions") : NULL;

	if (a->result < 0)
		remote_refuse(c, a, "could not look up version \"%s\" of model \"%s\"", f->words,
		              m->registry->name);
	else if (!list || !json_first(list))
		call_end(c, errbuf_set(&c->result.err, -ENOENT,
		                       "no version \"%s\" of model \"%s\" on %s", f->words,
		                       m->registry->name, mlflow_registry_host(m->mlflow)));
	else
		tell(c, json_first(list), f->on_found);
}

/* Names have no quote in them: registry.c has looked. The newest, if a name was given twice. */
static void search(struct finding *f)
{
	struct registry_call *c = f->call;
	const char *filter =
	        arena_printf(&c->arena, "name='%s' and tag.`" REMOTE_TAG_VERSION "`='%s'",
	                     c->registry->name, f->words);
	const struct mlflow_parameter query[] = { { "filter", filter },
		                                  { "max_results", "1" },
		                                  { "order_by", "version_number DESC" } };

	remote_ask(c,
	           &(struct mlflow_request){
	                   .endpoint = MLFLOW_VERSION_SEARCH, .query = query, .query_count = 3 },
	           on_searched, f);
}

static void on_version(void *self, struct mlflow_answer *a)
{
	struct finding *f = self;

	if (a->result == -ENOENT)
		search(f);
	else if (a->result < 0)
		remote_refuse(f->call, a, "could not look up version \"%s\" of model \"%s\"",
		              f->words, f->call->registry->name);
	else
		tell(f->call, json_member(a->json, "model_version"), f->on_found);
}

void remote_find(struct registry_call *c, const char *words, remote_found_fn *on_found)
{
	struct finding *f = arena_calloc(&c->arena, 1, sizeof(*f));
	const struct mlflow_parameter query[] = { { "name", c->registry->name },
		                                  { "version", words } };

	if (!f) {
		call_end(c, errbuf_set(&c->result.err, -ENOMEM, "out of memory"));
		return;
	}
	*f = (struct finding){ .call = c, .words = words, .on_found = on_found };
	if (words[strspn(words, DIGITS)])
		search(f);
	else
		remote_ask(c,
		           &(struct mlflow_request){ .endpoint = MLFLOW_VERSION_GET,
		                                     .query = query,
		                                     .query_count = 2 },
		           on_version, f);
}

static void on_found(struct registry_call *c, const struct remote_version *v)
{
	c->result.version = v->v;
	call_end(c, 0);
}

void remote_start_find(struct registry_call *c)
{
	remote_find(c, c->q.version, on_found);
}

/* A server says "unknown alias" by 400 and "unknown model" by 404; older ones both by 400. */
static void refuse_alias(struct registry_call *c, const struct mlflow_answer *a)
{
	const struct remote *m = remote_of(c);
	const char *host = mlflow_registry_host(m->mlflow);

	if (a->result != -ENOENT)
		remote_refuse(c, a, "could not look up alias \"%s\" of model \"%s\"", c->q.alias,
		              m->registry->name);
	else if (strcmp(a->code, "RESOURCE_DOES_NOT_EXIST") == 0)
		call_end(c, errbuf_set(&c->result.err, -ENOENT,
		                       "no model \"%s\" on %s: train a version or set "
		                       "models.name",
		                       m->registry->name, host));
	else
		call_end(c, errbuf_set(&c->result.err, -ENOENT,
		                       "no alias \"%s\" of model \"%s\" on %s: train a version or "
		                       "set the alias",
		                       c->q.alias, m->registry->name, host));
}

static void on_alias(void *self, struct mlflow_answer *a)
{
	struct registry_call *c = self;

	if (a->result < 0)
		refuse_alias(c, a);
	else
		tell(c, json_member(a->json, "model_version"), on_found);
}

void remote_start_resolve(struct registry_call *c)
{
	const struct mlflow_parameter query[] = { { "name", c->registry->name },
		                                  { "alias", c->q.alias } };

	remote_ask(c,
	           &(struct mlflow_request){
	                   .endpoint = MLFLOW_ALIAS_GET, .query = query, .query_count = 2 },
	           on_alias, c);
}
