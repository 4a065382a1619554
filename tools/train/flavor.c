/*
 * MLmodel and its companions, as mlflow.xgboost.save_model() writes them, so that
 * mlflow.xgboost.load_model(folder) and mlflow.pyfunc.load_model(folder) work. The columns that
 * they expect are the features, after the feature program: all of them "double", for pandas has
 * nothing narrower by itself and MLflow refuses a double where another type is announced; all of
 * them required, missing values being NaN in a column that is there.
 */
#include "flavor.h"

#include "base/civil.h"
#include "base/encode.h"
#include "bundle/bundle.h"
#include "json/writer.h"

#define PYTHON_VERSION "3.11.2" /* two dots: one would make it a number in YAML */
#define MLFLOW_OLDEST "2.9.2"
#define UUID_DIGITS 32

static void write_column(struct json_writer *w, struct str name)
{
	json_begin_object(w);
	json_write_name(w, "type");
	json_write_text(w, STR("double"));
	json_write_name(w, "name");
	json_write_text(w, name);
	json_write_name(w, "required");
	json_write_bool(w, true);
	json_end_object(w);
}

/* JSON as a text of YAML, between quotes: a quote within is doubled. */
static void add_quoted(struct strbuf *out, struct str text)
{
	strbuf_addc(out, '\'');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\'')
			strbuf_addc(out, '\'');
		strbuf_addc(out, text.p[i]);
	}
	strbuf_addc(out, '\'');
}

static int add_signature(struct strbuf *out, const struct program *p)
{
	struct strbuf inputs = { 0 };
	struct json_writer w = { .out = &inputs };
	int r;

	json_begin_array(&w);
	for (uint32_t i = 0; i < p->feature_count; i++)
		write_column(&w, program_feature_name(p, i));
	json_end_array(&w);
	strbuf_adds(out, "signature:\n  inputs: ");
	add_quoted(out, strbuf_str(&inputs));
	strbuf_adds(out, "\n  outputs: '[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": "
	                 "\"float32\", \"shape\": [-1]}}]'\n"
	                 "  params: null\n");
	r = strbuf_error(&inputs);
	strbuf_done(&inputs);
	return r;
}

int flavor_mlmodel(struct strbuf *out, const struct flavor *f)
{
	struct civil c = civil_of_us(f->created_us);
	char digits[2 * BUNDLE_SHA256_SIZE + 1];
	uint8_t digest[BUNDLE_SHA256_SIZE];
	int r = bundle_sha256(f->model, digest);

	if (r < 0)
		return r;
	hex_encode(digest, sizeof(digest), digits);
	strbuf_addf(out,
	            "artifact_path: model\n"
	            "flavors:\n"
	            "  python_function:\n"
	            "    data: model.ubj\n"
	            "    env:\n"
	            "      conda: conda.yaml\n"
	            "      virtualenv: python_env.yaml\n"
	            "    loader_module: mlflow.xgboost\n"
	            "    python_version: " PYTHON_VERSION "\n"
	            "  xgboost:\n"
	            "    code: null\n"
	            "    data: model.ubj\n"
	            "    model_class: xgboost.core.Booster\n"
	            "    model_format: ubj\n"
	            "    xgb_version: %s\n"
	            "mlflow_version: " MLFLOW_OLDEST "\n"
	            "model_size_bytes: %zu\n"
	            "model_uuid: '%.*s'\n",
	            f->xgboost, f->model.n, UUID_DIGITS, digits);
	r = add_signature(out, f->program);
	strbuf_addf(out, "utc_time_created: '%04d-%02u-%02u %02u:%02u:%02u.000000'\n", c.year,
	            c.month, c.day, c.hour, c.minute, c.second);
	return r;
}

void flavor_requirements(struct strbuf *out, const char *xgboost)
{
	strbuf_addf(out, "mlflow>=" MLFLOW_OLDEST "\nxgboost>=%s\n", xgboost);
}

void flavor_python_env(struct strbuf *out)
{
	strbuf_adds(out, "python: '" PYTHON_VERSION "'\n"
	                 "build_dependencies:\n"
	                 "- pip\n"
	                 "- setuptools\n"
	                 "- wheel\n"
	                 "dependencies:\n"
	                 "- -r requirements.txt\n");
}

void flavor_conda(struct strbuf *out, const char *xgboost)
{
	strbuf_addf(out,
	            "channels:\n"
	            "- conda-forge\n"
	            "dependencies:\n"
	            "- python=" PYTHON_VERSION "\n"
	            "- pip\n"
	            "- pip:\n"
	            "  - mlflow>=" MLFLOW_OLDEST "\n"
	            "  - xgboost>=%s\n"
	            "name: mlflow-env\n",
	            xgboost);
}
