/*
 * MLmodel and its companions, as mlflow.xgboost.save_model() writes them, so that
 * mlflow.xgboost.load_model(folder) and mlflow.pyfunc.load_model(folder) work. The features that
 * they expect are those after the feature program.
 */
#include "flavor.h"

#include "base/civil.h"

#define PYTHON_VERSION "3.11.2" /* two dots: one would make it a number in YAML */
#define MLFLOW_OLDEST "2.9.2"

void flavor_mlmodel(struct strbuf *out, const char *xgboost, int64_t created_us)
{
	struct civil c = civil_of_us(created_us);

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
	            "utc_time_created: '%04d-%02u-%02u %02u:%02u:%02u.000000'\n",
	            xgboost, c.year, c.month, c.day, c.hour, c.minute, c.second);
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
