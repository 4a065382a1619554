/*
 * A version as an MLflow server tells it. Ids and numbers come from outside, so they are taken only
 * in the form that they must have; names that cannot be ours count as not given. Called by every
 * verb that meets a version.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bundle/bundle.h"
#include "registry/remote.h"
#include "json/value.h"

#define DIGITS "0123456789"

struct str remote_version_tag(const struct remote_version *v, const char *key)
{
	for (const struct cJSON *t = v->tags ? json_first(v->tags) : NULL; t; t = json_next(t)) {
		const struct cJSON *name = json_member(t, "key"), *value = json_member(t, "value");

		if (name && value && str_is(json_text(name), key))
			return json_text(value);
	}
	return (struct str){ NULL, 0 };
}

static struct str text_of(const struct cJSON *object, const char *name)
{
	const struct cJSON *v = json_member(object, name);

	return v ? json_text(v) : (struct str){ "", 0 };
}

static bool copy_name(struct str text, char ret[REGISTRY_TEXT])
{
	char name[REGISTRY_TEXT] = "";

	if (text.n < sizeof(name) && text.n > 0)
		memcpy(name, text.p, text.n);
	if (!registry_name_is_valid(name))
		return false;
	memcpy(ret, name, sizeof(name));
	return true;
}

/* Equal for what cannot have changed: a version's number, its files' place and its birth. */
static int stamp_of(const struct remote *m, const struct remote_version *v, uint64_t *ret)
{
	uint8_t digest[BUNDLE_SHA256_SIZE];
	struct strbuf text = { 0 };
	int r;

	strbuf_addf(&text, "%s\n%s\n%s\n%" PRId64 "\n", mlflow_registry_host(m->mlflow),
	            m->registry->name, v->v.registry_version, v->created_ms);
	strbuf_add(&text, v->source.p, v->source.n);
	r = strbuf_error(&text);
	if (r == 0)
		r = bundle_sha256(strbuf_str(&text), digest);
	if (r == 0)
		memcpy(ret, digest, sizeof(*ret));
	strbuf_done(&text);
	return r;
}

int remote_version_read(const struct remote *m, const struct cJSON *object,
                        struct remote_version *ret, struct errbuf *err)
{
	struct remote_version v = { .created_ms = 0 };
	char *number = v.v.registry_version;
	const struct cJSON *created;
	int r;

	if (!object || json_type(object) != JSON_TYPE_OBJECT ||
	    !copy_name(text_of(object, "version"), number) || number[strspn(number, DIGITS)])
		return errbuf_set(err, -EBADMSG, "%s answered with a version without a number",
		                  mlflow_registry_host(m->mlflow));
	created = json_member(object, "creation_timestamp");
	v.tags = json_member(object, "tags");
	v.source = text_of(object, "source");
	v.run_id = text_of(object, "run_id");
	v.status = text_of(object, "status");
	v.status_message = text_of(object, "status_message");
	if (created)
		(void)json_integer(created, &v.created_ms);
	v.manifest = remote_version_tag(&v, REMOTE_TAG_MANIFEST);
	if (!copy_name(remote_version_tag(&v, REMOTE_TAG_VERSION), v.v.version))
		memcpy(v.v.version, number, sizeof(v.v.version));
	r = stamp_of(m, &v, &v.v.stamp);
	if (r < 0)
		return errbuf_set(err, r, "out of memory");
	*ret = v;
	return 0;
}

int remote_version_ready(const struct remote_version *v, struct errbuf *err)
{
	if (v->status.n == 0 || str_is(v->status, "READY"))
		return 0;
	if (str_is(v->status, "PENDING_REGISTRATION"))
		return errbuf_set(err, -EAGAIN,
		                  "it is still being registered there (PENDING_REGISTRATION)");
	return errbuf_set(err, -EBADMSG, "it is of no use: %.*s%s%.*s", STR_ARGS(v->status),
	                  v->status_message.n ? ": " : "", STR_ARGS(v->status_message));
}
