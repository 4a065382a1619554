/*
 * Linear probing in a table at most half full, so a miss costs two or three looks. FNV-1a because
 * keys are short and the table is filled by our own names (settings, features, routes), never by a
 * stranger who could choose colliding ones. Growing leaves the old table in the arena: all old
 * tables together are smaller than the last.
 */
#include "base/map.h"

#include <errno.h>
#include <stdint.h>

#define ROOM_MIN ((size_t)16)

static uint64_t hash(struct str key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < key.n; i++) {
		h ^= (unsigned char)key.p[i];
		h *= UINT64_C(0x100000001b3);
	}
	return h ^ (h >> 32);
}

/* The entry of the key, or the empty one where it would stand. Empty: key.p is NULL. */
static struct map_entry *find(struct map_entry *entries, size_t room, struct str key)
{
	size_t i = (size_t)hash(key) & (room - 1);

	while (entries[i].key.p && !str_equal(entries[i].key, key))
		i = (i + 1) & (room - 1);
	return &entries[i];
}

static int grow(struct map *m, struct arena *a)
{
	size_t room = m->room ? m->room * 2 : ROOM_MIN;
	struct map_entry *entries = arena_calloc(a, room, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < m->room; i++) {
		if (m->entries[i].key.p)
			*find(entries, room, m->entries[i].key) = m->entries[i];
	}
	m->entries = entries;
	m->room = room;
	return 0;
}

int map_add(struct map *m, struct arena *a, struct str key, void *value)
{
	struct map_entry *entry;

	if (m->count >= m->room / 2) {
		int r = grow(m, a);

		if (r < 0)
			return r;
	}
	if (!key.p)
		key = STR("");
	entry = find(m->entries, m->room, key);
	if (entry->key.p)
		return -EEXIST;
	entry->key = key;
	entry->value = value;
	m->count++;
	return 0;
}

void *map_get(const struct map *m, struct str key)
{
	if (m->room == 0)
		return NULL;
	return find(m->entries, m->room, key)->value;
}
