/*
 * How a call ends: every answer of the worker leaves through here, so that headers, counts and
 * error bodies are the same everywhere. Error bodies are FastAPI's, or RFC 9457's for a client that
 * accepts application/problem+json.
 */
#ifndef FRONT_ANSWERS_H
#define FRONT_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"
#include "features/row.h"
#include "front.h"
#include "json/scan.h"
#include "json/writer.h"

#define TYPE_JSON "application/json"
#define TYPE_PROBLEM "application/problem+json"

/* Ends the call with a whole body. */
void answer(struct call *c, int status, const char *type, struct str body);
/* Ends the call with what was written into front->out, or 503 if that failed. */
void answer_out(struct call *c, int status, const char *type);
/* Ends the call with {"detail": "..."}; retry_after in seconds, 0 = no such field. */
void answer_error(struct call *c, int status, unsigned retry_after, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
/* Ends what the server itself refuses, which may be no whole request: the same body and headers. */
void answer_refusal(struct call *c, int status, const char *why);
/* Headers and counts of a call whose answer is then written by http_answer_begin(). */
void answer_prepare(struct call *c, int status);
/* Does the field Accept name this type? "*" does not count: the client has to ask. */
bool call_accepts(const struct call *c, const char *type);

/*
 * Everything that is wrong with a request, gathered and told at once as 422. Faults beyond
 * FAULTS_MAX, or beyond a few MiB of text, are counted in the header X-Errors-Omitted.
 */
#define FAULTS_MAX 10000
struct program;
struct faults {
	struct strbuf text; /* elements of the list `detail`; freed by the arena of the exchange */
	struct json_writer writer;
	const struct program *program; /* says which members are private; NULL: none */
	const char *secret;            /* one more that is; may be NULL */
	unsigned count, omitted;
};

/* Rides along with the arena of the exchange. */
struct faults *faults_new(struct call *c);

/* Where a fault lies: "query" or "body", then an index and member that may be absent. */
struct fault_place {
	const char *source;
	const char *list; /* "transactions": the member that the index counts in; NULL: no index */
	int64_t index;
	struct str member; /* empty: the thing itself */
};

struct cJSON;
/* input: value if given (an object without its private members), else text, else null. hidden:
 * input is "***". */
struct fault_input {
	const struct cJSON *value;
	struct str text;
	bool hidden;
};
void faults_add(struct faults *f, const struct fault_place *at, const struct field_fault *what,
                const struct fault_input *input);
/* The body is no JSON text. */
void faults_add_json(struct faults *f, const struct json_fault *what);
/* Ends the call with 422. */
void answer_faults(struct call *c, struct faults *f);

#endif
