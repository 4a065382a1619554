/*
 * The vocabulary of feature programs: operators, parts of a date, comparisons, and what an operand
 * is. Shared by the declaration (words), the image (numbers) and the run. The numbers stand in
 * images: append, never reorder, and raise PROGRAM_IMAGE_VERSION (image.h) when one changes.
 */
#ifndef FEATURES_OPERATORS_H
#define FEATURES_OPERATORS_H

#include "base/str.h"

enum feature_op {
	OP_NUMBER,
	OP_CATEGORY,
	OP_DATE_PART,
	OP_IS_NIGHT,
	OP_DAYS_BETWEEN,
	OP_NOT_EQUAL,
	OP_BUCKET,
	OP_FLAG,
	OP_RATIO,
	OP_LOG1P,
	FEATURE_OP_MAX
};

enum date_part {
	PART_YEAR,
	PART_MONTH,
	PART_DAY,
	PART_DAYOFWEEK,
	PART_HOUR,
	PART_MONTH_SIN,
	PART_MONTH_COS,
	DATE_PART_MAX
};

enum comparison_op {
	COMPARE_LT,
	COMPARE_LE,
	COMPARE_GT,
	COMPARE_GE,
	COMPARE_EQ,
	COMPARE_NE,
	COMPARE_IN,
	COMPARE_NOT_IN,
	COMPARISON_OP_MAX
};

/* Where a value is found and how it is read: a cell of the row, or an earlier feature. */
enum operand_kind {
	OPERAND_NONE,
	OPERAND_INTEGER,
	OPERAND_NUMBER,
	OPERAND_TIME,
	OPERAND_TEXT,
	OPERAND_FEATURE,
	OPERAND_KIND_MAX
};

/* The words of features.yaml. input_type_names and input_role_names go with program.h's enums. */
extern const char *const feature_op_names[FEATURE_OP_MAX];
extern const char *const date_part_names[DATE_PART_MAX];
extern const char *const comparison_op_names[COMPARISON_OP_MAX];
extern const char *const input_type_names[];
extern const char *const input_role_names[];

#define INPUT_ROLE_COUNT 4

/* Index of the word, or -1. */
int operators_find(const char *const *names, size_t count, struct str word);

#endif
