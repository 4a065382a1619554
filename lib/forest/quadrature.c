/*
 * The points at which a tree's explanation is evaluated. A Shapley value is the integral over
 * [0, 1] of a polynomial in t whose degree is one less than the number of different features on
 * a path, so a short Gauss-Legendre rule gives it exactly. Roots of the Legendre polynomial by
 * Newton's method from the usual cosine guess; used once a model, when its image is built.
 */
#include "forest/quadrature.h"

#include <math.h>

/* P_q(x) by the three-term recurrence, and its derivative. x is inside (-1, 1). */
static double legendre(unsigned q, double x, double *ret_slope)
{
	double before = 1;
	double p = x;

	for (unsigned k = 2; k <= q; k++) {
		double next = ((2 * k - 1) * x * p - (k - 1) * before) / k;

		before = p;
		p = next;
	}
	*ret_slope = q * (x * p - before) / (x * x - 1);
	return p;
}

/* The i-th root from the top. Newton converges quadratically: five steps are enough, eight safe. */
static double root(unsigned q, unsigned i, double *ret_slope)
{
	double x = cos(M_PI * (i + 0.75) / (q + 0.5));

	for (int step = 0; step < 8; step++)
		x -= legendre(q, x, ret_slope) / *ret_slope;
	legendre(q, x, ret_slope);
	return x;
}

void quadrature_rule(unsigned q, struct forest_point *ret)
{
	for (unsigned i = 0; i < q; i++) {
		double slope;
		double x = root(q, i, &slope);

		ret[q - 1 - i].t = 0.5 * (x + 1);
		ret[q - 1 - i].weight = 1 / ((1 - x * x) * slope * slope);
	}
}
