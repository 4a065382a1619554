/* Whether two names are the same to a person: NFKC, upper case, white space around them dropped. */
#ifndef FEATURES_TEXT_SAME_H
#define FEATURES_TEXT_SAME_H

#include "base/str.h"

/* 1, 0, or -ENOMEM. Allocates only for texts that are not ASCII and not byte for byte equal. */
int text_same(struct str a, struct str b);

#endif
