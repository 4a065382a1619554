/* ln(1 + x) with the same bits on every host: libm's differs between versions and CPUs. */
#ifndef FEATURES_LOG1P_H
#define FEATURES_LOG1P_H

/* x >= 0 or infinite; error below 2 units in the last place of a double. */
double log1p_portable(double x);

#endif
