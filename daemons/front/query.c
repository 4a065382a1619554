/* Query parameters of the scoring routes. What is wrong joins the faults of the body: a client gets
 * all of it in one answer. */
#include "query.h"

#include "features/row.h"
#include "http/exchange.h"
#include "http/uri.h"

static void add(struct call *c, struct faults *f, const char *name, struct field_fault what)
{
	struct fault_place at = { .source = "query", .member = str_of(name) };
	struct fault_input input = { 0 };

	http_parameter(c->exchange, name, &input.text);
	faults_add(f, &at, &what, &input);
}

bool query_flag(struct call *c, struct faults *f, const char *name, bool otherwise)
{
	bool value = otherwise;
	struct str text;
	int r = uri_parameter_bool(http_query(c->exchange), name, http_arena(c->exchange), &value);

	if (r >= 0)
		return value;
	if (!f)
		return http_parameter(c->exchange, name, &text) && text.n == 0;
	add(c, f, name,
	    (struct field_fault){
	            .type = "bool_parsing",
	            .message = "Input should be a valid boolean, unable to interpret input" });
	return otherwise;
}

/* As pydantic reads an integer from a text: "3", "+3", "1_0", "3.0". False: the fault is told. */
static bool read_top_k(struct call *c, struct faults *f, struct str text, int64_t *ret)
{
	const struct program_input integer = { .type = INPUT_INTEGER };
	struct field_fault what;
	struct cell cell;
	int r = cell_from_text(&integer, text, &cell, &what);

	if (r == 0 && cell.present) {
		*ret = cell.v.integer;
		return true;
	}
	if (r == 0) /* "" or "null", which is a missing value to a column of a CSV file */
		what = (struct field_fault){
			.type = "int_parsing",
			.message = "Input should be a valid integer, unable to parse string as an "
			           "integer"
		};
	add(c, f, "top_k", what);
	return false;
}

static unsigned top_k(struct call *c, struct faults *f)
{
	struct str text;
	int64_t k = 3;

	if (http_parameter(c->exchange, "top_k", &text) && !read_top_k(c, f, text, &k))
		return 0;
	if (k > SCORE_MAX_REASONS)
		add(c, f, "top_k",
		    (struct field_fault){ .type = "less_than_equal",
		                          .message = "Input should be less than or equal to 50",
		                          .ctx = STR("{\"le\":50}") });
	else if (k < 0)
		add(c, f, "top_k",
		    (struct field_fault){ .type = "greater_than_equal",
		                          .message = "Input should be greater than or equal to 0",
		                          .ctx = STR("{\"ge\":0}") });
	return k >= 0 && k <= SCORE_MAX_REASONS ? (unsigned)k : 0;
}

void query_read(struct call *c, struct faults *f, struct score_options *ret)
{
	bool explain = query_flag(c, f, "explain", true);
	bool allow = query_flag(c, f, "include_allow", true);

	ret->top_k = top_k(c, f);
	ret->explain_from = allow ? DECISION_ALLOW : DECISION_REVIEW;
	if (!explain || ret->top_k == 0)
		ret->explain_from = DECISION_MAX;
}
