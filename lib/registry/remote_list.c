/*
 * All versions of the model, newest first, with their aliases: the model once (it holds the
 * aliases), then its versions by pages. Called by fraudctl versions and by retrains.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/remote.h"
#include "json/value.h"

#define PAGE "200"

struct alias {
	const char *name, *number;
};

struct listing {
	struct registry_call *call;
	struct alias *aliases;
	size_t alias_count;
	size_t room;
};

static void ask_page(struct listing *l, const char *token);

static void add_alias(struct registry_entry *e, const char *alias)
{
	size_t n = strlen(e->aliases);

	if (n + 2 + strlen(alias) < sizeof(e->aliases))
		snprintf(e->aliases + n, sizeof(e->aliases) - n, "%s%s", n ? ", " : "", alias);
}

static int add_entry(struct listing *l, const struct cJSON *object)
{
	struct registry_result *ret = &l->call->result;
	struct remote_version v;
	struct registry_entry *e;
	int r = remote_version_read(remote_of(l->call), object, &v, &ret->err);

	if (r < 0)
		return r;
	if (ret->count == l->room) {
		l->room = l->room ? l->room * 2 : 64;
		e = realloc(ret->entries, l->room * sizeof(*e));
		if (!e)
			return errbuf_set(&ret->err, -ENOMEM, "out of memory");
		ret->entries = e;
	}
	e = &ret->entries[ret->count++];
	*e = (struct registry_entry){ .version = v.v, .created_at_us = v.created_ms * 1000 };
	for (size_t i = 0; i < l->alias_count; i++)
		if (strcmp(l->aliases[i].number, v.v.registry_version) == 0)
			add_alias(e, l->aliases[i].name);
	return 0;
}

static int add_page(struct listing *l, const struct cJSON *list)
{
	const struct registry_call *c = l->call;
	int r = 0;

	for (const struct cJSON *v = list ? json_first(list) : NULL; v && r == 0; v = json_next(v))
		if (c->result.count < c->q.limit)
			r = add_entry(l, v);
	return r;
}

static void on_page(void *self, struct mlflow_answer *a)
{
	struct listing *l = self;
	struct registry_call *c = l->call;
	size_t before = c->result.count;
	const struct cJSON *token;
	int r;

	if (a->result < 0) {
		remote_refuse(c, a, "could not list the versions of \"%s\"", c->registry->name);
		return;
	}
	r = add_page(l, json_member(a->json, "model_versions"));
	token = json_member(a->json, "next_page_token");
	/* A page that brings nothing is the last: nobody shall be asked for ever. */
	if (r == 0 && token && json_text(token).n && c->result.count > before &&
	    c->result.count < c->q.limit)
		ask_page(l, arena_strndup(&c->arena, json_text(token)));
	else
		call_end(c, r);
}

static void ask_page(struct listing *l, const char *token)
{
	struct registry_call *c = l->call;
	const char *filter = arena_printf(&c->arena, "name='%s'", c->registry->name);
	const struct mlflow_parameter query[] = { { "filter", filter },
		                                  { "max_results", PAGE },
		                                  { "order_by", "version_number DESC" },
		                                  { "page_token", token } };

	remote_ask(c,
	           &(struct mlflow_request){ .endpoint = MLFLOW_VERSION_SEARCH,
	                                     .query = query,
	                                     .query_count = token ? 4 : 3 },
	           on_page, l);
}

static const char *text_member(struct arena *a, const struct cJSON *object, const char *name)
{
	const struct cJSON *v = json_member(object, name);

	return arena_strndup(a, v ? json_text(v) : STR(""));
}

static void read_aliases(struct listing *l, const struct cJSON *list)
{
	struct arena *a = &l->call->arena;

	if (!list || json_type(list) != JSON_TYPE_ARRAY)
		return;
	l->aliases = arena_calloc(a, json_count(list) + 1, sizeof(*l->aliases));
	for (const struct cJSON *v = json_first(list); v && l->aliases; v = json_next(v)) {
		struct alias *alias = &l->aliases[l->alias_count];

		if (json_type(v) != JSON_TYPE_OBJECT)
			continue;
		alias->name = text_member(a, v, "alias");
		alias->number = text_member(a, v, "version");
		if (alias->name && alias->number)
			l->alias_count++;
	}
}

static void on_model(void *self, struct mlflow_answer *a)
{
	struct listing *l = self;
	struct registry_call *c = l->call;
	const struct cJSON *model =
	        a->result == 0 ? json_member(a->json, "registered_model") : NULL;

	if (a->result == -ENOENT) {
		call_end(c,
		         errbuf_set(&c->result.err, -ENOENT,
		                    "no model \"%s\" on %s: train a version or set "
		                    "models.name",
		                    c->registry->name, mlflow_registry_host(remote_of(c)->mlflow)));
	} else if (a->result < 0) {
		remote_refuse(c, a, "could not list the versions of \"%s\"", c->registry->name);
	} else {
		if (model)
			read_aliases(l, json_member(model, "aliases"));
		ask_page(l, NULL);
	}
}

void remote_start_list(struct registry_call *c)
{
	struct listing *l = arena_calloc(&c->arena, 1, sizeof(*l));
	const struct mlflow_parameter query[] = { { "name", c->registry->name } };

	if (!l) {
		call_end(c, errbuf_set(&c->result.err, -ENOMEM, "out of memory"));
		return;
	}
	l->call = c;
	remote_ask(c,
	           &(struct mlflow_request){
	                   .endpoint = MLFLOW_MODEL_GET, .query = query, .query_count = 1 },
	           on_model, l);
}
