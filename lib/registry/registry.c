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

struct registry_call {
	struct registry_call *next, **link;
	struct loop_timer *timer;
	registry_fn *on_result;
	void *self;
	struct registry_result result;
};

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

int registry_new(struct event_base *base, const struct settings *s, struct registry **ret,
                 struct errbuf *err)
{
	struct registry *r;

	if (!registry_name_is_valid(s->models.name))
		return errbuf_set(err, -EINVAL,
		                  "models.name \"%s\" must be 1 to 63 of letters, digits, \"._-\" "
		                  "and not begin with a dot",
		                  s->models.name);
	if (!*s->models.dir)
		return errbuf_set(err, -EINVAL, "models.dir is empty");
	r = calloc(1, sizeof(*r));
	if (!r)
		return errbuf_set(err, -ENOMEM, "no memory for the registry");
	r->base = base;
	r->source = &source_local;
	r->dir = strdup(s->models.dir);
	r->name = strdup(s->models.name);
	if (!r->dir || !r->name) {
		registry_free(r);
		return errbuf_set(err, -ENOMEM, "no memory for the registry");
	}
	*ret = r;
	return 0;
}

static void call_free(struct registry_call *c)
{
	if (c->link) {
		*c->link = c->next;
		if (c->next)
			c->next->link = c->link;
	}
	loop_timer_free(c->timer);
	registry_result_done(&c->result);
	free(c);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	while (r->calls)
		call_free(r->calls);
	free(r->dir);
	free(r->name);
	free(r);
}

const char *registry_kind(const struct registry *r)
{
	return r->source->kind;
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

int registry_call(struct registry *r, const struct registry_request *q, struct registry_result *ret)
{
	struct registry_request asked = *q;

	*ret = (struct registry_result){ .folder = { .fd = -1 } };
	if (asked.limit == 0)
		asked.limit = DEFAULT_LIMIT;
	ret->result = check(&asked, &ret->err);
	if (ret->result == 0)
		ret->result = r->source->run[asked.verb](r, &asked, ret);
	return ret->result;
}

static void tell(void *self)
{
	struct registry_call *c = self;

	/* Unlinked first: on_result may free the registry. */
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->link = NULL;
	c->on_result(c->self, &c->result);
	call_free(c);
}

int registry_start(struct registry *r, const struct registry_request *q, registry_fn *on_result,
                   void *self)
{
	struct registry_call *c = calloc(1, sizeof(*c));
	int error;

	if (!c)
		return -ENOMEM;
	*c = (struct registry_call){ .on_result = on_result, .self = self };
	error = loop_timer_new(r->base, tell, c, &c->timer);
	if (error < 0) {
		free(c);
		return error;
	}
	registry_call(r, q, &c->result);
	c->next = r->calls;
	c->link = &r->calls;
	if (c->next)
		c->next->link = &c->next;
	r->calls = c;
	loop_timer_arm(c->timer, 0);
	return 0;
}
