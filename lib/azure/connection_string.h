/* AZURE_STORAGE_CONNECTION_STRING: "Key=Value;Key=Value". Private to lib/azure, but for its test
 * and fuzzer. */
#ifndef AZURE_CONNECTION_STRING_H
#define AZURE_CONNECTION_STRING_H

#include "azure/credentials.h"

/* Fills endpoint, account and key or sas in *ret, texts in its arena. -EINVAL with words that say
 * which part, never its value. */
int connection_string_parse(const char *text, struct credentials *ret, struct errbuf *err);

/* The key as bytes; -EINVAL if it is no base64. */
int connection_string_key(const char *text, struct credentials *ret);

#endif
