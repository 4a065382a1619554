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

#define CUT_BYTES 65536

enum batch_phase { BATCH_CUT, BATCH_SCORE };

struct batch {
	struct call *call;
	struct slice *slice;
	enum batch_phase phase;
	struct cut cut;
	struct faults *faults;
	struct score_options options;
	size_t next;            /* element to look at */
	size_t first, count;    /* those of them that are the transactions */
	struct arena row_arena; /* of one element */
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

	json_begin_object(w);
	json_write_name(w, "count");
	json_write_unsigned(w, count);
	score_write_model(w, &b->call->generation->model);
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

/* The list is found in the skeleton: its children are the numbers of the elements, which follow
 * one another. */
static void find_list(struct batch *b, const struct cJSON *skeleton)
{
	const struct cJSON *list;
	int64_t first;

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
		b->count = json_count(list);
	if (b->count > 0 && json_integer(json_first(list), &first))
		b->first = (size_t)first;
	write_head(b, b->count);
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
		b->next = b->cut.count; /* they are elements of nothing */
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
	struct score_result result;

	rows_score(b->call, &b->options, &result);
	score_write_json(&b->writer, &g->model, g->row, &result, false);
}

static void read_transaction(struct batch *b, const struct cJSON *element)
{
	struct fault_place at = { .source = "body",
		                  .list = "transactions",
		                  .index = (int64_t)(b->next - b->first) };

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
	if (r == 0 && b->next - b->first < b->count)
		read_transaction(b, element);
	return arena_failed(&b->row_arena) ? -ENOMEM : r;
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
	const struct settings *s = front_settings(c->front);

	b->slice = NULL;
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

static bool on_slice(void *work, uint64_t until_ns)
{
	struct batch *b = work;
	int r = 0;

	do {
		if (b->phase == BATCH_CUT) {
			r = cut_step(&b->cut, CUT_BYTES);
			if (r == 0)
				r = end_cut(b);
		} else if (b->next < b->cut.count) {
			r = read_element(b);
			b->next++;
		} else {
			finish(b);
			return false;
		}
	} while (r >= 0 && clock_mono_ns() < until_ns);
	if (r < 0)
		fail(b, r);
	return r >= 0;
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
