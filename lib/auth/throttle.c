/*
 * One number a key: the instant at which its bucket will be empty again (as in the "generic cell
 * rate algorithm"). A try moves it by window / limit; a key whose instant lies a whole window ahead
 * has to wait. No sweep: an instant in the past is a free place.
 *
 * A place is one word, changed by compare-and-swap only: 20 bits of the key's hash, then the
 * instant in units of 2^15 ns (44 bits: 18 years since boot). So workers share the table without a
 * lock that a dying one could keep. Two keys whose 20 bits and set are the same share a bucket;
 * the hash is keyed, so nobody can look for such a pair.
 *
 * Invariant: who has tried most stays longest. In a full set the place of the key that is empty
 * soonest is taken, so nobody gets rid of his own tries by inventing names.
 *
 * Called by the front's sign-in.
 */
#include "auth/throttle.h"

#include <stdbool.h>

#define WAYS 8 /* places that a key may take */
#define UNIT_SHIFT 15
#define TIME_BITS 44
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)
#define SECOND_NS UINT64_C(1000000000)

void throttle_init(struct throttle *t, const struct throttle_options *o)
{
	*t = (struct throttle){ .window = o->window_seconds * SECOND_NS >> UNIT_SHIFT,
		                .key = { o->key[0], o->key[1] },
		                .places = o->places,
		                .sets = o->place_count / WAYS };
	if (o->limit > 0)
		t->step = t->window / o->limit > 0 ? t->window / o->limit : 1;
}

/* --- SipHash-2-4 (Aumasson, Bernstein) --- */

static uint64_t rotate(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], unsigned count)
{
	while (count-- > 0) {
		v[0] += v[1];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[0] = rotate(v[0], 32);
		v[2] += v[3];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[2] = rotate(v[2], 32);
	}
}

static uint64_t sip_hash(const uint64_t key[2], struct str s)
{
	uint64_t v[4] = { key[0] ^ UINT64_C(0x736f6d6570736575),
		          key[1] ^ UINT64_C(0x646f72616e646f6d),
		          key[0] ^ UINT64_C(0x6c7967656e657261),
		          key[1] ^ UINT64_C(0x7465646279746573) };
	uint64_t last = (uint64_t)s.n << 56;

	for (; s.n >= 8; s.p += 8, s.n -= 8) {
		uint64_t word;

		memcpy(&word, s.p, 8);
		v[3] ^= word;
		sip_rounds(v, 2);
		v[0] ^= word;
	}
	for (size_t i = 0; i < s.n; i++)
		last |= (uint64_t)(unsigned char)s.p[i] << (8 * i);
	v[3] ^= last;
	sip_rounds(v, 2);
	v[0] ^= last;
	v[2] ^= 0xff;
	sip_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* --- the table --- */

static bool is_of(uint64_t place, uint64_t hash)
{
	return (place & TIME_MASK) && (place ^ hash) >> TIME_BITS == 0;
}

/* The place of a key, or else the one of its set that is empty soonest; ret_seen: what it held. */
static _Atomic uint64_t *place_of(const struct throttle *t, uint64_t hash, uint64_t *ret_seen)
{
	_Atomic uint64_t *set = &t->places[hash % t->sets * WAYS], *best = NULL;
	uint64_t soonest = UINT64_MAX;

	for (unsigned i = 0; i < WAYS; i++) {
		uint64_t seen = atomic_load(&set[i]);

		if (is_of(seen, hash)) {
			*ret_seen = seen;
			return &set[i];
		}
		if ((seen & TIME_MASK) < soonest) {
			soonest = seen & TIME_MASK;
			best = &set[i];
			*ret_seen = seen;
		}
	}
	return best;
}

static uint32_t in_seconds(uint64_t units)
{
	return (uint32_t)(((units << UNIT_SHIFT) + SECOND_NS - 1) / SECOND_NS);
}

uint32_t throttle_take(const struct throttle *t, struct str key, uint64_t now_ns)
{
	uint64_t now = now_ns >> UNIT_SHIFT, allowed = now + t->window - t->step;
	uint64_t hash, seen, empty;
	_Atomic uint64_t *place;

	if (t->step == 0)
		return 0;
	hash = sip_hash(t->key, key);
	do {
		place = place_of(t, hash, &seen);
		empty = is_of(seen, hash) ? seen & TIME_MASK : 0;
		if (empty > allowed)
			return in_seconds(empty - allowed);
		empty = (empty > now ? empty : now) + t->step;
	} while (!atomic_compare_exchange_weak(place, &seen, (hash & ~TIME_MASK) | empty));
	return 0;
}

/* Less of what a key has tried; another key's place is left alone. */
static void take_off(const struct throttle *t, struct str key, uint64_t units)
{
	uint64_t hash, seen, less;
	_Atomic uint64_t *place;

	if (t->step == 0)
		return;
	hash = sip_hash(t->key, key);
	do {
		place = place_of(t, hash, &seen);
		if (!is_of(seen, hash))
			return;
		less = (seen & TIME_MASK) > units ? seen - units : 0;
	} while (!atomic_compare_exchange_weak(place, &seen, less));
}

void throttle_give_back(const struct throttle *t, struct str key)
{
	take_off(t, key, t->step);
}

void throttle_forgive(const struct throttle *t, struct str key)
{
	take_off(t, key, TIME_MASK);
}
