/*
 * A row that cannot be scored is kept with the input and the reason, and nothing of its values: the
 * table of rejects is read by more people than the source. The first fault of a row is enough.
 *
 * Called by feed.c for every row.
 */
#include "scorer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

int scorer_init(struct scorer *s, const struct score_model *m, const struct source *source,
                const struct score_options *o)
{
	*s = (struct scorer){ .model = m, .source = source, .options = *o };
	s->row = calloc(m->program.input_count + 1, sizeof(*s->row));
	return s->row ? score_scratch_init(&s->scratch, m) : -ENOMEM;
}

void scorer_done(struct scorer *s)
{
	score_scratch_done(&s->scratch);
	free(s->row);
}

/* Big-endian of 2, 4 or 8 bytes. */
static int read_integer(struct str s, int64_t *ret)
{
	uint64_t v = 0;

	if (!s.p || (s.n != 2 && s.n != 4 && s.n != 8))
		return -EBADMSG;
	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (unsigned char)s.p[i];
	/* the sign of the short ones */
	if (s.n < 8 && v >> (8 * s.n - 1))
		v |= UINT64_MAX << 8 * s.n;
	*ret = (int64_t)v;
	return 0;
}

static const char *read_cell(struct scorer *s, uint32_t i, struct str field)
{
	enum column_type type = s->source->types[i];
	struct field_fault fault;

	if (type == COLUMN_TEXT && field.n > SOURCE_MAX_TEXT)
		return "Input should have at most 65536 bytes";
	if (cell_from_binary(&s->model->program.inputs[i], type, field.p, field.n, &s->row[i],
	                     &fault) < 0)
		return fault.message;
	return NULL;
}

/* The input at fault, or input_count. */
static uint32_t read_cells(struct scorer *s, const struct str *fields, const char **ret_reason)
{
	uint32_t n = s->model->program.input_count;

	for (uint32_t i = 0; i < n; i++) {
		*ret_reason = read_cell(s, i, fields[i]);
		if (*ret_reason)
			return i;
	}
	return n;
}

static int score(struct scorer *s, int64_t seq, struct chunk *c)
{
	struct score_result result;
	uint64_t begin = clock_mono_ns();

	score_row(s->model, s->row, &s->options, &s->scratch, &result);
	s->scoring_ns += clock_mono_ns() - begin;
	return chunk_add_score(c, s->model, s->row, seq, &result);
}

int scorer_take(struct scorer *s, const struct str *fields, struct str xid, struct chunk *c,
                struct errbuf *err)
{
	const struct program *p = &s->model->program;
	int64_t seq = 0, writer = 0;
	const char *reason;
	uint32_t input;
	int r = read_integer(fields[p->key], &seq);

	if (r == 0 && xid.p)
		r = read_integer(xid, &writer);
	if (r < 0)
		return errbuf_set(err, r, "the database sent a row without a key");
	/* A join that gives a row twice gives it one after the other. */
	if (c->rows > 0 && xid.p && c->last_seq == seq && c->last_xid == (uint64_t)writer) {
		c->rows++;
		return 0;
	}
	input = read_cells(s, fields, &reason);
	r = input < p->input_count ? chunk_add_reject(c, seq, input, reason) : score(s, seq, c);
	if (r < 0)
		return errbuf_set(err, r, "out of memory");
	c->rows++;
	c->last_seq = seq;
	c->last_xid = (uint64_t)writer;
	return 0;
}
