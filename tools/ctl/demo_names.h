/* Nations of the demo's customers, how they are called, and how the same name is written in other
 * ways that still mean the same. Pure. */
#ifndef CTL_DEMO_NAMES_H
#define CTL_DEMO_NAMES_H

#include <stdint.h>

#include "base/random.h"

#define DEMO_NAME_SIZE 96

struct demo_nation {
	const char *code; /* ISO 3166 alpha-2 */
	unsigned weight;  /* of 1,000 customers */
	const char *given[6], *family[6];
};

extern const struct demo_nation demo_nations[];
extern const unsigned demo_nation_count;

/* By weight. */
unsigned demo_nation_draw(struct random *r);
/* One of 36 names of that nation; number as drawn by the caller, any value. */
void demo_name_print(unsigned nation, uint32_t number, char ret[DEMO_NAME_SIZE]);
/* The same name with other letters' case, blanks or full-width letters: equal after NFKC, upper
 * case and trim. */
void demo_name_vary(struct random *r, const char *name, char ret[DEMO_NAME_SIZE]);

#endif
