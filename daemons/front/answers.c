/*
 * Answers and their errors. Two rules hold here: an error names what and where and never shows a
 * path, SQL or a secret; and what is counted is counted once, when the answer begins.
 */
#include "answers.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "cors.h"
#include "generation.h"
#include "http/exchange.h"
#include "http/response.h"
#include "http/syntax.h"
#include "routes.h"
#include "trace.h"
#include "json/value.h"

/* The faults of one request may take so much; then they are only counted. Without this bound a body
 * of many objects, each shown once for each of its faults, would answer with a multiple of itself.
 */
#define FAULTS_TEXT_MAX ((size_t)8 << 20)
/* Of a path in the log. */
#define LOGGED_PATH_MAX 200
/* A buffer that one large answer has made is given back. */
#define OUT_KEEP ((size_t)1 << 20)

static enum scoreboard_status status_class(int status)
{
	if (status < 400)
		return STATUS_2XX;
	if (status == 401 || status == 403)
		return STATUS_4XX_AUTH;
	if (status == 422)
		return STATUS_422;
	if (status < 500)
		return STATUS_4XX;
	return status == 503 ? STATUS_503 : STATUS_5XX;
}

static void log_request(const struct call *c, int status, uint64_t us)
{
	struct str path = http_path(c->exchange);
	struct trace t = { .id = "" };
	bool traced;

	if (log_get_level() < LOG_LEVEL_DEBUG)
		return;
	traced = trace_of(c->exchange, &t) == 0;
	path.n = str_utf8_cut(path, LOGGED_PATH_MAX);
	log_debug("request=%s%s%s%s%s %s \"%.*s\": %d in %llu us", c->request_id,
	          traced ? " trace=" : "", t.id, traced ? "-" : "", traced ? t.parent : "",
	          http_method_name(http_method(c->exchange)), STR_ARGS(path), status,
	          (unsigned long long)us);
}

static void count(struct call *c, int status)
{
	enum scoreboard_route as = c->route ? c->route->count_as : ROUTE_OTHER;
	struct scoreboard_slot *slot = c->front->slot;
	uint64_t us = (clock_mono_ns() - c->started_ns) / 1000;

	atomic_fetch_add_explicit(&slot->requests[as][status_class(status)], 1,
	                          memory_order_relaxed);
	scoreboard_observe(&slot->latency[as], us);
	log_request(c, status, us);
}

void answer_prepare(struct call *c, int status)
{
	char number[24];

	http_set_header(c->exchange, "X-Request-Id", c->request_id);
	if (c->generation) {
		snprintf(number, sizeof(number), "%llu",
		         (unsigned long long)c->generation->about.generation);
		http_set_header(c->exchange, "X-Model-Generation", number);
	}
	cors_prepare(c);
	count(c, status);
}

void answer(struct call *c, int status, const char *type, struct str body)
{
	answer_prepare(c, status);
	http_answer(c->exchange, status, type, body);
	if (c->front->out.room > OUT_KEEP)
		strbuf_done(&c->front->out);
}

void answer_out(struct call *c, int status, const char *type)
{
	if (strbuf_error(&c->front->out))
		answer_error(c, 503, 1, "out of memory");
	else
		answer(c, status, type, strbuf_str(&c->front->out));
}

/* --- error bodies --- */

/* Has the media range a weight of zero: "not this one"? */
static bool is_unwanted(struct str parameters)
{
	const char *q = parameters.n ? memmem(parameters.p, parameters.n, "q=0", 3) : NULL;

	for (const char *p = q ? q + 3 : NULL; q && p < parameters.p + parameters.n; p++) {
		if (*p != '.' && *p != '0')
			return false;
	}
	return q != NULL;
}

bool call_accepts(const struct call *c, const char *type)
{
	struct str list = http_field(c->exchange, "Accept");
	struct str range;

	while (list.p && syntax_next_element(&list, &range)) {
		const char *semicolon = range.n ? memchr(range.p, ';', range.n) : NULL;
		size_t n = semicolon ? (size_t)(semicolon - range.p) : range.n;

		if (str_equal_nocase(str_trim((struct str){ range.p, n }), str_of(type)))
			return !is_unwanted((struct str){ range.p + n, range.n - n });
	}
	return false;
}

static void write_problem(struct json_writer *w, int status)
{
	json_write_name(w, "type");
	json_write_text(w, STR("about:blank"));
	json_write_name(w, "title");
	json_write_text(w, str_of(response_reason(status)));
	json_write_name(w, "status");
	json_write_integer(w, status);
}

/* Into front->out; `list`: the elements of detail, JSON; else `text`. What came of it. */
struct error_body {
	const char *type;
	struct str bytes;
};

static struct error_body write_error(struct call *c, int status, const char *text,
                                     const struct strbuf *list)
{
	struct strbuf *out = &c->front->out;
	struct json_writer w = { .out = out };
	bool problem = call_accepts(c, TYPE_PROBLEM);

	strbuf_reset(out);
	json_begin_object(&w);
	if (problem)
		write_problem(&w, status);
	if (text || problem) {
		json_write_name(&w, "detail");
		json_write_text(&w, str_of(text ? text : "the request has errors"));
	}
	if (list) {
		json_write_name(&w, problem ? "errors" : "detail");
		json_begin_array(&w);
		json_write_raw(&w, strbuf_str(list));
		json_end_array(&w);
	}
	json_end_object(&w);
	if (strbuf_error(out) || (list && strbuf_error(list)))
		return (struct error_body){ NULL, STR("") };
	return (struct error_body){ problem ? TYPE_PROBLEM : TYPE_JSON, strbuf_str(out) };
}

static const struct str no_memory = { "{\"detail\":\"out of memory\"}", 26 };

static void send_error(struct call *c, int status, const char *text, const struct strbuf *list)
{
	struct error_body b = write_error(c, status, text, list);

	if (!b.type)
		answer(c, 503, TYPE_JSON, no_memory);
	else
		answer(c, status, b.type, b.bytes);
}

static void set_retry_after(struct call *c, unsigned s)
{
	char seconds[16];

	snprintf(seconds, sizeof(seconds), "%u", s);
	http_set_header(c->exchange, "Retry-After", seconds);
}

/* The server counts what it refuses itself. */
void answer_refusal(struct call *c, int status, const char *why)
{
	struct error_body b;

	log_debug("request=%s refused with %d: %s", c->request_id, status, why);
	http_set_header(c->exchange, "X-Request-Id", c->request_id);
	cors_prepare(c);
	if (status == 503)
		set_retry_after(c, 1);
	b = write_error(c, status, why, NULL);
	if (b.type)
		http_answer(c->exchange, status, b.type, b.bytes);
	else
		http_answer(c->exchange, status, TYPE_JSON, no_memory);
}

void answer_error(struct call *c, int status, unsigned retry_after, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (retry_after > 0)
		set_retry_after(c, retry_after);
	send_error(c, status, text, NULL);
}

/* --- faults of a request --- */

static void free_faults(void *faults)
{
	strbuf_done(&((struct faults *)faults)->text);
}

struct faults *faults_new(struct call *c)
{
	struct arena *a = http_arena(c->exchange);
	struct faults *f = arena_calloc(a, 1, sizeof(*f));

	if (!f || arena_on_free(a, free_faults, f) < 0)
		return NULL;
	f->program = c->generation ? &c->generation->model.program : NULL;
	f->writer.out = &f->text;
	return f;
}

static void write_place(struct json_writer *w, const struct fault_place *at)
{
	json_write_name(w, "loc");
	json_begin_array(w);
	json_write_text(w, str_of(at->source));
	if (at->list) {
		json_write_text(w, str_of(at->list));
		json_write_integer(w, at->index);
	}
	if (at->member.n > 0)
		json_write_text(w, at->member);
	json_end_array(w);
}

/* False when there are too many: the fault is only counted. */
static bool begin_fault(struct faults *f, const struct fault_place *at, const char *type,
                        const char *message)
{
	struct json_writer *w = &f->writer;

	if (f->omitted > 0 || f->count >= FAULTS_MAX || f->text.n > FAULTS_TEXT_MAX) {
		f->omitted++;
		return false;
	}
	f->count++;
	json_begin_object(w);
	json_write_name(w, "type");
	json_write_text(w, str_of(type));
	write_place(w, at);
	json_write_name(w, "msg");
	json_write_text(w, str_of(message));
	json_write_name(w, "input");
	return true;
}

static void end_fault(struct faults *f, struct str ctx)
{
	if (ctx.n > 0) {
		json_write_name(&f->writer, "ctx");
		json_write_raw(&f->writer, ctx);
	}
	json_end_object(&f->writer);
}

static bool is_private(const struct faults *f, struct str name)
{
	int input = f->program ? program_find_input(f->program, name) : -1;

	return (input >= 0 && f->program->inputs[input].private) ||
	       (f->secret && str_is(name, f->secret));
}

/* A value as it was received, but for the private members of a transaction. */
static void write_input(struct faults *f, const struct cJSON *value)
{
	struct json_writer *w = &f->writer;

	if (json_type(value) != JSON_TYPE_OBJECT) {
		json_write_value(w, value);
		return;
	}
	json_begin_object(w);
	for (const struct cJSON *m = json_first(value); m; m = json_next(m)) {
		json_write_name_str(w, json_name(m));
		if (is_private(f, json_name(m)))
			json_write_text(w, STR("***"));
		else
			json_write_value(w, m);
	}
	json_end_object(w);
}

void faults_add(struct faults *f, const struct fault_place *at, const struct field_fault *what,
                const struct fault_input *input)
{
	if (!begin_fault(f, at, what->type, what->message))
		return;
	if (input->hidden)
		json_write_text(&f->writer, STR("***"));
	else if (input->value)
		write_input(f, input->value);
	else if (input->text.p)
		json_write_text(&f->writer, input->text);
	else
		json_write_null(&f->writer);
	end_fault(f, what->ctx);
}

void faults_add_json(struct faults *f, const struct json_fault *what)
{
	struct fault_place at = { .source = "body" };
	struct json_writer *w = &f->writer;

	f->count++;
	json_begin_object(w);
	json_write_name(w, "type");
	json_write_text(w, STR("json_invalid"));
	json_write_name(w, "loc");
	json_begin_array(w);
	json_write_text(w, str_of(at.source));
	json_write_unsigned(w, what->offset);
	json_end_array(w);
	json_write_name(w, "msg");
	json_write_text(w, STR("JSON decode error"));
	json_write_name(w, "input");
	json_begin_object(w);
	json_end_object(w);
	json_write_name(w, "ctx");
	json_begin_object(w);
	json_write_name(w, "error");
	json_write_text(w, str_of(what->what));
	json_end_object(w);
	json_end_object(w);
}

void answer_faults(struct call *c, struct faults *f)
{
	char omitted[24];

	if (f->omitted > 0) {
		snprintf(omitted, sizeof(omitted), "%u", f->omitted);
		http_set_header(c->exchange, "X-Errors-Omitted", omitted);
	}
	send_error(c, 422, NULL, &f->text);
}
