/*
 * A source around a source. It is read twice like every other, and says the same both times: what
 * it decides depends on the row alone.
 *
 * Called by window.c.
 */
#include "selection.h"

#include <errno.h>

struct choosing {
	const struct selection *selection;
	const struct row_sink *sink;
	int key; /* its input; -1: none */
};

/* The finalizer of splitmix64 (Vigna, public domain): neighbours in, noise out. */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

bool selection_takes(int64_t key, double share)
{
	return (double)(mix((uint64_t)key) >> 11) * 0x1p-53 < share;
}

static int on_row(void *self, uint64_t line, const struct cell *row, bool label)
{
	const struct choosing *c = self;
	const struct selection *s = c->selection;
	int64_t key = c->key >= 0 ? row[c->key].v.integer : 0;

	if (s->labels && s->labels_decide)
		label = label_set_meet(s->labels, key);
	else if (s->labels && label && c->key >= 0)
		label_set_meet(s->labels, key);
	if (!label && s->share < 1 && !selection_takes(key, s->share))
		return 0;
	return c->sink->on_row(c->sink->self, line, row, label);
}

static void on_bad_row(void *self, uint64_t line, const char *what)
{
	const struct choosing *c = self;

	c->sink->on_bad_row(c->sink->self, line, what);
}

static int selection_read(void *self, const struct program *p, const struct row_sink *sink,
                          struct errbuf *err)
{
	const struct selection *s = self;
	struct choosing c = { .selection = s, .sink = sink, .key = p->key };
	const struct row_sink chosen = { .on_row = on_row, .on_bad_row = on_bad_row, .self = &c };

	if (p->key < 0 && (s->labels_decide || s->share < 1))
		return errbuf_set(err, -EINVAL,
		                  "no input of the feature program has the role key: rows can "
		                  "neither be looked up in a list nor sampled");
	return s->from.read(s->from.self, p, &chosen, err);
}

struct row_source selection_source(struct selection *s)
{
	return (struct row_source){ .read = selection_read, .self = s };
}
