/* Which credentials are taken, what is said when they are not whole, and connection strings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "azure/connection_string.h"
#include "azure/credentials.h"

#define KEY "c2VjcmV0" /* "secret" */
#define STRING(text) "AZURE_STORAGE_CONNECTION_STRING=" text
#define TENANT "AZURE_TENANT_ID=t-1.x"
#define CLIENT "AZURE_CLIENT_ID=client"
#define SECRET "AZURE_CLIENT_SECRET=secret~"
#define FILE_ "AZURE_FEDERATED_TOKEN_FILE=/token"

static const struct {
	const char *environ[8];
	bool managed;
	int result;
	enum credentials_kind kind;
	const char *words; /* of the error, or in the source */
	const char *half;
} choices[] = {
	{ { NULL }, false, -ENOKEY, 0, "no Azure credentials: set AZURE_STORAGE_CON", "" },
	{ { STRING("AccountName=abc;AccountKey=" KEY) },
	  false,
	  0,
	  CREDENTIALS_KEY,
	  "AZURE_STORAGE_CONNECTION_STRING",
	  "" },
	{ { STRING(""), "AZURE_STORAGE_ACCESS_KEY=" KEY },
	  false,
	  0,
	  CREDENTIALS_KEY,
	  "AZURE_STORAGE_ACCESS_KEY",
	  "" },
	{ { "AZURE_STORAGE_ACCOUNT_KEY=" KEY, "AZURE_STORAGE_SAS_TOKEN=sig=x" },
	  false,
	  0,
	  CREDENTIALS_KEY,
	  "AZURE_STORAGE_ACCOUNT_KEY",
	  "" },
	{ { "AZURE_STORAGE_ACCOUNT_KEY=not base64" }, false, -EINVAL, 0, "is no base64", "" },
	{ { "AZURE_STORAGE_SAS_TOKEN=?sig=x", TENANT, CLIENT, SECRET },
	  false,
	  0,
	  CREDENTIALS_SAS,
	  "AZURE_STORAGE_SAS_TOKEN",
	  "" },
	{ { "AZURE_STORAGE_ACCOUNT_NAME=abc", TENANT, CLIENT, SECRET },
	  false,
	  0,
	  CREDENTIALS_SERVICE_PRINCIPAL,
	  "service principal",
	  "without AZURE_STORAGE_ACCOUNT_KEY" },
	{ { TENANT, CLIENT }, false, -ENOKEY, 0, "incomplete: AZURE_CLIENT_SECRET is missing", "" },
	{ { SECRET },
	  false,
	  -ENOKEY,
	  0,
	  "AZURE_TENANT_ID is missing; AZURE_CLIENT_ID is missing",
	  "" },
	{ { TENANT, CLIENT, FILE_ },
	  false,
	  0,
	  CREDENTIALS_WORKLOAD_IDENTITY,
	  "AZURE_FEDERATED_TOKEN_FILE",
	  "" },
	{ { TENANT, CLIENT, FILE_, SECRET }, false, 0, CREDENTIALS_SERVICE_PRINCIPAL, "", "" },
	{ { FILE_ }, false, -ENOKEY, 0, "without AZURE_TENANT_ID", "" },
	{ { FILE_ },
	  true,
	  0,
	  CREDENTIALS_MANAGED_IDENTITY,
	  "of this host",
	  "without AZURE_TENANT_ID" },
	{ { "IDENTITY_ENDPOINT=http://127.0.0.1/x" },
	  false,
	  0,
	  CREDENTIALS_MANAGED_IDENTITY,
	  "IDENTITY_ENDPOINT",
	  "" },
	{ { "AZURE_TENANT_ID=t/../x", CLIENT, SECRET },
	  false,
	  -EINVAL,
	  0,
	  "AZURE_TENANT_ID has a character",
	  "" },
	{ { TENANT, CLIENT, SECRET, "AZURE_AUTHORITY_HOST=http://login.example" },
	  false,
	  -EINVAL,
	  0,
	  "AZURE_AUTHORITY_HOST must be https",
	  "" },
	{ { STRING("AccountName=abc"), TENANT, CLIENT, SECRET },
	  false,
	  -EINVAL,
	  0,
	  "AZURE_STORAGE_CONNECTION_STRING: neither",
	  "" },
};

static void which_are_taken(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct credentials c;
		struct errbuf err = { "" };
		int r = credentials_decide((char **)choices[i].environ, choices[i].managed, &c,
		                           &err);

		if (r != choices[i].result)
			fail_msg("case %zu: %d %s", i, r, err.text);
		if (strstr(err.text, "secret") || strlen(err.text) > 254)
			fail_msg("case %zu: %s", i, err.text);
		if (r < 0) {
			if (!strstr(err.text, choices[i].words))
				fail_msg("case %zu: %s", i, err.text);
			continue;
		}
		if (c.kind != choices[i].kind || !strstr(c.source, choices[i].words) ||
		    (choices[i].half[0] ? !strstr(c.half, choices[i].half) : c.half[0]))
			fail_msg("case %zu: kind %d, %s, %s", i, (int)c.kind, c.source, c.half);
		credentials_done(&c);
	}
}

static void authorities(void **unused)
{
	static const struct {
		const char *given, *url;
	} cases[] = {
		{ "AZURE_AUTHORITY_HOST=", "https://login.microsoftonline.com" },
		{ "AZURE_AUTHORITY_HOST= login.chinacloudapi.cn/ ",
		  "https://login.chinacloudapi.cn" },
		{ "AZURE_AUTHORITY_HOST=https://login.microsoftonline.us//",
		  "https://login.microsoftonline.us" },
		{ "AZURE_AUTHORITY_HOST=http://127.0.0.1:8080", "http://127.0.0.1:8080" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *environ[] = { TENANT, CLIENT, SECRET, cases[i].given, NULL };
		struct credentials c;
		struct errbuf err;

		assert_int_equal(credentials_decide((char **)environ, false, &c, &err), 0);
		assert_string_equal(c.authority, cases[i].url);
		credentials_done(&c);
	}
}

static void connection_strings(void **unused)
{
	static const struct {
		const char *text;
		int result;
		const char *endpoint, *account, *sas;
		size_t key_size;
		const char *words;
	} cases[] = {
		{ "DefaultEndpointsProtocol=https;AccountName=abc;AccountKey=" KEY
		  ";EndpointSuffix=core.windows.net",
		  0, "https://abc.blob.core.windows.net", "abc", NULL, 6, "" },
		{ "accountname=abc;ACCOUNTKEY=" KEY ";", 0, "https://abc.blob.core.windows.net",
		  "abc", NULL, 6, "" },
		{ "DefaultEndpointsProtocol=http;AccountName=abc;AccountKey=" KEY, 0,
		  "https://abc.blob.core.windows.net", "abc", NULL, 6, "" },
		{ "UseDevelopmentStorage=true", 0, "http://127.0.0.1:10000/devstoreaccount1",
		  "devstoreaccount1", NULL, 64, "" },
		{ "BlobEndpoint=http://localhost:99/acct/;AccountName=acct;AccountKey=" KEY
		  ";QueueEndpoint=x",
		  0, "http://localhost:99/acct", "acct", NULL, 6, "" },
		{ "BlobEndpoint=https://h/;SharedAccessSignature=?sv=1&sig=a=b", 0, "https://h",
		  NULL, "sv=1&sig=a=b", 0, "" },
		{ "", -EINVAL, NULL, NULL, NULL, 0, "neither AccountName nor" },
		{ "AccountName", -EINVAL, NULL, NULL, NULL, 0, "part 1 has no \"=\"" },
		{ "AccountName=a;AccountName=b", -EINVAL, NULL, NULL, NULL, 0,
		  "AccountName comes twice" },
		{ "AccountName=abc", -EINVAL, NULL, NULL, NULL, 0, "neither AccountName and" },
		{ "AccountName=abc;AccountKey=%%", -EINVAL, NULL, NULL, NULL, 0, "no base64" },
		{ "BlobEndpoint=http://storage.example;AccountName=abc;AccountKey=" KEY, -EINVAL,
		  NULL, NULL, NULL, 0, "must be https" },
		{ "BlobEndpoint=http://127.0.0.1.example;AccountName=abc;AccountKey=" KEY, -EINVAL,
		  NULL, NULL, NULL, 0, "must be https" },
		{ "BlobEndpoint=https://h/?x=1;AccountName=abc;AccountKey=" KEY, -EINVAL, NULL,
		  NULL, NULL, 0, "must be https" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct credentials c = { 0 };
		struct errbuf err = { "" };
		int r = connection_string_parse(cases[i].text, &c, &err);

		if (r != cases[i].result || !strstr(err.text, cases[i].words) ||
		    strstr(err.text, KEY))
			fail_msg("case %zu: %d %s", i, r, err.text);
		if (r == 0) {
			assert_string_equal(c.endpoint, cases[i].endpoint);
			assert_int_equal(c.key_size, cases[i].key_size);
			if (cases[i].account)
				assert_string_equal(c.account, cases[i].account);
			if (cases[i].sas)
				assert_string_equal(c.sas, cases[i].sas);
		}
		credentials_done(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_are_taken),
		cmocka_unit_test(authorities),
		cmocka_unit_test(connection_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
