/*
 * Addresses of artifacts, taken apart strictly: what is wrong is told before anything is sent.
 * Paths are kept decoded and encoded once on the wire (azure/exchange.c). Called by mlflow and by
 * tools.
 */
#include "azure/blob_address.h"

#include <errno.h>

#include "base/encode.h"
#include "base/str.h"

#define ADDRESS_BYTES 2048
#define ACCOUNT "abcdefghijklmnopqrstuvwxyz0123456789"
#define CONTAINER ACCOUNT "-"

static const struct scheme {
	const char *prefix;
	const char *service; /* second label of the host */
	bool encoded;
	bool container_first; /* before the host, with '@' */
} schemes[] = {
	{ "wasbs://", "blob", false, true },
	{ "abfss://", "dfs", true, true },
	{ "https://", "blob", true, false },
};

/* Of Azure's clouds. Addresses come from a server, and the credentials go to where they lead. */
static const char *const suffixes[] = {
	"core.windows.net",
	"core.chinacloudapi.cn",
	"core.usgovcloudapi.net",
	"core.cloudapi.de",
};

static bool consists_of(struct str s, const char *allowed)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!s.p[i] || !strchr(allowed, s.p[i]))
			return false;
	}
	return true;
}

/* Up to the byte, which is skipped; *rest is what follows. */
static struct str cut(struct str *rest, char at)
{
	const char *end = rest->n ? memchr(rest->p, at, rest->n) : NULL;
	size_t n = end ? (size_t)(end - rest->p) : rest->n;
	struct str s = { rest->p, n };

	n += end != NULL;
	rest->p += n;
	rest->n -= n;
	return s;
}

static bool is_container(struct str s)
{
	return (s.n >= 3 && s.n <= 63 && consists_of(s, CONTAINER) && s.p[0] != '-' &&
	        s.p[s.n - 1] != '-') ||
	       str_is(s, "$root") || str_is(s, "$web");
}

static bool is_suffix(struct str s)
{
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (str_is(s, suffixes[i]))
			return true;
	}
	return false;
}

/* "<account>.<service>.<suffix>" becomes the endpoint of the blob service. */
static bool parse_host(struct str host, const struct scheme *scheme, struct arena *a,
                       struct blob_address *ret)
{
	struct str account = cut(&host, '.');
	struct str service = cut(&host, '.');

	if (account.n < 3 || account.n > 24 || !consists_of(account, ACCOUNT) ||
	    !str_is(service, scheme->service) || !is_suffix(host))
		return false;
	ret->account = arena_strndup(a, account);
	ret->endpoint =
	        arena_printf(a, "https://%.*s.blob.%.*s", STR_ARGS(account), STR_ARGS(host));
	return true;
}

static bool decode(struct str s, char *ret, size_t *ret_size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		ret[n] = s.p[i];
		if (s.p[i] == '%') {
			if (i + 2 >= s.n ||
			    hex_decode((struct str){ s.p + i + 1, 2 }, ret + n, 1) < 0)
				return false;
			i += 2;
		}
		n++;
	}
	*ret_size = n;
	return true;
}

static bool has_odd_segment(struct str path)
{
	while (path.n > 0) {
		struct str segment = cut(&path, '/');

		if (segment.n == 0 || str_is(segment, ".") || str_is(segment, ".."))
			return true;
	}
	return false;
}

static int parse_path(struct str raw, bool encoded, struct arena *a, struct blob_address *ret,
                      struct errbuf *err)
{
	char text[ADDRESS_BYTES];
	struct str path = raw;

	if (encoded) {
		if (memchr(raw.p, '?', raw.n) || memchr(raw.p, '#', raw.n))
			return errbuf_set(err, -EINVAL,
			                  "address of a blob has no query: give a "
			                  "signature by AZURE_STORAGE_SAS_TOKEN");
		if (!decode(raw, text, &path.n))
			return errbuf_set(err, -EINVAL, "path of a blob is wrongly encoded");
		path.p = text;
	}
	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n > BLOB_PATH_BYTES || has_odd_segment(path) || !str_is_utf8(path) ||
	    (path.n && memchr(path.p, '\0', path.n)))
		return errbuf_set(err, -EINVAL, "path of a blob cannot be \"%.*s\"",
		                  STR_ARGS(path));
	ret->path = arena_strndup(a, path);
	return 0;
}

static const struct scheme *scheme_of(const char *text)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strncmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
			return &schemes[i];
	}
	return NULL;
}

int blob_address_parse(const char *text, struct arena *a, struct blob_address *ret,
                       struct errbuf *err)
{
	const struct scheme *scheme = scheme_of(text);
	struct blob_address address;
	struct str rest, host, container;
	int r;

	if (strlen(text) >= ADDRESS_BYTES)
		return errbuf_set(err, -EINVAL, "address of a blob is longer than %d bytes",
		                  ADDRESS_BYTES - 1);
	if (!scheme)
		return errbuf_set(
		        err, -EINVAL,
		        "\"%.60s\" is no address of blobs: wasbs://, abfss:// or https://", text);
	rest = str_of(text + strlen(scheme->prefix));
	host = cut(&rest, '/');
	container = scheme->container_first ? cut(&host, '@') : cut(&rest, '/');
	if (!is_container(container))
		return errbuf_set(err, -EINVAL, "\"%.100s\": no such container name", text);
	if (!parse_host(host, scheme, a, &address))
		return errbuf_set(err, -EINVAL,
		                  "\"%.100s\": host must be <account>.%s.core.windows.net or of "
		                  "another cloud of Azure's",
		                  text, scheme->service);
	address.container = arena_strndup(a, container);
	r = parse_path(rest, scheme->encoded, a, &address, err);
	if (r < 0)
		return r;
	if (arena_failed(a))
		return errbuf_set(err, -ENOMEM, "out of memory");
	*ret = address;
	return 0;
}
