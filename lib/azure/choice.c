/*
 * The choice of credentials: one function a kind, tried in the order of the header. Each says
 * whether it is complete, absent or half given; what is half given is remembered in words, because
 * it is mostly what its owner meant. Called once at the start by whoever is going to use Azure.
 */
#include "azure/credentials.h"

#include <errno.h>
#include <stdio.h>

#include "azure/connection_string.h"
#include "base/str.h"

#define AUTHORITY "login.microsoftonline.com"

struct choice {
	char **environ;
	bool managed_identity;
	struct credentials *c;
	struct errbuf *err;
};

/* 1 = complete, 0 = not this one, negative = given and wrong. */
typedef int choice_fn(struct choice *k);

/* The value, trimmed of nothing; NULL if absent or empty. */
static const char *look(const struct choice *k, const char *name)
{
	size_t n = strlen(name);

	for (char **e = k->environ; *e; e++) {
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return (*e)[n + 1] ? *e + n + 1 : NULL;
	}
	return NULL;
}

static const char *keep(struct choice *k, const char *value)
{
	return value ? arena_strdup(&k->c->arena, value) : NULL;
}

static void note_half(struct choice *k, const char *words)
{
	size_t n = strlen(k->c->half);

	snprintf(k->c->half + n, sizeof(k->c->half) - n, "%s%s", n ? "; " : "", words);
}

static int choose_connection_string(struct choice *k)
{
	const char *text = look(k, "AZURE_STORAGE_CONNECTION_STRING");
	int r;

	if (!text)
		return 0;
	r = connection_string_parse(text, k->c, k->err);
	if (r < 0)
		return errbuf_prefix(k->err, r, "AZURE_STORAGE_CONNECTION_STRING");
	k->c->source = k->c->kind == CREDENTIALS_KEY
	                       ? "account key of AZURE_STORAGE_CONNECTION_STRING"
	                       : "signature of AZURE_STORAGE_CONNECTION_STRING";
	return 1;
}

static int choose_key(struct choice *k)
{
	static const char *const names[] = { "AZURE_STORAGE_ACCOUNT_KEY",
		                             "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_KEY" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = look(k, names[i]);

		if (!text)
			continue;
		if (connection_string_key(text, k->c) < 0)
			return errbuf_set(k->err, -EINVAL, "%s is no base64", names[i]);
		k->c->kind = CREDENTIALS_KEY;
		k->c->source = names[i];
		return 1;
	}
	if (look(k, "AZURE_STORAGE_ACCOUNT_NAME"))
		note_half(k, "AZURE_STORAGE_ACCOUNT_NAME without AZURE_STORAGE_ACCOUNT_KEY");
	return 0;
}

static int choose_sas(struct choice *k)
{
	const char *text = look(k, "AZURE_STORAGE_SAS_TOKEN");

	if (!text)
		return 0;
	k->c->sas = keep(k, *text == '?' ? text + 1 : text);
	k->c->kind = CREDENTIALS_SAS;
	k->c->source = "AZURE_STORAGE_SAS_TOKEN";
	return 1;
}

static int set_authority(struct choice *k)
{
	const char *given = look(k, "AZURE_AUTHORITY_HOST");
	struct str s = str_trim(str_of(given ? given : AUTHORITY));
	char *url;

	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	url = arena_printf(&k->c->arena, "%s%.*s",
	                   s.n && memmem(s.p, s.n, "://", 3) ? "" : "https://", STR_ARGS(s));
	if (!url)
		return errbuf_set(k->err, -ENOMEM, "out of memory");
	if (!credentials_url_is_safe(url))
		return errbuf_set(k->err, -EINVAL, "AZURE_AUTHORITY_HOST must be https");
	k->c->authority = url;
	return 0;
}

static int set_application(struct choice *k)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                              "0123456789.-";
	const char *tenant = look(k, "AZURE_TENANT_ID");

	if (tenant[strspn(tenant, allowed)])
		return errbuf_set(k->err, -EINVAL,
		                  "AZURE_TENANT_ID has a character that it cannot");
	k->c->tenant = keep(k, tenant);
	k->c->client_id = keep(k, look(k, "AZURE_CLIENT_ID"));
	return set_authority(k);
}

static int choose_service_principal(struct choice *k)
{
	const char *secret = look(k, "AZURE_CLIENT_SECRET");
	bool tenant = look(k, "AZURE_TENANT_ID"), client = look(k, "AZURE_CLIENT_ID");
	int r;

	if (secret && tenant && client) {
		k->c->client_secret = keep(k, secret);
		k->c->kind = CREDENTIALS_SERVICE_PRINCIPAL;
		k->c->source = "service principal of AZURE_CLIENT_ID";
		r = set_application(k);
		return r < 0 ? r : 1;
	}
	if (secret || ((tenant || client) && !look(k, "AZURE_FEDERATED_TOKEN_FILE"))) {
		if (!tenant)
			note_half(k, "AZURE_TENANT_ID is missing");
		if (!client)
			note_half(k, "AZURE_CLIENT_ID is missing");
		if (!secret)
			note_half(k, "AZURE_CLIENT_SECRET is missing");
	}
	return 0;
}

static int choose_workload_identity(struct choice *k)
{
	const char *file = look(k, "AZURE_FEDERATED_TOKEN_FILE");
	int r;

	if (!file)
		return 0;
	if (!look(k, "AZURE_TENANT_ID") || !look(k, "AZURE_CLIENT_ID")) {
		note_half(k, "AZURE_FEDERATED_TOKEN_FILE without AZURE_TENANT_ID and "
		             "AZURE_CLIENT_ID");
		return 0;
	}
	k->c->token_file = keep(k, file);
	k->c->kind = CREDENTIALS_WORKLOAD_IDENTITY;
	k->c->source = "workload identity of AZURE_FEDERATED_TOKEN_FILE";
	r = set_application(k);
	return r < 0 ? r : 1;
}

static int choose_managed_identity(struct choice *k)
{
	const char *endpoint = look(k, "IDENTITY_ENDPOINT");

	if (!endpoint && !k->managed_identity)
		return 0;
	k->c->kind = CREDENTIALS_MANAGED_IDENTITY;
	k->c->source = endpoint ? "managed identity of IDENTITY_ENDPOINT"
	                        : "managed identity of this host";
	k->c->identity_endpoint = keep(k, endpoint);
	k->c->identity_header = keep(k, look(k, "IDENTITY_HEADER"));
	k->c->client_id = keep(k, look(k, "AZURE_CLIENT_ID"));
	return 1;
}

static choice_fn *const choices[] = {
	choose_connection_string,
	choose_key,
	choose_sas,
	choose_service_principal,
	choose_workload_identity,
	choose_managed_identity,
};

static int tell_missing(const struct choice *k)
{
	if (k->c->half[0])
		return errbuf_set(k->err, -ENOKEY, "Azure credentials are incomplete: %s",
		                  k->c->half);
	return errbuf_set(k->err, -ENOKEY,
	                  "no Azure credentials: set AZURE_STORAGE_CONNECTION_STRING, "
	                  "or AZURE_STORAGE_ACCOUNT_KEY, or AZURE_STORAGE_SAS_TOKEN, "
	                  "or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET");
}

int credentials_decide(char **environ, bool managed_identity, struct credentials *ret,
                       struct errbuf *err)
{
	struct credentials c = { 0 };
	struct choice k = { environ, managed_identity, &c, err };
	int r = 0;

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]) && r == 0; i++)
		r = choices[i](&k);
	if (r == 0)
		r = tell_missing(&k);
	if (r > 0 && arena_failed(&c.arena))
		r = errbuf_set(err, -ENOMEM, "out of memory");
	if (r < 0) {
		credentials_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void credentials_done(struct credentials *c)
{
	explicit_bzero(c->key, sizeof(c->key));
	arena_done(&c->arena);
}
