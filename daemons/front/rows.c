/* JSON bodies into rows: what /score has once and /score/batch many times. */
#include "rows.h"

#include "generation.h"
#include "http/exchange.h"
#include "json/value.h"

struct reading {
	struct faults *faults;
	const struct fault_place *at;
	const struct program *program;
	const struct cJSON *object;
};

static void on_fault(void *self, uint32_t input, const struct field_fault *fault,
                     const struct cJSON *value)
{
	struct reading *r = self;
	const struct program_input *in = &r->program->inputs[input];
	struct fault_place at = *r->at;
	struct fault_input shown = { .value = value, .hidden = in->private };

	at.member = in->name;
	/* What is missing is shown as pydantic does: the object that lacks it. */
	if (!value)
		shown = (struct fault_input){ .value = r->object };
	faults_add(r->faults, &at, fault, &shown);
}

bool rows_read(struct call *c, const struct cJSON *object, const struct fault_place *at,
               struct arena *a, struct faults *f)
{
	struct generation *g = c->generation;
	struct reading reading = { f, at, &g->model.program, object };

	if (json_type(object) != JSON_TYPE_OBJECT) {
		faults_add(f, at,
		           &(struct field_fault){
		                   .type = "model_attributes_type",
		                   .message = "Input should be a valid dictionary or object to "
		                              "extract fields from" },
		           &(struct fault_input){ .value = object });
		return false;
	}
	program_row_reset(&g->model.program, g->row);
	return row_from_json(&g->model.program, object, a, g->row, on_fault, &reading) == 0;
}

void rows_score(struct call *c, const struct score_options *o, struct score_result *ret)
{
	struct scoreboard_slot *slot = c->front->slot;
	struct generation *g = c->generation;

	score_row(&g->model, g->row, o, &g->scratch, ret);
	atomic_fetch_add_explicit(&slot->rows_scored, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&slot->decisions[ret->decision], 1, memory_order_relaxed);
	if (ret->reason_count > 0)
		atomic_fetch_add_explicit(&slot->rows_explained, 1, memory_order_relaxed);
}

bool rows_have_body(const struct call *c, struct faults *f)
{
	if (http_body(c->exchange).n > 0)
		return true;
	faults_add(f, &(struct fault_place){ .source = "body" },
	           &(struct field_fault){ .type = "missing", .message = "Field required" },
	           &(struct fault_input){ 0 });
	return false;
}

bool rows_check_type(struct call *c)
{
	struct str type = http_field(c->exchange, "Content-Type");
	const char *end;

	if (!type.p)
		return true;
	end = memchr(type.p, ';', type.n);
	if (end)
		type.n = (size_t)(end - type.p);
	type = str_trim(type);
	if (str_equal_nocase(type, STR(TYPE_JSON)) ||
	    (type.n > 5 && str_equal_nocase((struct str){ type.p + type.n - 5, 5 }, STR("+json"))))
		return true;
	answer_error(c, 415, 0, "Unsupported Media Type");
	return false;
}
