/*
 * Finds the elements of the list in {"transactions": [ ... ]} without parsing them, a piece at a
 * time: a body of 64 MiB must not hold the loop. Only strings and brackets are followed; what lies
 * around the elements is copied with each element's number in its place (the skeleton), so that one
 * strict scan of the skeleton and one of each element together are the strict scan of the body.
 *
 * Every list that is a member of the outermost object is cut, whatever its name; the skeleton says
 * afterwards which numbers stand in "transactions". Pure.
 */
#ifndef FRONT_CUT_H
#define FRONT_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strbuf.h"
#include "json/scan.h"

struct cut_element {
	size_t start, end; /* in the body; without outer white space */
	size_t mark;       /* where its number ends in the skeleton */
	size_t after;      /* where the body goes on there: behind the white space */
};

struct cut {
	struct str body;
	size_t at; /* next byte to look at */
	unsigned depth;
	bool in_string, escaped;
	bool in_list; /* the open container at depth 2 is a list of the outermost object */
	bool outer_is_object;
	bool open; /* an element is open */
	struct strbuf skeleton;
	struct cut_element *elements;
	size_t count, room, max;
};

/* The skeleton may hold 64 KiB beside the numbers. */
void cut_init(struct cut *c, struct str body, size_t max_elements);
void cut_done(struct cut *c);
/* Looks at up to n more bytes. 1: there is more; 0: all was seen; -E2BIG: more than max elements;
 * -EFBIG: too much beside the elements; -ENOMEM. */
int cut_step(struct cut *c, size_t n);
struct str cut_element(const struct cut *c, size_t i);

enum cut_found { CUT_LIST, CUT_NO_OBJECT, CUT_NO_MEMBER, CUT_NO_LIST };
struct cut_list {
	enum cut_found found;
	size_t first, count; /* of its elements, which follow one another */
};
/* Scans the skeleton strictly and looks for a list that is a member of the outermost object. 0,
 * -EBADMSG with *ret_fault (of the body), -ENOMEM. No tree is built: the list may be long. */
int cut_find_list(const struct cut *c, const char *name, struct arena *a, struct cut_list *ret,
                  struct json_fault *ret_fault);
/* Where in the body the byte at this offset of the skeleton stands; where the element begins, for a
 * digit of its number. */
size_t cut_body_offset(const struct cut *c, size_t skeleton_offset);

#endif
