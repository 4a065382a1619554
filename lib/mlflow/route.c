/*
 * URLs of lists and files. The proxy takes paths below its own root; what only the server can read
 * it gives out by the version, the logged model or the run that the files belong to.
 * Called by walk.c, file_get.c and file_put.c.
 */
#include "mlflow/route.h"

#include "mlflow/url.h"

enum route route_of_list(const struct artifacts *a)
{
	if (a->place.kind == ARTIFACTS_PROXIED)
		return ROUTE_PROXY;
	if (a->place.logged_model)
		return ROUTE_LOGGED_MODEL;
	return *a->run_id ? ROUTE_RUN : ROUTE_NONE;
}

enum route route_of_file(const struct artifacts *a)
{
	if (a->place.kind != ARTIFACTS_PROXIED && *a->name && *a->version)
		return ROUTE_VERSION;
	return route_of_list(a);
}

static void add(struct strbuf *url, const char *name, const char *value)
{
	strbuf_addf(url, "%s=", name);
	url_add(url, str_of(value), false);
}

/* Two paths as one, either may be empty. */
static void add_joined(struct strbuf *url, const char *first, const char *second, bool in_path)
{
	url_add(url, str_of(first), in_path);
	if (*first && *second)
		url_add(url, STR("/"), in_path);
	url_add(url, str_of(second), in_path);
}

int route_list_url(const struct artifacts *a, const char *folder, struct strbuf *ret)
{
	const char *base = a->mlflow->tracking.base;

	switch (route_of_list(a)) {
	case ROUTE_PROXY:
		strbuf_addf(ret, "%s?path=", a->place.base);
		add_joined(ret, a->place.root, folder, false);
		break;
	case ROUTE_LOGGED_MODEL:
		strbuf_addf(ret, "%s/api/2.0/mlflow/logged-models/%s/artifacts/directories?", base,
		            a->place.logged_model);
		add(ret, "artifact_directory_path", folder);
		break;
	default:
		strbuf_addf(ret, "%s/api/2.0/mlflow/artifacts/list?", base);
		add(ret, "run_id", a->run_id);
		strbuf_adds(ret, "&path=");
		add_joined(ret, a->run_prefix ? a->run_prefix : "", folder, false);
	}
	return strbuf_error(ret);
}

static void add_version(const struct artifacts *a, const char *path, struct strbuf *ret)
{
	strbuf_addf(ret, "%s/model-versions/get-artifact?", a->mlflow->registry.base);
	add(ret, "name", a->name);
	add(ret, "&version", a->version);
	add(ret, "&path", path);
}

int route_file_url(const struct artifacts *a, const char *path, struct strbuf *ret)
{
	const char *base = a->mlflow->tracking.base;

	switch (route_of_file(a)) {
	case ROUTE_PROXY:
		strbuf_addf(ret, "%s/", a->place.base);
		add_joined(ret, a->place.root, path, true);
		break;
	case ROUTE_VERSION:
		add_version(a, path, ret);
		break;
	case ROUTE_LOGGED_MODEL:
		strbuf_addf(ret, "%s/ajax-api/2.0/mlflow/logged-models/%s/artifacts/files?", base,
		            a->place.logged_model);
		add(ret, "artifact_file_path", path);
		break;
	default:
		strbuf_addf(ret, "%s/get-artifact?", base);
		add(ret, "run_id", a->run_id);
		strbuf_adds(ret, "&path=");
		add_joined(ret, a->run_prefix ? a->run_prefix : "", path, false);
	}
	return strbuf_error(ret);
}

const char *route_told(const struct artifacts *a, const char *folder, struct arena *arena)
{
	const char *prefix = a->run_prefix ? a->run_prefix : "";

	switch (route_of_list(a)) {
	case ROUTE_PROXY:
		return "";
	case ROUTE_LOGGED_MODEL:
		return folder;
	default:
		return arena_printf(arena, "%s%s%s", prefix, *prefix && *folder ? "/" : "", folder);
	}
}
