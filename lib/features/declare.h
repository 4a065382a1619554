/*
 * A feature program as it was declared: checked, names resolved, constants parsed, nothing learned.
 * Made by program_declare(), read by the compiler and the learner. Everything lies in the arena
 * that was given to program_declare().
 */
#ifndef FEATURES_DECLARE_H
#define FEATURES_DECLARE_H

#include "features/operators.h"
#include "features/program.h"

#define PROGRAM_MAX_COMPARISONS 64 /* of one flag */
#define PROGRAM_MAX_CONSTANTS 1024 /* in one list, of limits, of missing values */
#define PROGRAM_MAX_LEVELS 65536   /* of one category */

struct operand {
	enum operand_kind kind;
	uint32_t index; /* of the input, or of the feature for OPERAND_FEATURE */
};

/* left op right, or left op constants where right.kind is OPERAND_NONE. Which array is filled
 * follows from left.kind. */
struct declared_comparison {
	struct operand left, right;
	enum comparison_op op;
	double *numbers;
	int64_t *times;
	struct str *texts;
	uint32_t count;
};

enum declared_clip { CLIP_NONE, CLIP_FIXED, CLIP_IQR };

struct declared_feature {
	struct str name;
	unsigned line;
	enum feature_op op;
	struct operand a, b;
	enum date_part part;
	bool median;             /* number: a missing value becomes the median of training */
	enum declared_clip clip; /* number, days_between */
	double lo, hi;           /* -inf, inf where open */
	double missing; /* not_equal: what it is when one side is missing; NaN: missing too */
	bool any;       /* flag: one comparison suffices */
	double *limits; /* bucket */
	uint32_t limit_count;
	struct declared_comparison *comparisons; /* flag */
	uint32_t comparison_count;
};

struct declaration {
	int32_t zone_seconds; /* east of UTC */
	struct program_input *inputs;
	uint32_t input_count;
	struct declared_feature *features;
	uint32_t feature_count;
	int key, time, entity; /* as in struct program */
};

/* Whether a training pass must find something for this feature before it can be compiled. */
bool declared_needs_levels(const struct declared_feature *f);
bool declared_needs_values(const struct declared_feature *f);

#endif
