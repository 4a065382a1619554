/*
 * Who we are to Azure. Decided once, from the environment, before any work: what is missing is told
 * at the start of a training and not at its end. The order is MLflow's, so that both sides agree:
 *
 *   AZURE_STORAGE_CONNECTION_STRING
 *   AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_ACCESS_KEY or AZURE_STORAGE_KEY
 *   AZURE_STORAGE_SAS_TOKEN
 *   AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET
 *   AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE
 *   IDENTITY_ENDPOINT, or azure.managed_identity
 *
 * The first that is complete is taken. No function prints a secret.
 */
#ifndef AZURE_CREDENTIALS_H
#define AZURE_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/errbuf.h"

#define CREDENTIALS_KEY_BYTES 128

enum credentials_kind {
	CREDENTIALS_KEY,
	CREDENTIALS_SAS,
	CREDENTIALS_SERVICE_PRINCIPAL,
	CREDENTIALS_WORKLOAD_IDENTITY,
	CREDENTIALS_MANAGED_IDENTITY,
};

struct credentials {
	struct arena arena; /* of all texts */
	enum credentials_kind kind;
	const char *source; /* for the log: "account key of AZURE_STORAGE_CONNECTION_STRING" */
	char half[200];     /* what is half given and was passed over; "" if nothing */

	const char *endpoint; /* without '/' at its end; NULL = that of the address */
	const char *account;  /* NULL = that of the address */
	unsigned char key[CREDENTIALS_KEY_BYTES];
	size_t key_size;
	const char *sas; /* without '?' */

	const char *authority; /* "https://login.microsoftonline.com" */
	const char *tenant, *client_id, *client_secret, *token_file;
	const char *identity_endpoint, *identity_header; /* NULL = the host's metadata service */
};

/* -ENOKEY with the list of what is missing; -EINVAL for what is given and wrong. */
int credentials_decide(char **environ, bool managed_identity, struct credentials *ret,
                       struct errbuf *err);
void credentials_done(struct credentials *c);

/* A token of Entra ID is sent as Authorization: Bearer. */
static inline bool credentials_need_token(const struct credentials *c)
{
	return c->kind >= CREDENTIALS_SERVICE_PRINCIPAL;
}

/* http is for this host only: tests and emulators. */
bool credentials_url_is_safe(const char *url);

#endif
