/* The files by which Python's MLflow takes a version folder for an xgboost model. */
#ifndef TRAIN_FLAVOR_H
#define TRAIN_FLAVOR_H

#include <stdint.h>

#include "base/strbuf.h"

/* xgboost: version of the library that wrote model.ubj; newer ones read it. */
void flavor_mlmodel(struct strbuf *out, const char *xgboost, int64_t created_us);
void flavor_requirements(struct strbuf *out, const char *xgboost);
void flavor_python_env(struct strbuf *out);
void flavor_conda(struct strbuf *out, const char *xgboost);

#endif
