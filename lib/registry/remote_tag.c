/* Tags of a version: read with the version itself, written one by one. */
#include <errno.h>
#include <string.h>

#include "registry/remote.h"

static void on_read(struct registry_call *c, const struct remote_version *v)
{
	struct str value = remote_version_tag(v, c->q.key);
	char *text;

	if (!value.p) {
		call_end(c, errbuf_set(&c->result.err, -ENOENT, "version \"%s\" has no tag \"%s\"",
		                       c->q.version, c->q.key));
		return;
	}
	text = strndup(value.p, value.n);
	c->result.text = text;
	call_end(c, text ? 0 : errbuf_set(&c->result.err, -ENOMEM, "out of memory"));
}

void remote_start_get_tag(struct registry_call *c)
{
	remote_find(c, c->q.version, on_read);
}

static void on_written(void *self, struct mlflow_answer *a)
{
	struct registry_call *c = self;

	if (a->result < 0)
		remote_refuse(c, a, "could not set tag \"%s\" of version \"%s\"", c->q.key,
		              c->q.version);
	else
		call_end(c, 0);
}

static void on_found(struct registry_call *c, const struct remote_version *v)
{
	const struct mlflow_parameter members[] = {
		{ "name", c->registry->name },
		{ "version", v->v.registry_version },
		{ "key", c->q.key },
		{ "value", arena_strndup(&c->arena, c->q.text) },
	};
	struct strbuf body = { 0 };

	c->result.version = v->v;
	if (members[3].value)
		remote_object(&body, members, 4);
	remote_ask(c,
	           &(struct mlflow_request){ .endpoint = MLFLOW_VERSION_SET_TAG,
	                                     .body = strbuf_str(&body) },
	           on_written, c);
	strbuf_done(&body);
}

void remote_start_set_tag(struct registry_call *c)
{
	struct str text = c->q.text;

	if (!str_is_utf8(text) || (text.n && memchr(text.p, '\0', text.n)))
		call_end(c,
		         errbuf_set(&c->result.err, -EINVAL, "tag \"%s\" must be text", c->q.key));
	else
		remote_find(c, c->q.version, on_found);
}
