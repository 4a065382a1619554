/* Gauss-Legendre rules on [0, 1]: q points integrate polynomials up to degree 2 q - 1 exactly. */
#ifndef FOREST_QUADRATURE_H
#define FOREST_QUADRATURE_H

#include "forest/image.h"

/* The q points of the rule, rising. 1 <= q <= FOREST_MAX_POINTS. */
void quadrature_rule(unsigned q, struct forest_point *ret);

/* Points that are exact for paths of so many different features: degree unique - 1. */
static inline unsigned quadrature_points(unsigned unique)
{
	return (unique + 1) / 2;
}

#endif
