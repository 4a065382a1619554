/*
 * What a chunk holds is plain arrays, because the database wants first all scores, then all
 * reasons, then all rejects. It is full at batch.chunk_rows or at a fixed number of bytes,
 * whichever comes first, so memory does not depend on the settings nor on how long texts are.
 *
 * Filled by scorer.c, written by store.c.
 */
#include "chunk.h"

#include <errno.h>
#include <stdlib.h>

#define MAX_BYTES ((size_t)12 * 1024 * 1024)
#define FIRST_ROOM 1024
/* Of a reason's value: the older service's column may be varchar(255). */
#define MAX_VALUE 255

/* Room for `more` elements of `size` bytes behind `count`. */
static int reserve(void *array, size_t *room, size_t need, size_t size)
{
	size_t wanted = *room ? *room : FIRST_ROOM;
	void *grown;

	if (need <= *room)
		return 0;
	while (wanted < need)
		wanted *= 2;
	grown = realloc(*(void **)array, wanted * size);
	if (!grown)
		return -ENOMEM;
	*(void **)array = grown;
	*room = wanted;
	return 0;
}

static int add_reason(struct chunk *c, const struct score_model *m, const struct cell *row,
                      const struct reason *r, struct chunk_reason *ret)
{
	size_t at = c->values.n;
	bool some = score_write_value(&c->values, m, row, r);

	if (c->values.n - at > MAX_VALUE)
		c->values.n = at + str_utf8_cut((struct str){ c->values.p + at, c->values.n - at },
		                                MAX_VALUE);
	*ret = (struct chunk_reason){
		.contribution = r->contribution,
		.delta_score = r->delta_score,
		.zscore = r->zscore,
		.feature = r->feature,
		.value_at = at,
		.value_size = some ? (uint32_t)(c->values.n - at) : UINT32_MAX,
	};
	return strbuf_error(&c->values);
}

int chunk_add_score(struct chunk *c, const struct score_model *m, const struct cell *row,
                    int64_t seq, const struct score_result *result)
{
	unsigned n = result->reason_count;
	int r = reserve(&c->scores, &c->score_room, c->score_count + 1, sizeof(*c->scores));

	if (r == 0)
		r = reserve(&c->reasons, &c->reason_room, c->reason_count + n, sizeof(*c->reasons));
	for (unsigned i = 0; r == 0 && i < n; i++) {
		struct chunk_reason *reason = &c->reasons[c->reason_count + i];

		r = add_reason(c, m, row, &result->reasons[i], reason);
		reason->seq = seq;
		reason->rank = (uint16_t)(i + 1);
	}
	if (r < 0)
		return r;
	c->scores[c->score_count++] =
	        (struct chunk_score){ seq, result->score, (uint8_t)result->decision };
	c->reason_count += n;
	return 0;
}

int chunk_add_reject(struct chunk *c, int64_t seq, uint32_t input, const char *reason)
{
	int r = reserve(&c->rejects, &c->reject_room, c->reject_count + 1, sizeof(*c->rejects));

	if (r == 0)
		c->rejects[c->reject_count++] = (struct chunk_reject){ seq, input, reason };
	return r;
}

bool chunk_is_full(const struct chunk *c)
{
	size_t bytes = c->score_count * sizeof(*c->scores) + c->reason_count * sizeof(*c->reasons) +
	               c->reject_count * sizeof(*c->rejects) + c->values.n;

	return c->rows >= c->max_rows || bytes >= MAX_BYTES;
}

void chunk_reset(struct chunk *c)
{
	c->score_count = c->reason_count = c->reject_count = 0;
	c->rows = 0;
	strbuf_reset(&c->values);
}

void chunk_done(struct chunk *c)
{
	free(c->scores);
	free(c->reasons);
	free(c->rejects);
	strbuf_done(&c->values);
}
