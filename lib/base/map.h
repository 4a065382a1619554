/*
 * Text to pointer, open addressing, insertion only: names are looked up far more often than they
 * come and none ever leaves. Keys are borrowed and must outlive the map; memory is the arena's.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/arena.h"
#include "base/str.h"

struct map_entry {
	struct str key;
	void *value;
};

struct map {
	struct map_entry *entries;
	size_t room; /* power of two, or 0 */
	size_t count;
};

/* 0, -EEXIST (value unchanged) or -ENOMEM. */
int map_add(struct map *m, struct arena *a, struct str key, void *value);
/* The value, or NULL if there is no such key. */
void *map_get(const struct map *m, struct str key);

#endif
