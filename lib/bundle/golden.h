/*
 * golden.csv: rows of inputs with the margin and the SHAP values that the program which trained got
 * from XGBoost itself. Columns: the inputs, then "@margin", "@shap:<feature>" for each feature in
 * order, "@bias". float32 as the shortest text that reads back to it.
 */
#ifndef BUNDLE_GOLDEN_H
#define BUNDLE_GOLDEN_H

#include "base/strbuf.h"
#include "features/program.h"
#include "score/score.h"

/* The columns behind the inputs, without the line's end: ",@margin,@shap:a,…,@bias". */
void golden_write_header(struct strbuf *out, const struct program *p);
/* ",<margin>,<shap>…,<bias>\n": contributions has feature_count + 1 values. */
void golden_write_row(struct strbuf *out, const struct program *p, float margin,
                      const float *contributions);

/* Scores every row of the text: margins bit for bit, SHAP within 1e-5 * max(1, |margin|). Returns
 * the number of rows, or -EBADMSG with row and feature, -ENOMEM. */
int golden_check(struct str csv, const struct score_model *m, struct errbuf *err);

#endif
