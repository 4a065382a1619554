/* POST /score: one transaction in, its score, decision and reasons out, in one turn of the loop. */
#include <errno.h>

#include "generation.h"
#include "handlers.h"
#include "http/exchange.h"
#include "query.h"
#include "rows.h"
#include "json/value.h"

static void answer_score(struct call *c, const struct score_options *options)
{
	struct generation *g = c->generation;
	struct strbuf *out = &c->front->out;
	struct json_writer w = { .out = out };
	struct score_result result;

	rows_score(c, options, &result);
	strbuf_reset(out);
	score_write_json(&w, &g->model, g->row, &result, true);
	answer_out(c, 200, TYPE_JSON);
}

static int read_body(struct call *c, struct faults *f, const struct cJSON **ret)
{
	struct json_fault fault;
	int r;

	if (!rows_have_body(c, f))
		return -EBADMSG;
	r = json_parse(http_body(c->exchange), http_arena(c->exchange), ret, &fault);
	if (r == -EBADMSG)
		faults_add_json(f, &fault);
	return r;
}

void handle_score(struct call *c)
{
	struct fault_place at = { .source = "body" };
	struct score_options options;
	const struct cJSON *body;
	struct faults *f;
	int r;

	if (!rows_check_type(c))
		return;
	f = faults_new(c);
	if (!f) {
		answer_error(c, 503, 1, "out of memory");
		return;
	}
	query_read(c, f, &options);
	r = read_body(c, f, &body);
	if (r == 0)
		rows_read(c, body, &at, http_arena(c->exchange), f);
	if (r == -ENOMEM || arena_failed(http_arena(c->exchange)))
		answer_error(c, 503, 1, "out of memory");
	else if (f->count > 0)
		answer_faults(c, f);
	else
		answer_score(c, &options);
}
