/*
 * Rows that were scored and not yet written: what one transaction of the batch will hold. Memory of
 * fixed limits, used again for every chunk.
 */
#ifndef BATCH_CHUNK_H
#define BATCH_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "score/score.h"

struct chunk_score {
	int64_t seq;
	float score;
	uint8_t decision; /* enum decision */
};

struct chunk_reason {
	int64_t seq;
	double contribution, delta_score, zscore; /* zscore NaN: none */
	uint32_t feature;
	uint32_t value_size; /* UINT32_MAX: no value */
	size_t value_at;     /* into `values` */
	uint16_t rank;       /* 1 … */
};

struct chunk_reject {
	int64_t seq;
	uint32_t input;
	const char *reason; /* static; never holds a value */
};

struct chunk {
	uint32_t max_rows;
	struct chunk_score *scores;
	struct chunk_reason *reasons;
	struct chunk_reject *rejects;
	size_t score_count, score_room, reason_count, reason_room, reject_count, reject_room;
	struct strbuf values; /* of reasons */
	uint32_t rows;        /* scored, rejected, or seen twice */
	uint64_t last_xid;    /* of the newest row */
	int64_t last_seq;
};

/* All or nothing of a row; -ENOMEM. */
int chunk_add_score(struct chunk *c, const struct score_model *m, const struct cell *row,
                    int64_t seq, const struct score_result *result);
int chunk_add_reject(struct chunk *c, int64_t seq, uint32_t input, const char *reason);

/* max_rows, or as much as memory allows. */
bool chunk_is_full(const struct chunk *c);
/* Empty again; memory is kept. */
void chunk_reset(struct chunk *c);
void chunk_done(struct chunk *c);

#endif
