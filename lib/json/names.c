/*
 * Objects are small as a rule: up to 32 names are compared one by one by their hashes, without any
 * allocation. Beyond that they go into a hash table, so that an object of 100,000 members costs no
 * more a member than one of 100. The hash is keyed with the random bytes that the kernel gives each
 * process, so nobody outside can prepare names that fall together.
 *
 * Invariant: list[0 .. hashed) is in the table, in the order of the list. Names leave in the
 * reverse order, so a freed slot never breaks the probe path of a name that stays. Called by
 * scan.c.
 */
#include "json/names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>

#define NAMES_COMPARED 32
#define SLOTS_MIN 128

void names_init(struct names *s, struct arena *a)
{
	/* The address of 16 random bytes comes as a number.
	 * NOLINTNEXTLINE(performance-no-int-to-ptr) */
	const void *random = (const void *)getauxval(AT_RANDOM);

	s->arena = a;
	s->list = s->on_stack;
	s->room = NAMES_ON_STACK;
	s->count = 0;
	s->slots = NULL;
	s->slot_count = 0;
	s->hashed = 0;
	memset(s->key, 0, sizeof(s->key));
	if (random)
		memcpy(s->key, random, sizeof(s->key));
	s->key[1] |= 1;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const char *p, size_t n)
{
	uint64_t w = 0;

	memcpy(&w, p, n);
	return w;
}

/* Up to eight bytes as a number; different texts of the same length give different numbers. */
static uint64_t load_short(struct str text)
{
	uint64_t w;

	if (text.n >= 4)
		return load(text.p, 4) | load(text.p + text.n - 4, 4) << 32;
	if (text.n == 0)
		return 0;
	w = (unsigned char)text.p[0];
	w |= (uint64_t)(unsigned char)text.p[text.n / 2] << 8;
	return w | (uint64_t)(unsigned char)text.p[text.n - 1] << 16;
}

/* Loads of a fixed size, overlapping at the end, because most names are short. */
static uint64_t hash_name(const struct names *s, struct str text)
{
	uint64_t h = s->key[0] ^ text.n;

	for (; text.n > 8; text.p += 8, text.n -= 8)
		h = fold(h ^ load(text.p, 8), s->key[1]);
	h = fold(h ^ load_short(text), s->key[1]);
	return fold(h, s->key[1]);
}

/* The slot that holds the name's number, or the free one where it would go. */
static size_t find_slot(const struct names *s, uint64_t hash, uint32_t number)
{
	size_t i = hash & (s->slot_count - 1);

	while (s->slots[i] != 0 && s->slots[i] != number)
		i = (i + 1) & (s->slot_count - 1);
	return i;
}

static void hash_upto(struct names *s, size_t count)
{
	for (; s->hashed < count; s->hashed++) {
		uint32_t number = (uint32_t)s->hashed + 1;

		s->slots[find_slot(s, s->list[s->hashed].hash, number)] = number;
	}
}

/* At most half of the slots are taken when the names [0, count] are in. */
static int grow_slots(struct names *s, size_t count)
{
	size_t slot_count = s->slot_count ? s->slot_count : SLOTS_MIN;
	uint32_t *slots;

	while (slot_count / 2 <= count)
		slot_count *= 2;
	if (slot_count == s->slot_count)
		return 0;
	slots = arena_calloc(s->arena, slot_count, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	s->slots = slots;
	s->slot_count = slot_count;
	s->hashed = 0;
	return 0;
}

static int grow_list(struct names *s)
{
	struct name *list;

	if (s->count < s->room)
		return 0;
	if (s->count >= UINT32_MAX / 4) /* a slot holds 32 bits */
		return -ENOMEM;
	list = arena_calloc(s->arena, s->room * 2, sizeof(*list));
	if (!list)
		return -ENOMEM;
	memcpy(list, s->list, s->count * sizeof(*list));
	s->list = list;
	s->room *= 2;
	return 0;
}

static bool is_same(const struct name *a, const struct name *b)
{
	return a->hash == b->hash && str_equal(a->text, b->text);
}

static bool compare_all(const struct names *s, size_t first, const struct name *name)
{
	for (size_t i = first; i < s->count; i++) {
		if (is_same(&s->list[i], name))
			return true;
	}
	return false;
}

/* Equal names of outer objects lie in the table too and do not count. */
static bool look_up(const struct names *s, size_t first, const struct name *name)
{
	size_t i = name->hash & (s->slot_count - 1);

	for (; s->slots[i] != 0; i = (i + 1) & (s->slot_count - 1)) {
		size_t index = s->slots[i] - 1;

		if (index >= first && is_same(&s->list[index], name))
			return true;
	}
	return false;
}

static int find_twice(struct names *s, const struct names_scope *scope, const struct name *name)
{
	int r;

	if (s->count - scope->first < NAMES_COMPARED) {
		if (!(scope->seen >> (name->hash & 63) & 1))
			return 0;
		return compare_all(s, scope->first, name) ? -EEXIST : 0;
	}
	r = grow_slots(s, s->count);
	if (r < 0)
		return r;
	hash_upto(s, s->count);
	return look_up(s, scope->first, name) ? -EEXIST : 0;
}

void names_open(struct names *s, struct names_scope *scope)
{
	scope->first = s->count;
	scope->seen = 0;
}

int names_add(struct names *s, struct names_scope *scope, struct str text)
{
	struct name name = { text, hash_name(s, text) };
	int r = grow_list(s);

	if (r == 0)
		r = find_twice(s, scope, &name);
	if (r < 0)
		return r;
	s->list[s->count++] = name;
	scope->seen |= UINT64_C(1) << (name.hash & 63);
	return 0;
}

void names_close(struct names *s, const struct names_scope *scope)
{
	while (s->hashed > scope->first) {
		s->hashed--;
		s->slots[find_slot(s, s->list[s->hashed].hash, (uint32_t)s->hashed + 1)] = 0;
	}
	s->count = scope->first;
}
