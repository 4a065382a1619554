/*
 * An MLflow server as a source: opened from the settings, asked by the verbs. Nothing is asked
 * here, so a server that is away is told by requests and the daemon starts all the same.
 *
 * Invariant: credentials of Azure are decided only when an address of Azure has come up, so a host
 * whose artifacts go through the server needs none.
 */
#include "registry/remote.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "azure/azure.h"
#include "base/cleanup.h"
#include "config/settings.h"
#include "config/table.h"
#include "daemon/loop.h"
#include "fetch/fetch.h"
#include "json/value.h"
#include "json/writer.h"

static remote_verb_fn *const verbs[REGISTRY_VERB_MAX] = {
	[REGISTRY_RESOLVE] = remote_start_resolve,     [REGISTRY_FIND] = remote_start_find,
	[REGISTRY_LIST] = remote_start_list,           [REGISTRY_FETCH] = remote_start_fetch,
	[REGISTRY_SET_ALIAS] = remote_start_set_alias, [REGISTRY_GET_TAG] = remote_start_get_tag,
	[REGISTRY_SET_TAG] = remote_start_set_tag,     [REGISTRY_PREPARE] = remote_start_prepare,
	[REGISTRY_PUBLISH] = remote_start_publish,
};

static void remote_start(struct registry_call *c)
{
	bool blocks = c->q.verb == REGISTRY_PREPARE || c->q.verb == REGISTRY_PUBLISH;

	if (blocks && c->timer)
		call_end(c, errbuf_set(&c->result.err, -ENOTSUP, "a training's request blocks"));
	else
		verbs[c->q.verb](c);
}

/* --- opening --- */

/* Rows azure.* and identity.* under the names that Azure's own clients read. */
static int copy_environment(struct remote *m, const struct settings *s)
{
	size_t count = 0;

	m->environment = arena_calloc(&m->arena, settings_table_count + 1, sizeof(char *));
	for (size_t i = 0; i < settings_table_count && m->environment; i++) {
		const struct setting_row *row = &settings_table[i];
		struct strbuf value = { 0 };
		char name[SETTING_ENVIRONMENT_SIZE];

		if (strncmp(row->key, "azure.", 6) != 0 && strncmp(row->key, "identity.", 9) != 0)
			continue;
		setting_environment(row, name);
		setting_print(row, s, &value);
		if (value.n)
			m->environment[count++] = arena_printf(&m->arena, "%s=%s", name, value.p);
		if (strbuf_error(&value))
			m->arena.failed = true;
		if (value.p)
			explicit_bzero(value.p, value.n);
		strbuf_done(&value);
	}
	return arena_failed(&m->arena) ? -ENOMEM : 0;
}

static int copy_settings(struct remote *m, const struct settings *s)
{
	m->cache_dir = *s->registry.cache_dir ? arena_strdup(&m->arena, s->registry.cache_dir)
	                                      : arena_printf(&m->arena, "%s/cache", s->state_dir);
	m->experiment = arena_strdup(&m->arena, s->mlflow.experiment_name);
	m->cache_bytes = s->registry.cache_bytes;
	m->file_bytes = s->models.max_bytes;
	m->timeout_seconds = s->registry.timeout_seconds;
	m->transfer_seconds = s->registry.transfer_seconds;
	m->managed_identity = s->azure.managed_identity;
	return copy_environment(m, s);
}

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

static int open_fetch(struct remote *m, const struct settings *s)
{
	struct fetch_options o = { .client_cert = text_or_null(s->mlflow.tracking_client_cert_path),
		                   .insecure = s->mlflow.tracking_insecure_tls };
	struct fetch_options azure = { 0 };
	int r = 0;

	fetch_options_environment(&azure);
	fetch_options_environment(&o);
	if (*s->mlflow.tracking_server_cert_path)
		o.ca_file = s->mlflow.tracking_server_cert_path;
	m->own_base = !m->base;
	if (m->own_base)
		r = loop_new(&m->base);
	if (r == 0)
		r = fetch_new(m->base, &o, &m->fetch);
	if (r == 0)
		r = fetch_new(m->base, &azure, &m->azure_fetch);
	return r;
}

static int open_clients(struct remote *m, const struct settings *s, struct errbuf *err)
{
	struct retry_policy questions = retry_default, transfers = retry_default;
	struct mlflow_options o = {
		.tracking_uri = s->mlflow.tracking_uri,
		.registry_uri = s->mlflow.registry_uri,
		.username = s->mlflow.tracking_username,
		.password = s->mlflow.tracking_password,
		.token = s->mlflow.tracking_token,
		.workspace = s->mlflow.workspace,
	};
	int r;

	questions.deadline_ms = m->timeout_seconds * UINT64_C(1000);
	transfers.deadline_ms = m->transfer_seconds * UINT64_C(1000);
	o.retry = &questions;
	r = mlflow_new(m->fetch, &o, &m->mlflow, err);
	o.retry = &transfers;
	return r < 0 ? r : mlflow_new(m->fetch, &o, &m->transfers, err);
}

static int remote_open(struct registry *r, const struct settings *s, struct errbuf *err)
{
	struct remote *m = calloc(1, sizeof(*m));
	int error;

	if (!m)
		return errbuf_set(err, -ENOMEM, "no memory for the registry");
	r->state = m;
	m->registry = r;
	m->base = r->base;
	m->cache =
	        (struct cache){ .root = -1, .blobs = -1, .versions = -1, .partial = -1, .tmp = -1 };
	json_setup();
	error = copy_settings(m, s);
	if (error == 0)
		error = open_fetch(m, s);
	if (error < 0)
		return errbuf_set(err, error, "no memory for the registry");
	r->base = m->base;
	return open_clients(m, s, err);
}

static void remote_close(struct registry *r)
{
	struct remote *m = r->state;

	if (!m)
		return;
	azure_free(m->azure);
	mlflow_free(m->transfers);
	mlflow_free(m->mlflow);
	fetch_free(m->azure_fetch);
	fetch_free(m->fetch);
	if (m->decided)
		credentials_done(&m->credentials);
	cache_close(&m->cache);
	for (char **e = m->environment; e && *e; e++)
		explicit_bzero(*e, strlen(*e));
	arena_done(&m->arena);
	if (m->own_base)
		loop_free(m->base);
	free(m);
}

static const char *remote_storage(const struct registry *r)
{
	const struct remote *m = r->state;

	return *m->storage ? m->storage : NULL;
}

const struct source source_remote = { .kind = "mlflow",
	                              .open = remote_open,
	                              .close = remote_close,
	                              .start = remote_start,
	                              .storage = remote_storage };

/* --- what is needed later --- */

int remote_azure(struct remote *m, struct azure **ret, struct errbuf *err)
{
	struct azure_options o = { 0 };
	struct retry_policy retry = retry_default;
	int r = 0;

	retry.deadline_ms = m->transfer_seconds * UINT64_C(1000);
	o.retry = &retry;
	if (!m->decided)
		r = credentials_decide(m->environment, m->managed_identity, &m->credentials, err);
	if (r < 0)
		return r;
	m->decided = true;
	if (!m->azure)
		r = azure_new(m->azure_fetch, &m->credentials, &o, &m->azure);
	if (r < 0)
		return errbuf_set(err, r, "no memory for Azure");
	snprintf(m->storage, sizeof(m->storage), "%s", m->credentials.source);
	*ret = m->azure;
	return 0;
}

int remote_cache(struct remote *m, struct errbuf *err)
{
	int r;

	if (m->cache.root >= 0)
		return 0;
	r = cache_open(&m->cache, m->cache_dir, m->cache_bytes, err);
	if (r == 0)
		cache_clear(&m->cache);
	return r;
}

/* --- questions --- */

void remote_ask(struct registry_call *c, const struct mlflow_request *q, mlflow_fn *on_answer,
                void *self)
{
	int r = arena_failed(&c->arena) ? -ENOMEM : 0;

	if (r == 0)
		r = mlflow_start(remote_of(c)->mlflow, q, on_answer, self);
	if (r < 0)
		call_end(c, errbuf_set(&c->result.err, r, "no memory to ask the registry"));
}

struct waiting {
	struct event_base *base;
	struct mlflow_answer *ret;
	bool ended;
};

static void on_answer(void *self, struct mlflow_answer *a)
{
	struct waiting *w = self;

	*w->ret = *a;
	a->arena = (struct arena){ 0 };
	w->ended = true;
	loop_break(w->base);
}

int remote_call(struct remote *m, const struct mlflow_request *q, struct mlflow_answer *ret)
{
	struct waiting w = { .base = m->base, .ret = ret };
	int r;

	*ret = (struct mlflow_answer){ 0 };
	r = mlflow_start(m->mlflow, q, on_answer, &w);
	while (r == 0 && !w.ended)
		r = loop_run(m->base);
	if (r < 0)
		ret->result =
		        errbuf_set(&ret->err, r, "could not ask the registry: %s", strerror(-r));
	return ret->result;
}

void remote_on_artifacts(void *self, const struct artifacts_result *r)
{
	struct remote_waiting *w = self;

	w->ended = true;
	w->result = r->result;
	w->err = r->err;
	loop_break(w->base);
}

int remote_wait(struct remote_waiting *w)
{
	int r = 0;

	while (r == 0 && !w->ended)
		r = loop_run(w->base);
	return r < 0 ? errbuf_set(&w->err, r, "the event loop failed") : w->result;
}

void remote_refuse(struct registry_call *c, const struct mlflow_answer *a, const char *format, ...)
{
	char words[sizeof(c->result.err.text)];
	va_list ap;

	va_start(ap, format);
	vsnprintf(words, sizeof(words), format, ap);
	va_end(ap);
	c->result.err = a->err;
	errbuf_precede(&c->result.err, "%s", words);
	call_end(c, a->result);
}

void remote_object(struct strbuf *out, const struct mlflow_parameter *members, size_t count)
{
	struct json_writer w = { .out = out };

	json_begin_object(&w);
	for (size_t i = 0; i < count; i++) {
		json_write_name(&w, members[i].name);
		json_write_text(&w, str_of(members[i].value));
	}
	json_end_object(&w);
}
