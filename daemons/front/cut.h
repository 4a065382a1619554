/*
 * Finds the elements of the list in {"transactions": [ ... ]} without parsing them, a piece at a time:
 * a body of 64 MiB must not hold the loop. Only strings and brackets are followed; what lies around
 * the elements is copied with each element as 0 (the skeleton), so that one strict scan of the
 * skeleton and one of each element together are the strict scan of the body.
 */
#ifndef FRONT_CUT_H
#define FRONT_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"

struct cut {
	struct str body;
	size_t at; /* next byte to look at */
	unsigned depth;
	bool in_string, escaped;
	bool in_list; /* between the brackets of a list that is a member of the top object */
	size_t element; /* where the open element begins */
	bool open; /* an element is open */
	struct strbuf skeleton;
	size_t *starts, *ends; /* of the elements */
	size_t count, room, max;
};

void cut_init(struct cut *c, struct str body, size_t max_elements);
void cut_done(struct cut *c);
/* Looks at up to n more bytes. 1: there is more; 0: all was seen; -E2BIG: more than max elements;
 * -ENOMEM. */
int cut_step(struct cut *c, size_t n);

#endif
