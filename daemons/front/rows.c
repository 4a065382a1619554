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
	if (value)
		faults_add(r->faults, &at, fault, &shown);
	else
		faults_add_missing(r->faults, &at, r->program, r->object);
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
