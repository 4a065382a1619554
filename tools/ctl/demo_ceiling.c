/*
 * The ceiling: a judge who knows of every row its episode and the true probability of fraud, but
 * not the outcome. No model can rank better on average, because all that a model sees was drawn
 * before the outcome and tells at most that probability. Counted in bins so that memory does not
 * grow with the rows.
 *
 * Called by demo_command.c.
 */
#include "demo_ceiling.h"

#include <math.h>

void demo_ceiling_add(struct demo_ceiling *c, double risk, bool fraud)
{
	unsigned bin = (unsigned)(risk * (DEMO_CEILING_BINS - 1));

	(fraud ? c->fraud : c->honest)[bin]++;
}

double demo_ceiling_roc_auc(const struct demo_ceiling *c)
{
	double fraud = 0, honest = 0, above = 0;
	unsigned i;

	for (i = 0; i < DEMO_CEILING_BINS; i++) {
		/* Equal probabilities count half. */
		above += (double)c->fraud[i] * (honest + (double)c->honest[i] / 2);
		fraud += (double)c->fraud[i];
		honest += (double)c->honest[i];
	}
	return fraud > 0 && honest > 0 ? above / (fraud * honest) : NAN;
}

double demo_ceiling_average_precision(const struct demo_ceiling *c)
{
	double fraud = 0, honest = 0, sum = 0;
	unsigned i;

	for (i = DEMO_CEILING_BINS; i > 0; i--) {
		fraud += (double)c->fraud[i - 1];
		honest += (double)c->honest[i - 1];
		if (c->fraud[i - 1])
			sum += (double)c->fraud[i - 1] * fraud / (fraud + honest);
	}
	return fraud > 0 && honest > 0 ? sum / fraud : NAN;
}
