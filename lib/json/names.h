/*
 * The member names of the objects that are open during a scan, to find one that comes twice.
 * Internal to lib/json. Scopes nest as objects do: the one opened last is closed first.
 */
#ifndef JSON_NAMES_H
#define JSON_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define NAMES_ON_STACK 64

struct name {
	struct str text;
	uint64_t hash;
};

struct names {
	struct arena *arena;
	uint64_t key[2];
	struct name *list; /* of all open objects, the innermost last */
	size_t count, room;
	uint32_t *slots;   /* open addressing: 1 + index in list, 0 = free */
	size_t slot_count; /* power of two, or 0 */
	size_t hashed;     /* list[0 .. hashed) are in slots */
	struct name on_stack[NAMES_ON_STACK];
};

/* One object. */
struct names_scope {
	size_t first;
	uint64_t seen; /* bit (hash mod 64) of each name: most names are new, and seen to be so */
};

void names_init(struct names *s, struct arena *a);
void names_open(struct names *s, struct names_scope *scope);
/* 0, -EEXIST if the scope has the name or -ENOMEM. The text is borrowed. */
int names_add(struct names *s, struct names_scope *scope, struct str text);
void names_close(struct names *s, const struct names_scope *scope);

#endif
