/*
 * Addresses of artifacts as runs, logged models and versions have them. A proxied one leads to an
 * MLflow server, usually ours; one of Azure to its storage; all others mean something to the server
 * only. Blanks stand raw in them; the proxy decodes until nothing changes, so what comes encoded is
 * encoded once more without harm. Called by verbs.c.
 */
#include "mlflow/place.h"

#include <errno.h>
#include <strings.h>

#define URI_BYTES 2048
#define PROXY "/api/2.0/mlflow-artifacts/artifacts"
#define SCHEME "mlflow-artifacts:"

static bool starts(const char *text, const char *with)
{
	return strncasecmp(text, with, strlen(with)) == 0;
}

static bool is_http(const char *uri)
{
	return starts(uri, "http://") || starts(uri, "https://");
}

enum artifacts_kind artifacts_kind(const char *uri)
{
	if (starts(uri, SCHEME) || (is_http(uri) && strstr(uri, PROXY)))
		return ARTIFACTS_PROXIED;
	if (starts(uri, "wasbs://") || starts(uri, "abfss://"))
		return ARTIFACTS_AZURE;
	return ARTIFACTS_BY_SERVER;
}

struct str place_below(struct str path, struct str folder)
{
	struct str nothing = { NULL, 0 };

	if (folder.n == 0)
		return path;
	if (path.n < folder.n || !str_equal((struct str){ path.p, folder.n }, folder))
		return nothing;
	path.p += folder.n;
	path.n -= folder.n;
	if (path.n == 0)
		return path;
	if (*path.p != '/')
		return nothing;
	path.p++;
	path.n--;
	return path;
}

static struct str trim_slashes(struct str s)
{
	while (s.n > 0 && *s.p == '/') {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

/* Where the proxy stands and the path below it. */
static int find_proxy(const struct server_address *server, struct arena *a, struct place *p,
                      struct str *ret_path, struct errbuf *err)
{
	const char *scheme = strncmp(server->origin, "https", 5) == 0 ? "https" : "http";
	const char *rest = p->uri + strlen(SCHEME);
	const char *route = strstr(p->uri, PROXY);
	const char *text = server->base;
	struct server_address proxy;
	int r;

	if (is_http(p->uri)) {
		text = arena_strndup(a, (struct str){ p->uri, (size_t)(route - p->uri) });
		rest = route + strlen(PROXY);
	} else if (strncmp(rest, "//", 2) == 0) {
		struct str host = { rest + 2, strcspn(rest + 2, "/") };

		/* The path that our server stands below is that of the other one, too. */
		if (host.n > 0)
			text = arena_printf(a, "%s://%.*s%s", scheme, STR_ARGS(host),
			                    server->base + strlen(server->origin));
		rest = host.p + host.n;
	}
	if (!text)
		return errbuf_set(err, -ENOMEM, "out of memory");
	r = server_address_parse(text, a, &proxy, err);
	if (r < 0)
		return r;
	p->base = arena_printf(a, "%s" PROXY, proxy.base);
	p->host = proxy.host;
	p->foreign = strcasecmp(proxy.origin, server->origin) != 0;
	*ret_path = trim_slashes(str_of(rest));
	return 0;
}

static int parse_proxied(const struct server_address *server, struct arena *a, struct place *p,
                         struct errbuf *err)
{
	struct str path;
	int r = find_proxy(server, a, p, &path, err);

	if (r < 0)
		return r;
	if (path.n > 0 && (!url_is_file_path(path) || memchr(path.p, '#', path.n)))
		return errbuf_set(err, -EINVAL, "path cannot be \"%.*s\"", STR_ARGS(path));
	p->root = arena_strndup(a, path);
	return 0;
}

/* The segment behind "/models/" that is the id of a logged model. */
static struct str find_logged_model(const char *uri)
{
	for (const char *at = uri; (at = strstr(at, "/models/m-")); at += 8) {
		struct str id = { at + 8, strspn(at + 10, "0123456789abcdef") + 2 };

		if (id.n > 2 && (id.p[id.n] == '/' || id.p[id.n] == '\0'))
			return id;
	}
	return (struct str){ NULL, 0 };
}

static int parse_by_server(struct arena *a, struct place *p, struct errbuf *err)
{
	struct str id = find_logged_model(p->uri);

	if (starts(p->uri, "runs:") || starts(p->uri, "models:"))
		return errbuf_set(err, -EINVAL,
		                  "it names a run or a model and not the place of its files");
	if (id.p)
		p->logged_model = arena_strndup(a, id);
	return 0;
}

static int parse_kind(const struct server_address *server, struct arena *a, struct place *p,
                      struct errbuf *err)
{
	switch (p->kind) {
	case ARTIFACTS_PROXIED:
		return parse_proxied(server, a, p, err);
	case ARTIFACTS_AZURE:
		return blob_address_parse(p->uri, a, &p->blob, err);
	default:
		return parse_by_server(a, p, err);
	}
}

int place_parse(const char *uri, const struct server_address *server, struct arena *a,
                struct place *ret, struct errbuf *err)
{
	struct place p = { .kind = artifacts_kind(uri) };
	struct str text = str_of(uri);
	int r;

	while (text.n > 1 && text.p[text.n - 1] == '/')
		text.n--;
	if (text.n == 0 || text.n >= URI_BYTES || !str_is_utf8(text))
		return errbuf_set(err, -EINVAL, "address of files is empty, too long or no text");
	p.uri = arena_strndup(a, text);
	if (!p.uri)
		return errbuf_set(err, -ENOMEM, "out of memory");
	r = parse_kind(server, a, &p, err);
	if (r < 0)
		return errbuf_prefix(err, r, "address of files \"%.100s\"", uri);
	if (arena_failed(a))
		return errbuf_set(err, -ENOMEM, "out of memory");
	*ret = p;
	return 0;
}
