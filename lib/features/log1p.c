/*
 * The natural logarithm of 1 + x from additions, multiplications and divisions only. IEEE 754 fixes
 * each of them to the bit (and the build forbids fused ones), so a model trained on one host finds
 * the same feature on every other. glibc's log1p picks a kernel by CPU.
 *
 * ln(1 + x) = e ln 2 + 2 atanh(s), s = (m - 1) / (m + 1), where 1 + x = m 2^e with m in
 * [sqrt(1/2), sqrt(2)): the series in s^2 <= 0.0295 is cut where its next term is below 2^-60.
 */
#include "features/log1p.h"

#include <math.h>

#define LN2_HIGH 0x1.62e42fee00000p-1 /* 32 bits: times an exponent it is exact */
#define LN2_LOW 0x1.a39ef35793c76p-33
#define SQRT_HALF 0x1.6a09e667f3bcdp-1

/* 2 atanh(s) - 2 s */
static double atanh_tail(double s)
{
	static const double terms[] = { 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13,
		                        2.0 / 11, 2.0 / 9,  2.0 / 7,  2.0 / 5,  2.0 / 3 };
	double z = s * s;
	double sum = 2.0 / 23;

	for (unsigned i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		sum = sum * z + terms[i];
	return sum * z * s;
}

double log1p_portable(double x)
{
	double u = 1 + x;
	double lost, m, s, f;
	int e;

	if (isinf(x))
		return x;
	/* What rounding 1 + x dropped, relative to it. */
	lost = (x > 1 ? 1 - (u - x) : x - (u - 1)) / u;
	m = frexp(u, &e);
	if (m < SQRT_HALF) {
		m *= 2;
		e--;
	}
	f = m - 1;
	s = f / (m + 1);
	return e * LN2_HIGH + (2 * s + (atanh_tail(s) + (lost + e * LN2_LOW)));
}
