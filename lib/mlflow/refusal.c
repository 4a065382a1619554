/*
 * Reads what a server says when it does not do what it was asked. Its error_code comes before the
 * status, which misleads (a name that is taken and an alias that is not there are both 400).
 * Answers of the routes around it (unknown endpoint, login, host check, crash) are plain text or
 * HTML and get words of ours, which name the setting that helps. SQL is not shown.
 *
 * Called by client.c and by the files of artifacts.
 */
#include "mlflow/refusal.h"

#include <errno.h>
#include <stdio.h>

#include "base/arena.h"
#include "json/scan.h"

#define JSON_BYTES 65536
#define JSON_ARENA_BYTES 262144

static const struct code {
	const char *name;
	int result;
} codes[] = {
	{ "RESOURCE_DOES_NOT_EXIST", -ENOENT },
	{ "NOT_FOUND", -ENOENT },
	{ "ENDPOINT_NOT_FOUND", -ENOSYS },
	{ "NOT_IMPLEMENTED", -ENOSYS },
	{ "RESOURCE_ALREADY_EXISTS", -EEXIST },
	{ "ALREADY_EXISTS", -EEXIST },
	{ "UNAUTHENTICATED", -EACCES },
	{ "CUSTOMER_UNAUTHORIZED", -EACCES },
	{ "PERMISSION_DENIED", -EACCES },
	{ "INVALID_PARAMETER_VALUE", -EBADMSG },
	{ "BAD_REQUEST", -EBADMSG },
	{ "RESOURCE_CONFLICT", -EBADMSG },
	{ "ABORTED", -EBADMSG },
};

/* What a middle box or a router says, and what helps. */
static const struct hint {
	unsigned status;
	const char *said;
	const char *words;
} hints[] = {
	{ 403, "Invalid Host header",
	  "server does not answer to this host name: start it with --allowed-hosts or "
	  "MLFLOW_SERVER_ALLOWED_HOSTS, host with port" },
	{ 403, "Cross-origin request blocked",
	  "request has got an Origin header on its way, from a proxy in between" },
};

static const char *const refused[] = {
	[REFUSAL_SENT_NONE] = ("set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
	                       "MLFLOW_TRACKING_TOKEN"),
	[REFUSAL_SENT_BASIC] = "MLFLOW_TRACKING_USERNAME with MLFLOW_TRACKING_PASSWORD was refused",
	[REFUSAL_SENT_TOKEN] = "MLFLOW_TRACKING_TOKEN was refused",
	[REFUSAL_SENT_WITHHELD] =
	        "credentials are not sent to another host than MLFLOW_TRACKING_URI's",
};

struct members {
	unsigned depth;
	struct str *wanted; /* where the next text goes */
	struct str code, message, detail;
};

static int on_event(void *self, enum json_event event, struct str text)
{
	struct members *m = self;

	if (event == JSON_OBJECT_BEGIN || event == JSON_ARRAY_BEGIN) {
		m->depth++;
	} else if (event == JSON_OBJECT_END || event == JSON_ARRAY_END) {
		m->depth--;
	} else if (event == JSON_KEY) {
		m->wanted = NULL;
		if (m->depth == 1 && str_is(text, "error_code"))
			m->wanted = &m->code;
		else if (m->depth == 1 && str_is(text, "message"))
			m->wanted = &m->message;
		else if (m->depth == 1 && str_is(text, "detail"))
			m->wanted = &m->detail;
	} else if (event == JSON_STRING && m->wanted) {
		*m->wanted = text;
		m->wanted = NULL;
	}
	return 0;
}

static bool contains(struct str s, const char *text, size_t *ret_at)
{
	const char *at = s.n ? memmem(s.p, s.n, text, strlen(text)) : NULL;

	if (at)
		*ret_at = (size_t)(at - s.p);
	return at != NULL;
}

/* Up to the first thing that is not for people: statements, their values, links about them. */
static struct str before_sql(struct str s)
{
	static const char *const ends[] = { "[SQL", "[parameters", "(Background on", "\n" };
	size_t at;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (contains(s, ends[i], &at))
			s.n = at;
	}
	return str_trim(s);
}

static void copy_line(struct str s, char *ret, size_t room)
{
	size_t n = s.n ? str_utf8_cut(s, room - 1) : 0;

	for (size_t i = 0; i < n; i++) {
		ret[i] = s.p[i];
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			ret[i] = ' ';
	}
	ret[n] = '\0';
}

static bool is_code(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((s.p[i] < 'A' || s.p[i] > 'Z') && s.p[i] != '_')
			return false;
	}
	return s.n < REFUSAL_CODE_BYTES;
}

static int result_of_code(const struct refusal_answer *a, struct str code, struct str message)
{
	size_t at;

	/* Line 2 answers 500. */
	if (a->is_file && contains(message, "No such file", &at))
		return -ENOENT;
	if (a->is_alias && str_is(code, "INVALID_PARAMETER_VALUE") &&
	    contains(message, "alias", &at) && contains(message, "not found", &at))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (str_is(code, codes[i].name))
			return codes[i].result;
	}
	return a->result;
}

static int result_of_status(const struct refusal_answer *a)
{
	switch (a->status) {
	case 404:
		return a->is_file ? -ENOENT : -ENOSYS;
	case 405:
	case 501:
		return -ENOSYS;
	default:
		return a->result;
	}
}

/* NULL if what the server says is the best there is. */
static const char *own_words(const struct refusal_answer *a, int result, struct str said)
{
	size_t at;

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (a->status == hints[i].status && contains(said, hints[i].said, &at))
			return hints[i].words;
	}
	if (a->status == 401)
		return refused[a->sent];
	if (result == -ENOSYS)
		return "server does not know this: an older MLflow, or its address lacks a path";
	if (result == -ENOENT && a->is_file)
		return "no such file";
	if (result == -EACCES && said.n == 0)
		return "the credentials are not enough for this";
	return said.n == 0 ? "no words of MLflow's" : NULL;
}

/* Leaves what is not understood empty. */
static void take_apart(const struct refusal_answer *a, struct arena *arena, struct members *m)
{
	struct json_scan_options o = { .on_event = on_event, .self = m };
	struct str body = a->body;
	struct json_fault fault;

	while (body.n > 0 && strchr(" \t\r\n", *body.p)) {
		body.p++;
		body.n--;
	}
	if (body.n == 0 || *body.p == '<' || *body.p == '\0')
		return;
	if (*body.p != '{') {
		m->message = str_is_utf8(body) ? body : (struct str){ NULL, 0 };
		return;
	}
	if (body.n > JSON_BYTES || json_scan(body, &o, arena, &fault) < 0)
		*m = (struct members){ 0 };
	if (m->message.n == 0)
		m->message = m->detail;
}

void refusal_read(const struct refusal_answer *a, struct refusal *ret)
{
	struct arena arena = { .limit = JSON_ARENA_BYTES };
	struct members m = { 0 };
	struct str said;
	const char *own;

	take_apart(a, &arena, &m);
	if (!is_code(m.code))
		m.code.n = 0;
	said = before_sql(m.message);
	ret->result = m.code.n ? result_of_code(a, m.code, m.message) : result_of_status(a);
	own = own_words(a, ret->result, said);
	copy_line(m.code, ret->code, sizeof(ret->code));
	copy_line(own ? str_of(own) : said, ret->words, sizeof(ret->words));
	arena_done(&arena);
}
