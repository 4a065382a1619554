/*
 * A sealed model image in use: one row in; score, decision and the top-k reasons out. The image
 * holds everything that an answer depends on (forest, feature program, thresholds, statistics,
 * reason texts, version), so an answer is of one generation or it is not. Used by front, batch,
 * train and ctl alike. Pure: no I/O. Layout: score/image.h.
 */
#ifndef SCORE_SCORE_H
#define SCORE_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "base/str.h"
#include "features/program.h"
#include "forest/forest.h"

#define SCORE_MAX_REASONS 50

enum decision { DECISION_ALLOW, DECISION_REVIEW, DECISION_BLOCK, DECISION_MAX };
/* "ALLOW", "REVIEW", "BLOCK". */
extern const char *const decision_names[DECISION_MAX];

/* How far a version was proven before it was published. */
enum score_verified { SCORE_VERIFIED_SELF, SCORE_VERIFIED_GOLDEN };

/* A view of an image; process-local parts are in the arena given to score_open(). Immutable. */
struct score_model {
	const struct score_header *header;
	size_t size;
	struct program program;
	struct forest forest;
	float threshold_low, threshold_high;
	bool logit_output; /* the score is the sigmoid of the margin for every served objective */
	struct str name, version;
	enum score_verified verified;
	const struct score_stat *stats; /* one a feature: mean, sd; sd NaN: no z-score */
	size_t scratch_size;            /* of struct score_scratch's memory */
};

/*
 * Checks sizes, checksum (when `check_sum`) and both sections once. The image is mapped read-only
 * and outlives the model. -EBADMSG, -EPROTONOSUPPORT (another image version), -ENOMEM.
 */
int score_open(const void *image, size_t size, bool check_sum, struct arena *a,
               struct score_model *ret, struct errbuf *err);

/* The sum of an image that passes by in pieces, from its first byte to its last. */
struct score_sum {
	uint64_t lane[4];
	uint64_t size;          /* of what was added */
	size_t skip, rest_size; /* bytes that do not count yet; what is no whole block yet */
	unsigned char rest[32];
};
void score_sum_begin(struct score_sum *s);
void score_sum_add(struct score_sum *s, const void *p, size_t n);

/*
 * Whether the image is whole and of this build's layout, its sum being made already: all that
 * score_open() checks but the trees one by one, which takes as long as the image is large. For who
 * hands it on to others that open it themselves. Errors as score_open().
 */
int score_recognise(const void *image, size_t size, const struct score_sum *sum,
                    struct errbuf *err);

struct reason {
	uint32_t feature;
	float value;         /* of the feature; NaN: missing */
	double contribution; /* SHAP value, log-odds, > 0 */
	double delta_score;  /* sigmoid(margin) - sigmoid(margin - contribution), both in double */
	double zscore;       /* NaN: none */
};

struct score_result {
	float margin, score;
	enum decision decision;
	unsigned reason_count;                    /* 0 when not explained */
	struct reason reasons[SCORE_MAX_REASONS]; /* falling contribution, ties by feature order */
};

/* Memory of one caller at a time (a worker has one): features, contributions, tree scratch. */
struct score_scratch {
	void *memory;
	size_t size;
	float *features;       /* of the row that was scored last: feature_count */
	double *contributions; /* of the row that was explained last: feature_count + 1 */
};
int score_scratch_init(struct score_scratch *s, const struct score_model *m);
void score_scratch_done(struct score_scratch *s);

/*
 * explain: contributions are computed only for decisions >= explain_from (DECISION_MAX: never).
 * top_k <= SCORE_MAX_REASONS.
 */
struct score_options {
	enum decision explain_from;
	unsigned top_k;
};
void score_row(const struct score_model *m, const struct cell *row, const struct score_options *o,
               struct score_scratch *s, struct score_result *ret);

/* Text for a reason from config/reasons.yaml as it lay in the bundle, or empty. positive z-scores
 * and negative ones may have different texts. */
struct str score_reason_text(const struct score_model *m, const struct reason *r);

/*
 * The members of an answer, in api.md's order and digits, the same bytes from every program:
 * writes {"transaction_seq":…,"score":…,"decision":…[,"threshold_low",…]} . `whole` adds thresholds
 * and model_version (answer of /score).
 */
struct json_writer;
void score_write_json(struct json_writer *w, const struct score_model *m, const struct cell *row,
                      const struct score_result *r, bool whole);
/* The members threshold_low, threshold_high and model_version alone, inside an open object. */
void score_write_model(struct json_writer *w, const struct score_model *m);
/* Appends the value of a reason as a table shows it, the digits of the JSON's; false: it has none.
 */
struct strbuf;
bool score_write_value(struct strbuf *out, const struct score_model *m, const struct cell *row,
                       const struct reason *r);
/* transaction_seq,score,decision,reason_1,value_1,contribution_1,… as one CSV line (a reason is the
 * feature's name; what is not there is empty); and the header line. */
void score_write_csv_header(struct strbuf *out, unsigned top_k);
void score_write_csv(struct strbuf *out, const struct score_model *m, const struct cell *row,
                     const struct score_result *r, unsigned top_k);

#endif
