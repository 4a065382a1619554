/*
 * POST /score/upload: a CSV file of any size, scored while it arrives. What came in one piece waits
 * in `pending` and is worked off in slices; meanwhile the body is paused, so memory stays bounded.
 *
 *   body -> multipart -> csv -> cells -> score -> out -> spool (JSON) or the client (CSV)
 *
 * The JSON answer waits for the end, so that its count and errors are true. Whoever accepts
 * text/csv is answered at once and has to read while it sends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "csv/reader.h"
#include "generation.h"
#include "handlers.h"
#include "http/exchange.h"
#include "http/multipart.h"
#include "query.h"
#include "rows.h"
#include "slices.h"
#include "spool.h"

/* Bytes that the CSV reader gets between two looks at the clock: a few rows. */
#define PIECE 1024
/* Results gathered before they go to the spool or the client. */
#define FLUSH 32768
/* A client of CSV that has so much unread gets no more for now. */
#define PENDING_MAX 262144
/* A spool that fails is logged once in so many seconds. */
#define SPOOL_LOG_SECONDS 10

enum upload_part { PART_NONE, PART_FILE, PART_OTHER };

struct upload {
	struct call *call;
	struct slice *slice;
	struct multipart multipart;
	struct csv_reader *csv;
	struct strbuf pending; /* bytes that came and are not worked off */
	size_t pending_at;
	enum upload_part part;
	char *filename;
	struct str data; /* rest of the file's bytes of the last event */
	struct row_columns columns;
	bool have_columns;
	struct score_options options;
	bool as_csv;
	bool ended;    /* the call has ended: touch nothing */
	uint64_t line; /* of the row being read */
	uint64_t count;
	struct strbuf out;
	struct json_writer results;
	struct spool spool;
	struct strbuf errors;
	struct json_writer error_writer;
	uint64_t error_count;
	struct errbuf why;
};

static void free_upload(void *upload)
{
	struct upload *u = upload;

	slice_cancel(u->slice);
	csv_reader_free(u->csv);
	strbuf_done(&u->pending);
	strbuf_done(&u->out);
	strbuf_done(&u->errors);
	spool_close(&u->spool);
}

/* --- ends --- */

static void end_with(struct upload *u, int status, unsigned retry_after, const char *words)
{
	struct call *c = u->call;

	u->ended = true;
	if (u->as_csv && u->have_columns)
		http_answer_abort(c->exchange);
	else
		answer_error(c, status, retry_after, "%s", words);
}

/* What went wrong below, as an answer. */
static void end_failed(struct upload *u, int r)
{
	switch (r) {
	case -ENOENT:
	case -EEXIST:
	case -EBADMSG:
		end_with(u, 400, 0, u->why.text);
		break;
	case -EFBIG:
		end_with(u, 413, 0, "the results are larger than this service keeps");
		break;
	case -ENOSPC:
	case -EDQUOT:
		end_with(u, 503, 60, "no room for the results");
		break;
	case -ENOMEM:
		end_with(u, 503, 1, "out of memory");
		break;
	default:
		end_with(u, 503, 60, "the results cannot be kept");
	}
}

static void end_missing_file(struct upload *u)
{
	struct call *c = u->call;
	struct faults *f = faults_new(c);

	u->ended = true;
	if (!f) {
		answer_error(c, 503, 1, "out of memory");
		return;
	}
	faults_add(f, &(struct fault_place){ .source = "body", .member = STR("file") },
	           &(struct field_fault){ .type = "missing", .message = "Field required" },
	           &(struct fault_input){ 0 });
	answer_faults(c, f);
}

/* --- results --- */

/* Sends on what was gathered if it is more than n bytes. */
static int flush_at(struct upload *u, size_t n)
{
	int r = strbuf_error(&u->out);

	if (r == 0 && u->out.n > n) {
		if (u->as_csv)
			http_answer_part(u->call->exchange, strbuf_str(&u->out));
		else
			r = spool_write(&u->spool, strbuf_str(&u->out));
		strbuf_reset(&u->out);
	}
	return r;
}

/* The CSV answer has one column more than a scored row: why a row has no score. */
static void end_csv_line(struct strbuf *out, struct str last)
{
	if (out->n > 0 && out->p[out->n - 1] == '\n')
		out->p[--out->n] = '\0';
	csv_write_field(out, last, false);
	strbuf_addc(out, '\n');
}

static void add_csv_error(struct upload *u, const char *column, const char *message)
{
	struct strbuf words = { 0 };

	strbuf_addf(&words, "line %llu: %s%s%s", (unsigned long long)u->line, column,
	            column[0] ? ": " : "", message);
	for (unsigned i = 0; i < 2 + 3 * u->options.top_k; i++)
		strbuf_addc(&u->out, ',');
	end_csv_line(&u->out, strbuf_error(&words) ? STR("out of memory") : strbuf_str(&words));
	strbuf_done(&words);
}

static void add_error(struct upload *u, const char *column, const char *message)
{
	struct json_writer *w = &u->error_writer;

	if (u->as_csv) {
		add_csv_error(u, column, message);
		return;
	}
	if (u->error_count++ >= front_settings(u->call->front)->upload.max_errors)
		return;
	json_begin_object(w);
	json_write_name(w, "line");
	json_write_unsigned(w, u->line);
	json_write_name(w, "column");
	if (column[0])
		json_write_text(w, str_of(column));
	else
		json_write_null(w);
	json_write_name(w, "message");
	json_write_text(w, str_of(message));
	json_end_object(w);
}

/* What is wrong with the folder is for the log; -EIO is not mistaken for a fault of the request. */
static int open_spool(struct upload *u)
{
	const struct settings *s = front_settings(u->call->front);
	int r = spool_open(&u->spool, s->upload.spool_dir, s->upload.spool_bytes);

	if (r < 0)
		log_error_limited(&u->call->front->spool_limit, SPOOL_LOG_SECONDS, r,
		                  "could not make a file in upload.spool_dir \"%s\"",
		                  s->upload.spool_dir);
	return r < 0 && r != -ENOSPC && r != -EDQUOT ? -EIO : r;
}

static int begin_results(struct upload *u)
{
	if (!u->as_csv)
		return open_spool(u);
	answer_prepare(u->call, 200);
	http_answer_begin(u->call->exchange, 200, "text/csv; charset=utf-8", HTTP_CHUNKED);
	score_write_csv_header(&u->out, u->options.top_k);
	end_csv_line(&u->out, STR("error"));
	return 0;
}

static void score_one(struct upload *u)
{
	struct generation *g = u->call->generation;
	struct score_result result;

	rows_score(u->call, &u->options, &result);
	u->count++;
	if (u->as_csv) {
		score_write_csv(&u->out, &g->model, g->row, &result, u->options.top_k);
		end_csv_line(&u->out, STR(""));
	} else {
		score_write_json(&u->results, &g->model, g->row, &result, false);
	}
}

/* --- rows --- */

static void on_fault(void *self, uint32_t input, const struct field_fault *fault,
                     const struct cJSON *value)
{
	struct upload *u = self;
	char column[PROGRAM_MAX_NAME + 1];
	struct str name = u->call->generation->model.program.inputs[input].name;

	(void)value;
	snprintf(column, sizeof(column), "%.*s", STR_ARGS(name));
	add_error(u, column, fault->message);
}

static int on_header(struct upload *u, const struct str *fields, size_t count)
{
	int r = row_columns(&u->call->generation->model.program, fields, count,
	                    http_arena(u->call->exchange), &u->columns, &u->why);

	if (r < 0)
		return r;
	r = begin_results(u);
	if (r == 0)
		u->have_columns = true;
	return r;
}

static int on_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	struct upload *u = self;
	struct generation *g = u->call->generation;
	int r;

	u->line = line;
	if (!u->have_columns)
		return on_header(u, fields, count);
	program_row_reset(&g->model.program, g->row);
	r = row_from_fields(&g->model.program, &u->columns, fields, count, g->row, on_fault, u);
	if (r == -E2BIG)
		add_error(u, "", "the row has more fields than the header");
	else if (r < 0)
		return r;
	else if (r == 0)
		score_one(u);
	return flush_at(u, FLUSH);
}

static int on_bad_row(void *self, uint64_t line, const char *what)
{
	struct upload *u = self;

	u->line = line;
	if (!u->have_columns)
		return errbuf_set(&u->why, -EBADMSG, "the header line cannot be read: %s", what);
	add_error(u, "", what);
	return flush_at(u, FLUSH);
}

/* --- the body --- */

static bool is_csv_name(struct str name)
{
	return name.n >= 4 && str_equal_nocase((struct str){ name.p + name.n - 4, 4 }, STR(".csv"));
}

static int begin_part(struct upload *u)
{
	const struct multipart *m = &u->multipart;

	if (!str_is(m->name, "file") || !m->filename.p) {
		u->part = PART_OTHER;
		return 0;
	}
	if (u->filename)
		return errbuf_set(&u->why, -EBADMSG, "more than one file");
	if (!is_csv_name(m->filename))
		return errbuf_set(&u->why, -EBADMSG, "Only CSV files are supported.");
	u->filename = arena_strndup(http_arena(u->call->exchange), m->filename);
	u->part = PART_FILE;
	return u->filename ? 0 : -ENOMEM;
}

static int end_part(struct upload *u)
{
	int r = 0;

	if (u->part == PART_FILE) {
		r = csv_finish(u->csv, &u->why);
		if (r == 0 && !u->have_columns)
			r = on_header(u, NULL, 0);
	}
	u->part = PART_NONE;
	return r;
}

/* The next event of what is pending; 0 when all is worked off, 1 when there may be more. */
static int step_body(struct upload *u)
{
	struct str in = { u->pending.p + u->pending_at, u->pending.n - u->pending_at };
	struct str data = { 0 };
	enum multipart_event event = multipart_next(&u->multipart, &in, &data);
	int r = 0;

	u->pending_at = u->pending.n - in.n;
	switch (event) {
	case MULTIPART_MORE:
		return 0;
	case MULTIPART_PART:
		r = begin_part(u);
		break;
	case MULTIPART_DATA:
		if (u->part == PART_FILE)
			u->data = data;
		break;
	case MULTIPART_PART_END:
		r = end_part(u);
		break;
	case MULTIPART_END:
		break;
	case MULTIPART_BAD:
		r = errbuf_set(&u->why, -EBADMSG, "bad multipart body: %s", u->multipart.why);
		break;
	}
	return r < 0 ? r : 1;
}

static int step_data(struct upload *u)
{
	size_t n = u->data.n < PIECE ? u->data.n : PIECE;
	struct str piece = { u->data.p, n };

	u->data.p += n;
	u->data.n -= n;
	return csv_read(u->csv, piece, &u->why);
}

static bool client_is_behind(const struct upload *u)
{
	return u->as_csv && u->have_columns && http_output_pending(u->call->exchange) > PENDING_MAX;
}

static bool on_slice(void *work, uint64_t until_ns)
{
	struct upload *u = work;
	int more = 1;
	int r = 0;

	do {
		if (client_is_behind(u)) {
			u->slice = NULL; /* upload_writable() goes on */
			return false;
		}
		if (u->data.n > 0)
			r = step_data(u);
		else
			r = more = step_body(u);
	} while (r >= 0 && more > 0 && clock_mono_ns() < until_ns);
	if (r < 0) {
		u->slice = NULL;
		end_failed(u, r);
		return false;
	}
	if (more > 0)
		return true;
	u->slice = NULL;
	strbuf_reset(&u->pending);
	u->pending_at = 0;
	http_resume_body(u->call->exchange);
	return false;
}

static void work_on(struct upload *u)
{
	if (!u->slice && slices_add(u->call->front->slices, on_slice, u, &u->slice) < 0)
		end_failed(u, -ENOMEM);
}

void upload_data(struct call *c, struct str bytes)
{
	struct upload *u = c->work;

	if (u->ended)
		return;
	http_pause_body(c->exchange);
	strbuf_add(&u->pending, bytes.p, bytes.n);
	if (strbuf_error(&u->pending))
		end_failed(u, -ENOMEM);
	else
		work_on(u);
}

void upload_writable(struct call *c)
{
	struct upload *u = c->work;

	if (u && !u->ended && (u->pending_at < u->pending.n || u->data.n > 0))
		work_on(u);
}

/* --- the answer --- */

static void write_head(struct upload *u, struct json_writer *w)
{
	json_begin_object(w);
	json_write_name(w, "filename");
	json_write_text(w, str_of(u->filename));
	json_write_name(w, "count");
	json_write_unsigned(w, u->count);
	score_write_model(w, &u->call->generation->model);
	json_write_name(w, "results");
	json_write_raw(w, STR("["));
}

static void write_tail(struct upload *u, struct strbuf *tail)
{
	uint64_t max = front_settings(u->call->front)->upload.max_errors;

	strbuf_adds(tail, "],\"errors\":[");
	strbuf_add(tail, u->errors.p, u->errors.n);
	strbuf_addc(tail, ']');
	if (u->error_count > max)
		strbuf_addf(tail, ",\"errors_omitted\":%llu",
		            (unsigned long long)(u->error_count - max));
	strbuf_addc(tail, '}');
}

static void answer_json(struct upload *u)
{
	struct call *c = u->call;
	struct strbuf *head = &c->front->out;
	struct strbuf tail = { 0 };
	struct json_writer w = { .out = head };

	strbuf_reset(head);
	write_head(u, &w);
	write_tail(u, &tail);
	u->ended = true;
	if (strbuf_error(head) || strbuf_error(&tail) || strbuf_error(&u->errors)) {
		answer_error(c, 503, 1, "out of memory");
	} else {
		answer_prepare(c, 200);
		http_answer_begin(c->exchange, 200, TYPE_JSON,
		                  (int64_t)(head->n + u->spool.size + tail.n));
		http_answer_part(c->exchange, strbuf_str(head));
		if (u->spool.size > 0) {
			http_answer_part_file(c->exchange, u->spool.fd, 0, (off_t)u->spool.size);
			u->spool.fd = -1;
		}
		http_answer_part(c->exchange, strbuf_str(&tail));
		http_answer_end(c->exchange);
	}
	strbuf_done(&tail);
}

void upload_end(struct call *c)
{
	struct upload *u = c->work;
	int r;

	if (u->ended)
		return;
	if (!multipart_is_complete(&u->multipart)) {
		end_with(u, 400, 0, "the multipart body ends early");
		return;
	}
	if (!u->filename) {
		end_missing_file(u);
		return;
	}
	r = flush_at(u, 0);
	if (r < 0) {
		end_failed(u, r);
	} else if (u->as_csv) {
		u->ended = true;
		http_answer_end(c->exchange);
	} else {
		answer_json(u);
	}
}

static struct upload *new_upload(struct call *c)
{
	struct arena *a = http_arena(c->exchange);
	struct upload *u = arena_calloc(a, 1, sizeof(*u));
	struct csv_options csv = { .on_row = on_row, .on_bad_row = on_bad_row, .self = u };

	if (!u)
		return NULL;
	u->call = c;
	u->spool.fd = -1;
	u->results.out = &u->out;
	u->error_writer.out = &u->errors;
	u->as_csv = call_accepts(c, "text/csv");
	if (arena_on_free(a, free_upload, u) < 0 || csv_reader_new(&csv, &u->csv) < 0)
		return NULL;
	c->work = u;
	return u;
}

void handle_upload(struct call *c)
{
	struct upload *u = new_upload(c);
	struct faults *f = faults_new(c);
	int r;

	if (!u || !f) {
		answer_error(c, 503, 1, "out of memory");
		return;
	}
	query_read(c, f, &u->options);
	if (f->count > 0) {
		u->ended = true;
		answer_faults(c, f);
		return;
	}
	r = multipart_start(&u->multipart, http_field(c->exchange, "Content-Type"));
	if (r == -EINVAL)
		end_with(u, 400, 0, "Missing boundary in multipart.");
	else if (r < 0)
		end_missing_file(u);
}
