/*
 * The front of all model sources: looks at a request, hands it to the back end, and tells the
 * result from the loop, so that an asker's code runs in the same order whether the answer was at
 * hand or comes over a network. Used by the loader (asynchronous), fraudctl and fraud-train
 * (blocking).
 *
 * Invariant: names that reach a back end are valid, so none can leave the source's folder.
 */
#include "registry/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/settings.h"
#include "daemon/loop.h"
#include "registry/source.h"

#define DEFAULT_LIMIT 1000
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

bool registry_name_is_valid(const char *text)
{
	size_t n = strnlen(text, REGISTRY_TEXT);

	return n > 0 && n < REGISTRY_TEXT && text[0] != '.' && strspn(text, NAME_CHARACTERS) == n;
}

void registry_folder_done(struct registry_folder *f)
{
	close_p(&f->fd);
	f->fd = -1;
	if (f->temporary)
		file_remove_tree(f->temporary);
	free(f->temporary);
	f->temporary = NULL;
}

void registry_result_done(struct registry_result *r)
{
	registry_folder_done(&r->folder);
	free(r->entries);
	free(r->text);
	r->entries = NULL;
	r->text = NULL;
	r->count = 0;
}

static const struct source *choose(const struct settings *s)
{
	return *s->mlflow.tracking_uri ? &source_remote : &source_local;
}

static int check_settings(const struct settings *s, struct errbuf *err)
{
	if (!registry_name_is_valid(s->models.name))
		return errbuf_set(err, -EINVAL,
		                  "models.name \"%s\" must be 1 to 63 of letters, digits, \"._-\" "
		                  "and not begin with a dot",
		                  s->models.name);
	if (!*s->models.dir)
		return errbuf_set(err, -EINVAL, "models.dir is empty");
	return 0;
}

int registry_new(struct event_base *base, const struct settings *s, struct registry **ret,
                 struct errbuf *err)
{
	struct registry *r;
	int error = check_settings(s, err);

	if (error < 0)
		return error;
	r = calloc(1, sizeof(*r));
	if (!r)
		return errbuf_set(err, -ENOMEM, "no memory for the registry");
	r->base = base;
	r->source = choose(s);
	r->dir = strdup(s->models.dir);
	r->name = strdup(s->models.name);
	if (!r->dir || !r->name)
		error = errbuf_set(err, -ENOMEM, "no memory for the registry");
	else if (r->source->open)
		error = r->source->open(r, s, err);
	if (error < 0) {
		registry_free(r);
		return error;
	}
	*ret = r;
	return 0;
}

static void call_unlink(struct registry_call *c)
{
	if (!c->link)
		return;
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->link = NULL;
}

static void call_free(struct registry_call *c)
{
	call_unlink(c);
	loop_timer_free(c->timer);
	if (c->state)
		c->state_free(c->state);
	registry_result_done(&c->result);
	arena_done(&c->arena);
	free(c);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	while (r->calls) {
		struct registry_call *c = r->calls;

		r->calls = c->next;
		c->link = NULL;
		call_free(c);
	}
	if (r->source->close)
		r->source->close(r);
	free(r->dir);
	free(r->name);
	free(r);
}

const char *registry_kind(const struct registry *r)
{
	return r->source->kind;
}

const char *registry_storage(const struct registry *r)
{
	return r->source->storage ? r->source->storage(r) : NULL;
}

static int check_name(const char *what, const char *text, struct errbuf *err)
{
	if (text && registry_name_is_valid(text))
		return 0;
	return errbuf_set(err, -EINVAL,
	                  "%s \"%s\" must be 1 to 63 of letters, digits, \"._-\" and not begin "
	                  "with a dot",
	                  what, text ? text : "");
}

static const struct {
	bool alias, version, found, key, text;
} needs[REGISTRY_VERB_MAX] = {
	[REGISTRY_RESOLVE] = { .alias = true },
	[REGISTRY_FIND] = { .version = true },
	[REGISTRY_FETCH] = { .found = true },
	[REGISTRY_SET_ALIAS] = { .alias = true, .version = true },
	[REGISTRY_GET_TAG] = { .version = true, .key = true },
	[REGISTRY_SET_TAG] = { .version = true, .key = true, .text = true },
	[REGISTRY_PUBLISH] = { .version = true },
};

static int check(const struct registry_request *q, struct errbuf *err)
{
	int r = 0;

	if ((unsigned)q->verb >= REGISTRY_VERB_MAX)
		return errbuf_set(err, -EINVAL, "no such request");
	if (needs[q->verb].alias)
		r = check_name("alias", q->alias, err);
	if (r == 0 && needs[q->verb].version)
		r = check_name("version", q->version, err);
	if (r == 0 && needs[q->verb].found)
		r = check_name("version", q->found ? q->found->version : NULL, err);
	if (r == 0 && needs[q->verb].key)
		r = check_name("tag", q->key, err);
	if (r == 0 && needs[q->verb].text && q->text.n > REGISTRY_TAG_BYTES)
		r = errbuf_set(err, -E2BIG, "tag \"%s\" has %zu bytes, more than %d", q->key,
		               q->text.n, REGISTRY_TAG_BYTES);
	return r;
}

static void copy_text(struct arena *a, const char **text)
{
	if (*text)
		*text = arena_strdup(a, *text);
}

/* Everything that may go before the end; run and folder of a publish may not. */
static int copy_request(struct registry_call *c)
{
	struct registry_request *q = &c->q;

	copy_text(&c->arena, &q->alias);
	copy_text(&c->arena, &q->version);
	copy_text(&c->arena, &q->key);
	if (q->text.n)
		q->text.p = arena_memdup(&c->arena, q->text.p, q->text.n);
	if (needs[q->verb].found) {
		c->found = *q->found;
		q->found = &c->found;
	}
	if (q->limit == 0)
		q->limit = DEFAULT_LIMIT;
	return arena_failed(&c->arena) ? errbuf_set(&c->result.err, -ENOMEM, "out of memory") : 0;
}

static struct registry_call *call_new(struct registry *r, const struct registry_request *q)
{
	struct registry_call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->registry = r;
	c->q = *q;
	c->result.folder.fd = -1;
	c->next = r->calls;
	c->link = &r->calls;
	if (c->next)
		c->next->link = &c->next;
	r->calls = c;
	return c;
}

static void call_begin(struct registry_call *c)
{
	int error = check(&c->q, &c->result.err);

	if (error == 0)
		error = copy_request(c);
	if (error == 0)
		c->registry->source->start(c);
	else
		call_end(c, error);
}

void call_end(struct registry_call *c, int result)
{
	c->result.result = result;
	if (result == 0)
		c->result.err.text[0] = '\0'; /* of a question on the way that may fail */
	c->ended = true;
	if (c->timer)
		loop_timer_arm(c->timer, 0);
	else if (c->registry->waiting)
		loop_break(c->registry->base);
}

static int wait_for(struct registry_call *c)
{
	struct registry *r = c->registry;
	int error = 0;

	r->waiting = true;
	while (error == 0 && !c->ended)
		error = loop_run(r->base);
	r->waiting = false;
	return error;
}

int registry_call(struct registry *r, const struct registry_request *q, struct registry_result *ret)
{
	struct registry_call *c = call_new(r, q);
	int error;

	*ret = (struct registry_result){ .folder = { .fd = -1 } };
	if (!c)
		return ret->result = errbuf_set(&ret->err, -ENOMEM, "out of memory");
	call_begin(c);
	error = wait_for(c);
	if (error < 0)
		c->result.result = errbuf_set(&c->result.err, error, "the event loop failed");
	*ret = c->result;
	c->result = (struct registry_result){ .folder = { .fd = -1 } };
	call_free(c);
	return ret->result;
}

static void tell(void *self)
{
	struct registry_call *c = self;

	/* Unlinked first: on_result may free the registry. What the back end keeps of the call may
	 * need it. */
	call_unlink(c);
	if (c->state)
		c->state_free(c->state);
	c->state = NULL;
	c->on_result(c->self, &c->result);
	call_free(c);
}

int registry_start(struct registry *r, const struct registry_request *q, registry_fn *on_result,
                   void *self)
{
	struct registry_call *c = call_new(r, q);
	int error;

	if (!c)
		return -ENOMEM;
	c->on_result = on_result;
	c->self = self;
	error = loop_timer_new(r->base, tell, c, &c->timer);
	if (error < 0) {
		call_free(c);
		return error;
	}
	call_begin(c);
	return 0;
}
