/*
 * The feature program: which inputs a transaction has and how each feature comes from them. It is
 * declared in YAML (features.yaml), compiled to a flat, position-independent op list that lies in
 * the model image, and run by the same code over JSON bodies, CSV rows and database rows, at
 * training and at serving: they cannot drift apart.
 *
 * declare (YAML -> declaration) -> learn (a pass over training rows -> learned values, learn.h)
 * -> compile (-> image) -> open -> run. Pure: no I/O, no state. Semantics: docs/features.md.
 */
#ifndef FEATURES_PROGRAM_H
#define FEATURES_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"

enum input_type {
	INPUT_INTEGER,
	INPUT_NUMBER,
	INPUT_CATEGORY,
	INPUT_DATETIME,
	INPUT_DATE,
	INPUT_TEXT,
	INPUT_TYPE_MAX
};
enum input_role { ROLE_NONE, ROLE_KEY, ROLE_TIME, ROLE_ENTITY };

#define PROGRAM_MAX_INPUTS 1024
#define PROGRAM_MAX_FEATURES 4096
#define PROGRAM_MAX_NAME 128 /* bytes */

/* One value of a row, as one input received it. */
struct cell {
	bool present; /* false: missing; the union is not read */
	union {
		int64_t integer;
		double number;   /* finite */
		int64_t time_us; /* datetime, date: µs since 1970 in the program's zone, taken as
		                    UTC */
		struct str text; /* category, text: borrowed from the request, row or buffer */
	} v;
	struct str raw; /* the value as received, for `value` in reasons; empty: print v */
};

/* An input as the image holds it. */
struct program_input {
	struct str name;
	enum input_type type;
	enum input_role role;
	bool required;
	bool has_default;
	bool private;           /* used by features, never stored, logged or echoed */
	struct cell initial;    /* the default, or missing */
	const int64_t *missing; /* datetime, date: values that mean "missing" */
	uint32_t missing_count;
	int32_t zone_seconds; /* the program's zone, east of UTC */
};

/* A compiled program in use: a view; the image must outlive it. `inputs` and `names` are in the
 * arena given to program_open(). */
struct program {
	const struct program_header *header; /* features/image.h */
	size_t size;
	struct program_input *inputs;
	uint32_t input_count;
	uint32_t feature_count;
	int key, time, entity;             /* index of the input with that role; -1: none */
	const struct program_index *index; /* name -> input, for JSON members and CSV columns */
};

struct declaration; /* features/declare.h */
struct learned;     /* features/learned.h */

/* YAML to declaration, in the arena. Errors: "features.yaml:17: feature \"x\": ...". */
int program_declare(struct str yaml, const char *file, struct arena *a, struct declaration **ret,
                    struct errbuf *err);

/* A program for a model that came without one: every name an optional number input and a feature
 * `number` of it, plus an optional key transaction_seq. */
int program_declare_plain(const struct str *names, size_t count, struct arena *a,
                          struct declaration **ret, struct errbuf *err);

/* learned may be NULL where no operator needs it. The image is in the arena, 64-byte aligned. */
int program_compile(const struct declaration *d, const struct learned *l, struct arena *a,
                    void **ret_image, size_t *ret_size, struct errbuf *err);

/* Checks every offset, operand and count once, so that running need not. -EBADMSG, -ENOMEM. */
int program_open(const void *image, size_t size, struct arena *a, struct program *ret,
                 struct errbuf *err);

struct str program_feature_name(const struct program *p, uint32_t feature);
/* The input whose name this feature has, or -1: what `value` in a reason shows. */
int program_feature_input(const struct program *p, uint32_t feature);
/* A category feature: has no z-score. */
bool program_feature_is_category(const struct program *p, uint32_t feature);
/* The zone that date-times with a zone are converted to, in seconds east of UTC: a fixed offset. */
int32_t program_zone_seconds(const struct program *p);
/* Index of the input, or -1. */
int program_find_input(const struct program *p, struct str name);

/* All cells to their defaults (input_count of them). */
void program_row_reset(const struct program *p, struct cell *row);

/* Bytes of scratch that program_run() needs (computed features in double), 64-byte aligned. */
size_t program_scratch_size(const struct program *p);
/* feature_count float32 out; NaN is missing. No allocation but for text comparison of non-ASCII
 * names (bounded by the length of the text). */
void program_run(const struct program *p, const struct cell *row, void *scratch,
                 float *ret_features);

#endif
