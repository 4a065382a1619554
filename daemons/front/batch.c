/*
 * POST /score/batch: many transactions in one body. The work goes in slices: cut the body into its
 * elements, then parse, check and score one element after another. Results are written as they
 * come; once a fault is found only faults are looked for, because a request with one bad element
 * scores nothing. Elements of lists that nobody asked for are looked at too: bad JSON is bad JSON
 * wherever it stands.
 */
#include <errno.h>

#include "base/clock.h"
#include "cut.h"
#include "generation.h"
#include "handlers.h"
#include "http/exchange.h"
#include "query.h"
#include "rows.h"
#include "slices.h"
#include "json/value.h"

#define LIST "transactions"
/* Of a body, between two looks at the clock: short elements are thousands in this. */
#define CUT_BYTES 8192
/* Of an answer that is sent: handed on at once. */
#define SEND_BYTES 131072
/* A body without the list is shown up to this size. */
#define SHOWN_MAX 65536

enum batch_phase { BATCH_CUT, BATCH_SCORE, BATCH_SEND };

struct batch {
	struct call *call;
	struct slice *slice;
	enum batch_phase phase;
	struct cut cut;
	struct faults *faults;
	struct score_options options;
	size_t next;            /* element to look at */
	struct cut_list list;   /* which of them are the transactions */
	struct arena row_arena; /* of one element */
	struct strbuf out;
	size_t sent;
	struct json_writer writer;
};

static void free_batch(void *work)
{
	struct batch *b = work;

	slice_cancel(b->slice);
	cut_done(&b->cut);
	arena_done(&b->row_arena);
	strbuf_done(&b->out);
}

static void write_head(struct batch *b, size_t count)
{
	struct json_writer *w = &b->writer;

	json_begin_object(w);
	json_write_name(w, "count");
	json_write_unsigned(w, count);
	score_write_model(w, &b->call->generation->model);
	json_write_name(w, "results");
	json_begin_array(w);
}

/* What stands where the list should be is shown with the numbers of elements in their place, and
 * not at all if it is long. */
static int tell_no_list(struct batch *b, enum cut_found found)
{
	static const struct field_fault faults[] = {
		[CUT_NO_OBJECT] = { .type = "model_attributes_type",
		                    .message = "Input should be a valid dictionary or object to "
		                               "extract fields from" },
		[CUT_NO_MEMBER] = { .type = "missing", .message = "Field required" },
		[CUT_NO_LIST] = { .type = "list_type", .message = "Input should be a valid list" },
	};
	struct str skeleton = strbuf_str(&b->cut.skeleton);
	struct fault_place at = { .source = "body" };
	struct fault_input input = { 0 };
	struct json_fault fault;
	int r = 0;

	if (skeleton.n <= SHOWN_MAX)
		r = json_parse(skeleton, http_arena(b->call->exchange), &input.value, &fault);
	if (r < 0)
		return r;
	if (found != CUT_NO_OBJECT)
		at.member = STR(LIST);
	if (found == CUT_NO_LIST && input.value)
		input.value = json_member(input.value, LIST);
	faults_add(b->faults, &at, &faults[found], &input);
	return 0;
}

static int end_cut(struct batch *b)
{
	struct arena *a = http_arena(b->call->exchange);
	struct json_fault fault;
	int r;

	b->phase = BATCH_SCORE;
	r = cut_find_list(&b->cut, LIST, a, &b->list, &fault);
	if (r == -EBADMSG) {
		faults_add_json(b->faults, &fault);
		b->next = b->cut.count; /* they are elements of nothing */
		return 0;
	}
	if (r == 0 && b->list.found != CUT_LIST)
		r = tell_no_list(b, b->list.found);
	write_head(b, b->list.count);
	return r;
}

static void score_element(struct batch *b)
{
	struct generation *g = b->call->generation;
	struct score_result result;

	rows_score(b->call, &b->options, &result);
	score_write_json(&b->writer, &g->model, g->row, &result, false);
}

static void read_transaction(struct batch *b, const struct cJSON *element)
{
	struct fault_place at = { .source = "body",
		                  .list = LIST,
		                  .index = (int64_t)(b->next - b->list.first) };

	if (rows_read(b->call, element, &at, &b->row_arena, b->faults) && b->faults->count == 0)
		score_element(b);
}

static int read_element(struct batch *b)
{
	struct str text = cut_element(&b->cut, b->next);
	const struct cJSON *element;
	struct json_fault fault;
	int r;

	/* One element is read in one go: it may be as large as a whole body of /score. */
	if (text.n > front_settings(b->call->front)->http.max_body_bytes)
		return -EMSGSIZE;
	arena_reset(&b->row_arena);
	r = json_parse(text, &b->row_arena, &element, &fault);
	if (r == -EBADMSG) {
		fault.offset += (size_t)(text.p - b->cut.body.p);
		faults_add_json(b->faults, &fault);
		return 0;
	}
	if (r == 0 && b->next - b->list.first < b->list.count)
		read_transaction(b, element);
	return arena_failed(&b->row_arena) ? -ENOMEM : r;
}

/* True while the answer is to be sent. */
static bool finish(struct batch *b)
{
	struct call *c = b->call;

	json_end_array(&b->writer);
	json_end_object(&b->writer);
	if (b->faults->count > 0) {
		answer_faults(c, b->faults);
		return false;
	}
	if (strbuf_error(&b->out)) {
		answer_error(c, 503, 1, "out of memory");
		return false;
	}
	answer_prepare(c, 200);
	http_answer_begin(c->exchange, 200, TYPE_JSON, (int64_t)b->out.n);
	b->phase = BATCH_SEND;
	return true;
}

/* True while there is more. */
static bool send_on(struct batch *b)
{
	size_t n = b->out.n - b->sent < SEND_BYTES ? b->out.n - b->sent : SEND_BYTES;

	http_answer_part(b->call->exchange, (struct str){ b->out.p + b->sent, n });
	b->sent += n;
	if (b->sent < b->out.n)
		return true;
	http_answer_end(b->call->exchange);
	return false;
}

static void fail(struct batch *b, int r)
{
	struct call *c = b->call;
	const struct settings *s = front_settings(c->front);

	if (r == -E2BIG)
		answer_error(c, 413, 0, "a request may hold %u transactions",
		             s->batch.max_transactions);
	else if (r == -EMSGSIZE)
		answer_error(c, 413, 0, "a transaction may be %u bytes long",
		             s->http.max_body_bytes);
	else if (r == -EFBIG)
		answer_error(c, 413, 0, "the body holds too much beside its transactions");
	else
		answer_error(c, 503, 1, "out of memory");
}

/* 1: there is more; 0: the call has ended; or why it must. */
static int step(struct batch *b)
{
	int r;

	switch (b->phase) {
	case BATCH_CUT:
		r = cut_step(&b->cut, CUT_BYTES);
		if (r == 0)
			r = end_cut(b);
		return r < 0 ? r : 1;
	case BATCH_SCORE:
		if (b->next == b->cut.count)
			return finish(b);
		r = read_element(b);
		b->next++;
		return r < 0 ? r : 1;
	case BATCH_SEND:
		break;
	}
	return send_on(b);
}

static bool on_slice(void *work, uint64_t until_ns)
{
	struct batch *b = work;
	int r;

	do {
		r = step(b);
	} while (r > 0 && clock_mono_ns() < until_ns);
	if (r > 0)
		return true;
	b->slice = NULL;
	if (r < 0)
		fail(b, r);
	return false;
}

static struct batch *new_batch(struct call *c)
{
	struct arena *a = http_arena(c->exchange);
	struct batch *b = arena_calloc(a, 1, sizeof(*b));

	if (!b)
		return NULL;
	b->call = c;
	b->writer.out = &b->out;
	b->faults = faults_new(c);
	cut_init(&b->cut, http_body(c->exchange), front_settings(c->front)->batch.max_transactions);
	return b->faults && arena_on_free(a, free_batch, b) == 0 ? b : NULL;
}

void handle_batch(struct call *c)
{
	struct batch *b;

	if (!rows_check_type(c))
		return;
	b = new_batch(c);
	if (!b) {
		answer_error(c, 503, 1, "out of memory");
		return;
	}
	query_read(c, b->faults, &b->options);
	if (!rows_have_body(c, b->faults))
		answer_faults(c, b->faults);
	else if (slices_add(c->front->slices, on_slice, b, &b->slice) < 0)
		answer_error(c, 503, 1, "out of memory");
}
