/* golden.csv: the chosen rows with what XGBoost says of them. */
#ifndef TRAIN_GOLDEN_ROWS_H
#define TRAIN_GOLDEN_ROWS_H

#include "base/errbuf.h"
#include "base/strbuf.h"
#include "dataset.h"
#include "xgb/xgb.h"

int golden_rows_write(const struct dataset *d, struct xgb_model *m, struct strbuf *out,
                      struct errbuf *err);

#endif
