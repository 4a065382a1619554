/* How well anybody could judge the rows: the generator's own probabilities against the outcome. */
#ifndef CTL_DEMO_CEILING_H
#define CTL_DEMO_CEILING_H

#include <stdbool.h>
#include <stdint.h>

#define DEMO_CEILING_BINS 4096

struct demo_ceiling {
	uint64_t fraud[DEMO_CEILING_BINS], honest[DEMO_CEILING_BINS];
};

void demo_ceiling_add(struct demo_ceiling *c, double risk, bool fraud);
/* NaN without both outcomes. Average precision = sum of precision over steps of recall. */
double demo_ceiling_roc_auc(const struct demo_ceiling *c);
double demo_ceiling_average_precision(const struct demo_ceiling *c);

#endif
