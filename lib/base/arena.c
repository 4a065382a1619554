/*
 * Blocks in a list, the newest first; allocation moves a mark inside the newest one. A request that
 * is large for a block gets one of its own, put behind the newest, so that what is left of that one
 * is not lost. Callback records lie in the arena themselves; that is why callbacks run before any
 * block goes.
 *
 * In a sanitized build what was not handed out is poisoned and each allocation is followed by a
 * gap, so that writing past the end of one is found as it would be with malloc.
 *
 * Called for everything that lives as long as a request, a job or a parsed file.
 */
#include "base/arena.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef FRAUDD_SANITIZE
#include <sanitizer/asan_interface.h>
#define ARENA_GAP 16
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ARENA_GAP 0
#endif

/* A small request fits the first block; the doubling ends where malloc would begin to mmap. */
#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)65536)
#define ALIGNMENT (sizeof(max_align_t) > 16 ? 16 : sizeof(max_align_t))

struct arena_block {
	struct arena_block *next;
	size_t size; /* of data */
	size_t used;
	max_align_t data[];
};

struct arena_callback {
	struct arena_callback *next;
	void (*fn)(void *);
	void *object;
};

static void *fail(struct arena *a)
{
	a->failed = true;
	return NULL;
}

static size_t usual_size(const struct arena *a)
{
	size_t size = a->blocks ? a->blocks->size * 2 : BLOCK_MIN;

	return size > BLOCK_MAX ? BLOCK_MAX : size;
}

/* A block with room for `need` bytes, not yet in the list. */
static struct arena_block *new_block(struct arena *a, size_t need)
{
	size_t size = usual_size(a);
	struct arena_block *b;

	if (size < need)
		size = need;
	if (a->limit) {
		size_t left = a->size < a->limit ? a->limit - a->size : 0;

		if (need > left)
			return NULL;
		if (size > left)
			size = left;
	}
	b = malloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	b->next = NULL;
	b->size = size;
	b->used = 0;
	a->size += size;
	ASAN_POISON_MEMORY_REGION(b->data, size);
	return b;
}

static void *take(struct arena_block *b, size_t need, size_t size)
{
	char *p = (char *)b->data + b->used;

	b->used += need;
	ASAN_UNPOISON_MEMORY_REGION(p, size);
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *head = a->blocks;
	struct arena_block *b;
	size_t need;

	if (a->failed || size > SIZE_MAX / 4)
		return fail(a);
	if (size == 0)
		size = 1;
	need = ((size + ALIGNMENT - 1) & ~(ALIGNMENT - 1)) + ARENA_GAP;
	if (head && head->size - head->used >= need)
		return take(head, need, size);

	b = new_block(a, need);
	if (!b)
		return fail(a);
	if (head && need > BLOCK_MAX / 4) {
		b->next = head->next;
		head->next = b;
	} else {
		b->next = head;
		a->blocks = b;
	}
	return take(b, need, size);
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(count, size, &total))
		return fail(a);
	p = arena_alloc(a, total);
	if (p)
		memset(p, 0, total);
	return p;
}

void *arena_memdup(struct arena *a, const void *p, size_t size)
{
	void *copy = arena_alloc(a, size);

	if (copy && size)
		memcpy(copy, p, size);
	return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
	return arena_memdup(a, text, strlen(text) + 1);
}

char *arena_strndup(struct arena *a, struct str s)
{
	char *copy = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : fail(a);

	if (!copy)
		return NULL;
	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list arguments;
	char *text;
	int n;

	va_start(arguments, format);
	n = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (n < 0)
		return fail(a);
	text = arena_alloc(a, (size_t)n + 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	vsnprintf(text, (size_t)n + 1, format, arguments);
	va_end(arguments);
	return text;
}

int arena_on_free(struct arena *a, void (*fn)(void *), void *object)
{
	struct arena_callback *c = arena_alloc(a, sizeof(*c));

	if (!c) {
		fn(object);
		return -ENOMEM;
	}
	c->fn = fn;
	c->object = object;
	c->next = a->callbacks;
	a->callbacks = c;
	return 0;
}

static void run_callbacks(struct arena *a)
{
	while (a->callbacks) {
		struct arena_callback *c = a->callbacks;

		a->callbacks = c->next;
		c->fn(c->object);
	}
}

static void free_block(struct arena_block *b)
{
	ASAN_UNPOISON_MEMORY_REGION(b->data, b->size);
	free(b);
}

/* The first block of an arena is the last of its list. */
void arena_reset(struct arena *a)
{
	struct arena_block *b = a->blocks;

	run_callbacks(a);
	while (b && b->next) {
		struct arena_block *next = b->next;

		free_block(b);
		b = next;
	}
	/* One that was made for a single large object would be kept for nothing. */
	if (b && b->size > BLOCK_MAX) {
		free_block(b);
		b = NULL;
	}
	if (b) {
		b->used = 0;
		ASAN_POISON_MEMORY_REGION(b->data, b->size);
	}
	a->blocks = b;
	a->size = b ? b->size : 0;
	a->failed = false;
}

void arena_done(struct arena *a)
{
	struct arena_block *b = a->blocks;

	run_callbacks(a);
	while (b) {
		struct arena_block *next = b->next;

		free_block(b);
		b = next;
	}
	a->blocks = NULL;
	a->size = 0;
	a->failed = false;
}
