/* Text without the white space around it: Unicode's White_Space, as Rust's and Python's trims. */
#ifndef FEATURES_TEXT_TRIM_H
#define FEATURES_TEXT_TRIM_H

#include "base/str.h"

struct str text_trim(struct str s);

#endif
