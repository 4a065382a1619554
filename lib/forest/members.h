/*
 * The members of a model document that matter, as a table: where each stands, of what kind it is
 * and where its content goes.
 */
#ifndef FOREST_MEMBERS_H
#define FOREST_MEMBERS_H

#include <stddef.h>

#include "base/str.h"

/* Objects of the document. */
enum place {
	PLACE_ROOT,
	PLACE_LEARNER,
	PLACE_ATTRIBUTES,
	PLACE_LEARNER_PARAM,
	PLACE_OBJECTIVE,
	PLACE_BOOSTER,
	PLACE_INNER_BOOSTER,
	PLACE_MODEL,
	PLACE_MODEL_PARAM,
	PLACE_TREE,
	PLACE_TREE_PARAM,
	PLACE_CATEGORIES,
	PLACE_ENCODING,
};

enum kind {
	KIND_OBJECT,  /* to: its place */
	KIND_OBJECTS, /* a list of them; to: their place */
	KIND_TEXT,    /* to: a struct str */
	KIND_INTS,    /* to: a struct ints */
	KIND_FLAGS,   /* KIND_INTS that may also be true and false */
	KIND_FLOATS,  /* to: a struct floats */
	KIND_STRINGS, /* to: a struct strings */
};

struct member {
	enum place place; /* the object it stands in */
	enum kind kind;
	const char *name;
	size_t to; /* a place, or the offset of a field of struct document */
};

/* The words of a refusal: a member, an element of a list is not what its kind wants. */
struct kind_words {
	const char *is_not, *element_is_not;
};
extern const struct kind_words kind_words[];

/* The row of a member, or NULL: nobody asks for it. */
const struct member *member_find(enum place place, struct str name);

#endif
