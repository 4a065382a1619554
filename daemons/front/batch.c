/*
 * POST /score/batch: many transactions in one body. The work goes in slices: cut the body into its
 * elements, then parse, check and score one element after another. Results are written as they
 * come; once a fault is found only faults are looked for, because a request with one bad element
 * scores nothing.
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

#define CUT_BYTES 65536

enum batch_phase { BATCH_CUT, BATCH_SCORE };

struct batch {
	struct call *call;
	struct slice *slice;
	enum batch_phase phase;
	struct cut cut;
	struct faults *faults;
	struct score_options options;
	const struct cJSON *next; /* of the skeleton's list: the number of an element */
	size_t index;             /* its place in the list */
	struct arena row_arena;   /* of one element */
	struct strbuf out;
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
	const struct score_model *m = &b->call->generation->model;

	json_begin_object(w);
	json_write_name(w, "count");
	json_write_unsigned(w, count);
	json_write_name(w, "threshold_low");
	json_write_float(w, m->threshold_low);
	json_write_name(w, "threshold_high");
	json_write_float(w, m->threshold_high);
	json_write_name(w, "model_version");
	json_write_text(w, m->version);
	json_write_name(w, "results");
	json_begin_array(w);
}

static void add_body_fault(struct batch *b, const char *member, const char *type,
                           const char *message, const struct cJSON *value)
{
	struct fault_place at = { .source = "body", .member = str_of(member) };

	faults_add(b->faults, &at, &(struct field_fault){ .type = type, .message = message },
	           &(struct fault_input){ .value = value });
}

/* The list is found in the skeleton: its children are the numbers of the elements. */
static void find_list(struct batch *b, const struct cJSON *skeleton)
{
	const struct cJSON *list;

	if (json_type(skeleton) != JSON_TYPE_OBJECT) {
		add_body_fault(
		        b, "", "model_attributes_type",
		        "Input should be a valid dictionary or object to extract fields from",
		        skeleton);
		return;
	}
	list = json_member(skeleton, "transactions");
	if (!list)
		add_body_fault(b, "transactions", "missing", "Field required", skeleton);
	else if (json_type(list) != JSON_TYPE_ARRAY)
		add_body_fault(b, "transactions", "list_type", "Input should be a valid list",
		               list);
	else
		b->next = json_first(list);
	write_head(b, list ? json_count(list) : 0);
}

/* 0, or the call has ended. */
static int end_cut(struct batch *b)
{
	struct arena *a = http_arena(b->call->exchange);
	const struct cJSON *skeleton;
	struct json_fault fault;
	int r;

	r = json_parse(strbuf_str(&b->cut.skeleton), a, &skeleton, &fault);
	if (r == -EBADMSG) {
		fault.offset = cut_body_offset(&b->cut, fault.offset);
		faults_add_json(b->faults, &fault);
		r = 0;
	} else if (r == 0) {
		find_list(b, skeleton);
	}
	b->phase = BATCH_SCORE;
	return r;
}

static void score_element(struct batch *b)
{
	struct generation *g = b->call->generation;
	struct scoreboard_slot *slot = b->call->front->slot;
	struct score_result result;

	score_row(&g->model, g->row, &b->options, &g->scratch, &result);
	atomic_fetch_add_explicit(&slot->rows_scored, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&slot->decisions[result.decision], 1, memory_order_relaxed);
	if (result.reason_count > 0)
		atomic_fetch_add_explicit(&slot->rows_explained, 1, memory_order_relaxed);
	score_write_json(&b->writer, &g->model, g->row, &result, false);
}

static int read_element(struct batch *b)
{
	struct fault_place at = { .source = "body",
		                  .list = "transactions",
		                  .index = (int64_t)b->index };
	const struct cJSON *element;
	struct json_fault fault;
	struct str text;
	int64_t number = 0;
	int r;

	json_integer(b->next, &number);
	text = cut_element(&b->cut, (size_t)number);
	arena_reset(&b->row_arena);
	r = json_parse(text, &b->row_arena, &element, &fault);
	if (r == -EBADMSG) {
		fault.offset += (size_t)(text.p - b->cut.body.p);
		faults_add_json(b->faults, &fault);
		return 0;
	}
	if (r < 0)
		return r;
	if (rows_read(b->call, element, &at, &b->row_arena, b->faults) && b->faults->count == 0)
		score_element(b);
	return arena_failed(&b->row_arena) ? -ENOMEM : 0;
}

static void finish(struct batch *b)
{
	struct call *c = b->call;

	json_end_array(&b->writer);
	json_end_object(&b->writer);
	b->slice = NULL;
	if (b->faults->count > 0)
		answer_faults(c, b->faults);
	else if (strbuf_error(&b->out))
		answer_error(c, 503, 1, "out of memory");
	else
		answer(c, 200, TYPE_JSON, strbuf_str(&b->out));
}

static void fail(struct batch *b, int r)
{
	struct call *c = b->call;
	unsigned max = front_settings(c->front)->batch.max_transactions;

	b->slice = NULL;
	if (r == -E2BIG)
		answer_error(c, 413, 0, "a request may hold %u transactions", max);
	else if (r == -EFBIG)
		answer_error(c, 413, 0, "the body holds too much beside its transactions");
	else
		answer_error(c, 503, 1, "out of memory");
}

static bool on_slice(void *work, uint64_t until_ns)
{
	struct batch *b = work;
	int r = 0;

	do {
		if (b->phase == BATCH_CUT) {
			r = cut_step(&b->cut, CUT_BYTES);
			if (r == 0)
				r = end_cut(b);
		} else if (b->next) {
			r = read_element(b);
			b->next = json_next(b->next);
			b->index++;
		} else {
			finish(b);
			return false;
		}
	} while (r >= 0 && clock_mono_ns() < until_ns);
	if (r < 0)
		fail(b, r);
	return r >= 0;
}

void handle_batch(struct call *c)
{
	struct arena *a = http_arena(c->exchange);
	struct batch *b;

	if (!rows_check_type(c))
		return;
	b = arena_calloc(a, 1, sizeof(*b));
	if (!b) {
		answer_error(c, 503, 1, "out of memory");
		return;
	}
	b->call = c;
	b->writer.out = &b->out;
	b->faults = faults_new(c);
	cut_init(&b->cut, http_body(c->exchange), front_settings(c->front)->batch.max_transactions);
	if (!b->faults || arena_on_free(a, free_batch, b) < 0 ||
	    slices_add(c->front->slices, on_slice, b, &b->slice) < 0) {
		answer_error(c, 503, 1, "out of memory");
		return;
	}
	query_read(c, b->faults, &b->options);
}
