/*
 * The self-check: rows that sit on the model's own decisions, through the kernels and through the
 * reference, compared. Random rows would seldom come near a threshold; these are made from them.
 * Called by the compile child for a bundle without golden rows, and by tests.
 */
#include "forest/check.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/random.h"
#include "forest/image.h"
#include "forest/reference.h"

/* Multiplications of the reference that one check may cost: seconds. */
#define WORK 2e9
#define TOLERANCE 3e-6
#define SEED 0x66726175646421

/* A category from the split's set, or just beside one. */
static float draw_category(const uint32_t *set, struct random *r)
{
	uint32_t category = (uint32_t)random_below(r, (uint64_t)set[0] * 32 + 2);

	while (category / 32 < set[0] && !(set[1 + category / 32] >> (category % 32) & 1) &&
	       random_below(r, 4) != 0)
		category++;
	return (float)category;
}

/* Each split puts its threshold into one of the 64 rows, in its feature's column; when all are
 * taken, into a random one with falling probability, so that all thresholds are as likely. */
static void collect(const struct forest *f, float *rows, uint32_t *seen, struct random *r)
{
	for (uint32_t i = 0; i < f->header->node_count; i++) {
		const struct forest_node *n = &f->nodes[i];
		uint64_t slot;

		if (!n->right)
			continue;
		slot = seen[n->feature]++;
		if (slot >= FOREST_CHECK_ROWS)
			slot = random_below(r, slot + 1);
		if (slot >= FOREST_CHECK_ROWS)
			continue;
		rows[slot * f->feature_count + n->feature] =
		        n->flags & FOREST_CATEGORICAL ? draw_category(f->categories + n->set, r)
		                                      : n->value;
	}
}

/* One value in two stays at the threshold; the others go beside it, far off, or missing. */
static float shift(float x, struct random *r)
{
	switch (random_below(r, 16)) {
	case 0:
	case 1:
		return nextafterf(x, -INFINITY);
	case 2:
	case 3:
		return nextafterf(x, INFINITY);
	case 4:
		return (float)((double)x + random_normal(r));
	case 5:
		return -x;
	case 6:
		return random_below(r, 2) ? INFINITY : -INFINITY;
	case 7:
		return NAN;
	default:
		return x;
	}
}

float *forest_check_rows(const struct forest *f, struct arena *a)
{
	size_t width = f->feature_count;
	float *rows = arena_calloc(a, FOREST_CHECK_ROWS * width, sizeof(*rows));
	uint32_t *seen = arena_calloc(a, width, sizeof(*seen));
	struct random r;

	if (!rows || !seen)
		return NULL;
	random_seed(&r, SEED);
	collect(f, rows, seen, &r);
	for (size_t i = 0; i < FOREST_CHECK_ROWS * width; i++) {
		uint32_t known = seen[i % width];
		size_t row = i / width;

		if (known && row >= known)
			rows[i] = rows[row % known * width + i % width];
	}
	for (size_t i = 0; i < FOREST_CHECK_ROWS * width; i++)
		rows[i] = shift(rows[i], &r);
	return rows;
}

struct check {
	const struct forest *forest;
	void *scratch;
	double *contributions, *expected;
	struct errbuf *err;
};

static uint32_t bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static int check_margin(const struct check *c, unsigned index, const float *row)
{
	double unused;
	float margin = forest_margin(c->forest, row);
	float expected = reference_margin(c->forest, row, &unused);

	if (bits(margin) == bits(expected))
		return 0;
	return errbuf_set(c->err, -EBADMSG, "check row %u: margin %.9g, the reference says %.9g",
	                  index, (double)margin, (double)expected);
}

static int check_contributions(const struct check *c, unsigned index, const float *row)
{
	double sum = 0;
	double margin;
	double allowed;

	reference_margin(c->forest, row, &margin);
	allowed = TOLERANCE * fmax(1, fabs(margin));
	forest_explain(c->forest, row, c->scratch, c->contributions);
	reference_explain(c->forest, row, c->expected);
	for (uint32_t i = 0; i <= c->forest->feature_count; i++) {
		if (!(fabs(c->contributions[i] - c->expected[i]) <= allowed))
			return errbuf_set(c->err, -EBADMSG,
			                  "check row %u, feature %" PRIu32 ": contribution %.9g, "
			                  "the reference says %.9g",
			                  index, i, c->contributions[i], c->expected[i]);
		sum += c->contributions[i];
	}
	if (!(fabs(sum - margin) <= allowed))
		return errbuf_set(c->err, -EBADMSG,
		                  "check row %u: contributions add up to %.9g, the margin is %.9g",
		                  index, sum, margin);
	return 0;
}

static unsigned rows_to_explain(const struct forest *f)
{
	double rows = WORK / reference_work(f);

	return rows >= FOREST_CHECK_ROWS ? FOREST_CHECK_ROWS : rows >= 1 ? (unsigned)rows : 1;
}

static void *allocate_scratch(const struct forest *f, struct arena *a)
{
	char *p = arena_alloc(a, forest_scratch_size(f) + FOREST_ALIGN);

	return p ? p + (FOREST_ALIGN - (uintptr_t)p % FOREST_ALIGN) % FOREST_ALIGN : NULL;
}

int forest_self_check(const struct forest *f, struct arena *a, struct errbuf *err)
{
	size_t width = f->feature_count;
	struct check c = { .forest = f, .err = err };
	const float *rows = forest_check_rows(f, a);
	unsigned explained = rows_to_explain(f);
	int r = 0;

	c.scratch = allocate_scratch(f, a);
	c.contributions = arena_calloc(a, width + 1, sizeof(*c.contributions));
	c.expected = arena_calloc(a, width + 1, sizeof(*c.expected));
	if (!rows || arena_failed(a))
		return errbuf_set(err, -ENOMEM, "not enough memory to check the model");
	for (unsigned i = 0; i < FOREST_CHECK_ROWS && r == 0; i++) {
		r = check_margin(&c, i, rows + i * width);
		if (r == 0 && i < explained)
			r = check_contributions(&c, i, rows + i * width);
	}
	return r;
}
