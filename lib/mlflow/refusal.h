/* What a server means by an answer that is no success. Private to lib/mlflow, but for its test and
 * fuzzer. */
#ifndef MLFLOW_REFUSAL_H
#define MLFLOW_REFUSAL_H

#include <stdbool.h>

#include "base/str.h"

#define REFUSAL_CODE_BYTES 48
#define REFUSAL_WORDS_BYTES 160

enum refusal_credentials {
	REFUSAL_SENT_NONE,
	REFUSAL_SENT_BASIC,
	REFUSAL_SENT_TOKEN,
	REFUSAL_SENT_WITHHELD /* another host than the server's was asked */
};

struct refusal_answer {
	unsigned status;
	int result; /* what fetch makes of the status */
	struct str body;
	enum refusal_credentials sent;
	bool is_alias; /* an alias was asked for: servers do not call its absence so */
	bool is_file;  /* a file was asked for: 404 is about it and not about the endpoint */
};

struct refusal {
	int result;                    /* as of mlflow.h */
	char code[REFUSAL_CODE_BYTES]; /* "" if it gave none */
	char words[REFUSAL_WORDS_BYTES];
};

void refusal_read(const struct refusal_answer *a, struct refusal *ret);

#endif
