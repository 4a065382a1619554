/* Remittances that an episode has planned, in order of time. Pure. */
#ifndef CTL_DEMO_SCHEDULE_H
#define CTL_DEMO_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum demo_kind {
	DEMO_USUAL,
	DEMO_TAKE_OVER,
	DEMO_NEW_ACCOUNT,
	DEMO_STRUCTURING,
	DEMO_MULE,
	DEMO_NIGHT_BURST,
	DEMO_KIND_MAX
};

extern const char *const demo_kind_names[DEMO_KIND_MAX];

struct demo_event {
	int64_t us;
	uint64_t order;         /* set by demo_schedule_push(): equal instants keep their order */
	int64_t amount;         /* 0: as usual */
	int64_t known_after_us; /* label's delay */
	double risk;            /* true probability of fraud */
	uint32_t customer;
	enum demo_kind kind;
	int16_t country, payment; /* -1: as usual */
	bool fraud, reviewed;
	bool other_name; /* the sender is somebody else */
};

struct demo_schedule {
	struct demo_event *heap;
	size_t count, room;
	uint64_t pushed;
};

int demo_schedule_push(struct demo_schedule *s, const struct demo_event *e);
/* NULL when empty; valid until the next push or pop. */
const struct demo_event *demo_schedule_first(const struct demo_schedule *s);
struct demo_event demo_schedule_pop(struct demo_schedule *s); /* not empty */
void demo_schedule_done(struct demo_schedule *s);

#endif
