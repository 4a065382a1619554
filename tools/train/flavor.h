/* The files by which Python's MLflow takes a version folder for an xgboost model. */
#ifndef TRAIN_FLAVOR_H
#define TRAIN_FLAVOR_H

#include <stdint.h>

#include "base/strbuf.h"
#include "features/program.h"

struct flavor {
	const char *xgboost; /* version of the library that wrote the model; newer ones read it */
	const struct program *program; /* its features are the model's columns */
	struct str model;              /* content of model.ubj */
	int64_t created_us;
};

/* Failures are the buffer's, or -ENOMEM of a digest. */
int flavor_mlmodel(struct strbuf *out, const struct flavor *f);
void flavor_requirements(struct strbuf *out, const char *xgboost);
void flavor_python_env(struct strbuf *out);
void flavor_conda(struct strbuf *out, const char *xgboost);

#endif
