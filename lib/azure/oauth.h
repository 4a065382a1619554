/* Tokens of Entra ID, kept until shortly before they end. Private to lib/azure. */
#ifndef AZURE_OAUTH_H
#define AZURE_OAUTH_H

#include <stdint.h>

#include "azure/credentials.h"
#include "base/str.h"

struct fetch;
struct oauth;
struct retry_policy;

/* result 0: oauth_token() has one; else the words why not. */
typedef void oauth_fn(void *self, int result, const struct errbuf *err);

int oauth_new(struct fetch *f, const struct credentials *c, const struct retry_policy *retry,
              struct oauth **ret);
void oauth_free(struct oauth *o);
void oauth_on_token(struct oauth *o, oauth_fn *fn, void *self);

/* NULL if there is none or it ends within five minutes. */
const char *oauth_token(const struct oauth *o);
/* Asks for one; told to the function above. While one is on its way, nothing more is asked. */
int oauth_start(struct oauth *o, struct errbuf *err);
/* The one that is kept was refused: forget it. */
void oauth_drop(struct oauth *o);

/* access_token and its life from the JSON answer of any of the three services. For the test and
 * fuzzer, too. now_s: since 1970. */
struct oauth_answer {
	struct str token;
	int64_t ends_s;
};
struct arena;
int oauth_parse(struct str json, int64_t now_s, struct arena *a, struct oauth_answer *ret);

#endif
