/*
 * A model of a gigabyte takes seconds to hash, and the loader's loop has a supervisor that waits
 * for its tick: so it is done in slices, between which the loop does everything else. Called by
 * download.c for what was fetched and for what lay in the cache.
 */
#include "registry/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "azure/hash.h"
#include "daemon/loop.h"

#define SLICE (4 << 20) /* some 10 ms without SHA instructions */
#define CHUNK (256 << 10)

struct digest {
	int fd;
	uint64_t at;
	struct hash *hash;
	struct loop_timer *timer;
	unsigned char *buffer;
	digest_fn *on_end;
	void *self;
};

void digest_free(struct digest *d)
{
	if (!d)
		return;
	loop_timer_free(d->timer);
	hash_free(d->hash);
	free(d->buffer);
	free(d);
}

static void end(struct digest *d, int result)
{
	digest_fn *on_end = d->on_end;
	void *self = d->self;
	uint64_t size = d->at;
	char sha256[HASH_SHA256_BYTES] = "";

	if (result == 0)
		result = hash_end(d->hash, sha256);
	digest_free(d);
	on_end(self, result, sha256, size);
}

/* The next bytes: how many, 0 at the end. */
static int add(struct digest *d)
{
	ssize_t n;
	int r;

	do
		n = pread(d->fd, d->buffer, CHUNK, (off_t)d->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	r = hash_add(d->hash, d->buffer, (size_t)n);
	if (r < 0)
		return r;
	d->at += (uint64_t)n;
	return (int)n;
}

static void on_turn(void *self)
{
	struct digest *d = self;
	int n = 1;

	for (unsigned done = 0; done < SLICE && n > 0; done += CHUNK)
		n = add(d);
	if (n > 0)
		loop_timer_arm(d->timer, 0);
	else
		end(d, n);
}

int digest_start(struct event_base *base, int fd, digest_fn *on_end, void *self,
                 struct digest **ret)
{
	struct digest *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	*d = (struct digest){ .fd = fd, .on_end = on_end, .self = self };
	d->buffer = malloc(CHUNK);
	r = d->buffer ? hash_new(&d->hash) : -ENOMEM;
	if (r == 0)
		r = loop_timer_new(base, on_turn, d, &d->timer);
	if (r < 0) {
		digest_free(d);
		return r;
	}
	loop_timer_arm(d->timer, 0);
	*ret = d;
	return 0;
}
