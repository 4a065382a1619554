/*
 * The sets of categories that go right at a tree's categorical splits. The document has one list of
 * categories for the whole tree and says for each such split which run of it is its own; a set
 * here is a word count and that many words of bits. A single category may claim half a million
 * words, so that all sets of a forest are bounded together. Called by tree.c.
 */
#include "forest/category_sets.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "forest/image.h"

#define BAD_NODE(im, node, format, ...)                                                            \
	errbuf_set((im)->err, -EBADMSG, "tree %u, node %u: " format, (im)->index, (node),          \
	           __VA_ARGS__)

/* categories_nodes, _segments and _sizes describe one categorical split an element. */
int category_sets_check(const struct category_sets *s)
{
	const struct raw_tree *raw = s->raw;
	size_t n = raw->category_nodes.n;

	if (raw->category_segments.n != n || raw->category_sizes.n != n)
		return errbuf_set(s->err, -EBADMSG,
		                  "tree %u: \"categories_nodes\", \"categories_segments\" and "
		                  "\"categories_sizes\" have %zu, %zu and %zu elements",
		                  s->index, n, raw->category_segments.n, raw->category_sizes.n);
	for (size_t i = 1; i < n; i++)
		if (raw->category_nodes.v[i] <= raw->category_nodes.v[i - 1])
			return errbuf_set(s->err, -EBADMSG,
			                  "tree %u: \"categories_nodes\" does not rise at element "
			                  "%zu",
			                  s->index, i);
	return 0;
}

static int compare_int(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The categories of a split that go right: a run of raw->categories. */
static int find(const struct category_sets *s, uint32_t node, const int64_t **ret, size_t *ret_n)
{
	const struct raw_tree *raw = s->raw;
	int64_t key = node;
	const int64_t *hit = NULL;
	int64_t begin;
	int64_t n;

	if (raw->category_nodes.n)
		hit = bsearch(&key, raw->category_nodes.v, raw->category_nodes.n, sizeof(key),
		              compare_int);
	if (!hit)
		return BAD_NODE(s, node, "categorical split without %s", "categories");
	begin = raw->category_segments.v[hit - raw->category_nodes.v];
	n = raw->category_sizes.v[hit - raw->category_nodes.v];
	if (begin < 0 || n < 1 || (uint64_t)begin > raw->categories.n ||
	    (uint64_t)n > raw->categories.n - (uint64_t)begin)
		return BAD_NODE(s, node,
		                "categories %" PRId64 "..%" PRId64 "+%" PRId64 " outside 0..%zu",
		                begin, begin, n, raw->categories.n);
	*ret = raw->categories.v + begin;
	*ret_n = (size_t)n;
	return 0;
}

/* Room for one more set. */
static int grow(struct category_sets *s, size_t more)
{
	size_t needed = s->n + more;
	uint32_t *grown;

	if (more > *s->budget)
		return errbuf_set(s->err, -E2BIG, "tree %u: category sets take too much memory",
		                  s->index);
	*s->budget -= more;
	if (needed > s->room) {
		grown = reallocarray(s->words, needed * 2, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->words = grown;
		s->room = needed * 2;
	}
	memset(s->words + s->n, 0, more * sizeof(*grown));
	return 0;
}

static int highest_of(const struct category_sets *s, uint32_t node, const int64_t *categories,
                      size_t n, int64_t *ret)
{
	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		if (categories[i] < 0 || categories[i] >= FOREST_MAX_CATEGORY)
			return BAD_NODE(s, node, "category %" PRId64 " is outside 0..%d",
			                categories[i], FOREST_MAX_CATEGORY - 1);
		*ret = categories[i] > *ret ? categories[i] : *ret;
	}
	return 0;
}

int category_sets_add(struct category_sets *s, uint32_t node, uint32_t *ret)
{
	const int64_t *categories = NULL;
	int64_t highest = 0;
	uint32_t *set;
	size_t n = 0;
	int r = find(s, node, &categories, &n);

	r = r ? r : highest_of(s, node, categories, n, &highest);
	r = r ? r : grow(s, (size_t)highest / 32 + 2);
	if (r < 0)
		return r;
	set = s->words + s->n;
	set[0] = (uint32_t)(highest / 32 + 1);
	for (size_t i = 0; i < n; i++)
		set[1 + categories[i] / 32] |= (uint32_t)1 << (categories[i] % 32);
	*ret = (uint32_t)s->n;
	s->n += set[0] + (size_t)1;
	return 0;
}
