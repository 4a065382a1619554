/*
 * Addresses taken apart strictly, so that what is wrong with a setting is told before anything is
 * sent; and the one encoder: a path is kept as people read it and is encoded once, on its way out.
 * Called by client.c, endpoint.c and by the files of artifacts.
 */
#include "mlflow/url.h"

#include <errno.h>
#include <strings.h>

#define ADDRESS_BYTES 2048
#define PATH_BYTES 1024
#define HOST_BYTES 255
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define UNRESERVED ALNUM "-._~"
#define HOST UNRESERVED "[]:"

static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f)
			return false;
	}
	return true;
}

static bool is_port(struct str s)
{
	unsigned long long port;

	return s.n <= 5 && str_to_u64(s, &port) == 0 && port > 0 && port < 65536;
}

/* "host", "host:1", "[::1]:1" */
static bool is_host(struct str s)
{
	const char *bracket = s.n && *s.p == '[' ? memchr(s.p, ']', s.n) : NULL;
	const char *from = bracket ? bracket + 1 : s.p;
	const char *colon = memchr(from, ':', s.n - (size_t)(from - s.p));
	size_t name = colon ? (size_t)(colon - s.p) : s.n;

	if (name == 0 || name > HOST_BYTES || strspn(s.p, HOST) < s.n ||
	    (bracket && from != s.p + name))
		return false;
	return !colon || is_port((struct str){ colon + 1, s.n - name - 1 });
}

int server_address_parse(const char *text, struct arena *a, struct server_address *ret,
                         struct errbuf *err)
{
	const char *scheme = strncasecmp(text, "https://", 8) == 0 ? "https" : "http";
	struct server_address address;
	struct str host, path;

	if (strlen(text) >= ADDRESS_BYTES)
		return errbuf_set(err, -EINVAL, "address is longer than %d bytes",
		                  ADDRESS_BYTES - 1);
	if (strncasecmp(text, scheme, strlen(scheme)) != 0 ||
	    strncmp(text + strlen(scheme), "://", 3) != 0)
		return errbuf_set(err, -EINVAL, "\"%.100s\" must begin with http:// or https://",
		                  text);
	host.p = text + strlen(scheme) + 3;
	host.n = strcspn(host.p, "/?#");
	path = str_of(host.p + host.n);
	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	if (memchr(host.p, '@', host.n))
		return errbuf_set(err, -EINVAL,
		                  "address holds credentials: give them by "
		                  "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD");
	if (!is_host(host))
		return errbuf_set(err, -EINVAL, "\"%.100s\" has no proper host", text);
	if (strpbrk(path.p, "?#") || !is_visible(path))
		return errbuf_set(err, -EINVAL, "\"%.100s\": path cannot be part of an address",
		                  text);
	address.host = arena_strndup(a, host);
	address.origin = arena_printf(a, "%s://%.*s", scheme, STR_ARGS(host));
	address.base = arena_printf(a, "%s://%.*s%.*s", scheme, STR_ARGS(host), STR_ARGS(path));
	if (arena_failed(a))
		return errbuf_set(err, -ENOMEM, "out of memory");
	*ret = address;
	return 0;
}

void url_add(struct strbuf *url, struct str text, bool keep_slashes)
{
	const char *plain = keep_slashes ? UNRESERVED "/" : UNRESERVED;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] && strchr(plain, text.p[i]))
			strbuf_addc(url, text.p[i]);
		else
			strbuf_addf(url, "%%%02X", (unsigned char)text.p[i]);
	}
}

static bool is_segment(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	}
	return s.n > 0 && !str_is(s, ".") && !str_is(s, "..");
}

bool url_is_file_path(struct str path)
{
	if (path.n > PATH_BYTES || !str_is_utf8(path))
		return false;
	for (;;) {
		const char *end = path.n ? memchr(path.p, '/', path.n) : NULL;
		size_t n = end ? (size_t)(end - path.p) : path.n;

		if (!is_segment((struct str){ path.p, n }))
			return false;
		if (!end)
			return true;
		path.p += n + 1;
		path.n -= n + 1;
	}
}
