/*
 * The connection string as Azure's clients read it: parts split at ';', names and values at the
 * first
 * '=' (keys end in "=="), names in any case. Unknown names are let pass, as they are there (a
 * string may carry queues and tables); a name that comes twice is an error. Called by
 * credentials.c.
 */
#include "azure/connection_string.h"

#include <errno.h>

#include "base/encode.h"
#include "base/str.h"

#define STRING_BYTES 4096
#define KEY_TEXT_BYTES 172 /* base64 of CREDENTIALS_KEY_BYTES */
#define EMULATOR_ENDPOINT "http://127.0.0.1:10000/devstoreaccount1"
#define EMULATOR_ACCOUNT "devstoreaccount1"
/* Public: the same in every emulator. */
#define EMULATOR_KEY                                                                               \
	"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

enum part {
	PART_ACCOUNT,
	PART_KEY,
	PART_SAS,
	PART_ENDPOINT,
	PART_PROTOCOL,
	PART_SUFFIX,
	PART_DEVELOPMENT,
	PART_MAX
};

static const char *const part_names[PART_MAX] = {
	[PART_ACCOUNT] = "AccountName",
	[PART_KEY] = "AccountKey",
	[PART_SAS] = "SharedAccessSignature",
	[PART_ENDPOINT] = "BlobEndpoint",
	[PART_PROTOCOL] = "DefaultEndpointsProtocol",
	[PART_SUFFIX] = "EndpointSuffix",
	[PART_DEVELOPMENT] = "UseDevelopmentStorage",
};

static int part_of(struct str name)
{
	for (int i = 0; i < PART_MAX; i++) {
		if (str_equal_nocase(name, str_of(part_names[i])))
			return i;
	}
	return -1;
}

static int split(struct str rest, struct str values[PART_MAX], struct errbuf *err)
{
	for (unsigned number = 1; rest.n > 0; number++) {
		const char *end = memchr(rest.p, ';', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;
		struct str one = str_trim((struct str){ rest.p, n });
		const char *equals = one.n ? memchr(one.p, '=', one.n) : NULL;
		int part;

		n += end != NULL;
		rest.p += n;
		rest.n -= n;
		if (one.n == 0)
			continue;
		if (!equals)
			return errbuf_set(err, -EINVAL, "part %u has no \"=\"", number);
		part = part_of((struct str){ one.p, (size_t)(equals - one.p) });
		if (part < 0)
			continue;
		if (values[part].p)
			return errbuf_set(err, -EINVAL, "%s comes twice", part_names[part]);
		values[part] = (struct str){ equals + 1, (size_t)(one.p + one.n - equals - 1) };
	}
	return 0;
}

int connection_string_key(const char *text, struct credentials *ret)
{
	unsigned char key[CREDENTIALS_KEY_BYTES + 8];
	struct str s = str_trim(str_of(text));
	long n;

	if (s.n == 0 || s.n > KEY_TEXT_BYTES)
		return -EINVAL;
	n = base64_decode(s, 0, key);
	if (n <= 0 || n > CREDENTIALS_KEY_BYTES)
		return -EINVAL;
	memcpy(ret->key, key, (size_t)n);
	ret->key_size = (size_t)n;
	return 0;
}

bool credentials_url_is_safe(const char *url)
{
	static const char *const local[] = { "http://127.0.0.1", "http://localhost",
		                             "http://[::1]" };

	if (strncmp(url, "https://", 8) == 0)
		return url[8] != '\0';
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
		size_t n = strlen(local[i]);

		if (strncmp(url, local[i], n) == 0 && (!url[n] || strchr(":/", url[n])))
			return true;
	}
	return false;
}

static int set_endpoint(const struct str v[PART_MAX], struct credentials *ret, struct errbuf *err)
{
	struct str endpoint = v[PART_ENDPOINT];
	struct str protocol = v[PART_PROTOCOL].n ? v[PART_PROTOCOL] : STR("https");
	struct str suffix = v[PART_SUFFIX].n ? v[PART_SUFFIX] : STR("core.windows.net");

	while (endpoint.n > 0 && endpoint.p[endpoint.n - 1] == '/')
		endpoint.n--;
	if (endpoint.n > 0) {
		ret->endpoint = arena_strndup(&ret->arena, endpoint);
	} else if (v[PART_ACCOUNT].n == 0) {
		return errbuf_set(err, -EINVAL, "neither AccountName nor BlobEndpoint is there");
	} else {
		/* Azure's own clients go to https when the suffix is missing. */
		if (v[PART_SUFFIX].n == 0)
			protocol = STR("https");
		ret->endpoint =
		        arena_printf(&ret->arena, "%.*s://%.*s.blob.%.*s", STR_ARGS(protocol),
		                     STR_ARGS(v[PART_ACCOUNT]), STR_ARGS(suffix));
	}
	if (!ret->endpoint)
		return errbuf_set(err, -ENOMEM, "out of memory");
	if (!credentials_url_is_safe(ret->endpoint) || ret->endpoint[strcspn(ret->endpoint, "?# ")])
		return errbuf_set(err, -EINVAL,
		                  "BlobEndpoint must be https (http for this host only)");
	return 0;
}

static int set_key(struct str account, struct str key, struct credentials *ret, struct errbuf *err)
{
	const char *text = arena_strndup(&ret->arena, key);

	ret->account = arena_strndup(&ret->arena, account);
	if (!text || !ret->account)
		return errbuf_set(err, -ENOMEM, "out of memory");
	ret->kind = CREDENTIALS_KEY;
	if (connection_string_key(text, ret) < 0)
		return errbuf_set(err, -EINVAL, "AccountKey is no base64");
	return 0;
}

static int set_sas(struct str sas, struct credentials *ret, struct errbuf *err)
{
	if (*sas.p == '?') {
		sas.p++;
		sas.n--;
	}
	ret->kind = CREDENTIALS_SAS;
	ret->sas = arena_strndup(&ret->arena, sas);
	return ret->sas ? 0 : errbuf_set(err, -ENOMEM, "out of memory");
}

int connection_string_parse(const char *text, struct credentials *ret, struct errbuf *err)
{
	struct str v[PART_MAX] = { { 0 } };
	int r;

	if (strlen(text) > STRING_BYTES)
		return errbuf_set(err, -EINVAL, "longer than %d bytes", STRING_BYTES);
	r = split(str_of(text), v, err);
	if (r < 0)
		return r;
	if (str_equal_nocase(v[PART_DEVELOPMENT], STR("true"))) {
		v[PART_ENDPOINT] = STR(EMULATOR_ENDPOINT);
		v[PART_ACCOUNT] = STR(EMULATOR_ACCOUNT);
		v[PART_KEY] = STR(EMULATOR_KEY);
	}
	r = set_endpoint(v, ret, err);
	if (r < 0)
		return r;
	if (v[PART_ACCOUNT].n && v[PART_KEY].n)
		return set_key(v[PART_ACCOUNT], v[PART_KEY], ret, err);
	if (v[PART_SAS].n)
		return set_sas(v[PART_SAS], ret, err);
	return errbuf_set(err, -EINVAL,
	                  "neither AccountName and AccountKey nor SharedAccessSignature is there");
}
