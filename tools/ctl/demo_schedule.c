/*
 * A binary heap by (instant, order of planning): episodes of many customers overlap, rows come out
 * sorted, and the same seed gives the same order.
 *
 * Called by demo_episode.c (push) and demo_generate.c (pop).
 */
#include "demo_schedule.h"

#include <errno.h>
#include <stdlib.h>

const char *const demo_kind_names[DEMO_KIND_MAX] = { "usual",       "take-over", "new account",
	                                             "structuring", "mule",      "night burst" };

static bool is_before(const struct demo_event *a, const struct demo_event *b)
{
	return a->us != b->us ? a->us < b->us : a->order < b->order;
}

static void swap(struct demo_event *a, struct demo_event *b)
{
	struct demo_event kept = *a;

	*a = *b;
	*b = kept;
}

int demo_schedule_push(struct demo_schedule *s, const struct demo_event *e)
{
	struct demo_event *grown;
	size_t room, i;

	if (s->count == s->room) {
		room = s->room ? s->room * 2 : 64;
		grown = realloc(s->heap, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->heap = grown;
		s->room = room;
	}
	s->heap[s->count] = *e;
	s->heap[s->count].order = s->pushed++;
	for (i = s->count++; i > 0 && is_before(&s->heap[i], &s->heap[(i - 1) / 2]);
	     i = (i - 1) / 2)
		swap(&s->heap[i], &s->heap[(i - 1) / 2]);
	return 0;
}

const struct demo_event *demo_schedule_first(const struct demo_schedule *s)
{
	return s->count ? &s->heap[0] : NULL;
}

static void sink(struct demo_schedule *s)
{
	size_t i = 0, child;

	while ((child = 2 * i + 1) < s->count) {
		if (child + 1 < s->count && is_before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!is_before(&s->heap[child], &s->heap[i]))
			return;
		swap(&s->heap[i], &s->heap[child]);
		i = child;
	}
}

struct demo_event demo_schedule_pop(struct demo_schedule *s)
{
	struct demo_event first = s->heap[0];

	s->heap[0] = s->heap[--s->count];
	sink(s);
	return first;
}

void demo_schedule_done(struct demo_schedule *s)
{
	free(s->heap);
	*s = (struct demo_schedule){ 0 };
}
