/*
 * The memory that all processes of a suite share, made and mapped. Its size is sealed before
 * anybody maps it, so that no process can be killed (SIGBUS) by another that shrinks it; what it
 * holds is described by scoreboard.h alone. The supervisor creates, children map; nobody else.
 */
#include "daemon/scoreboard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

int scoreboard_create(uint32_t slots, int *ret_fd)
{
	struct scoreboard_head head = {
		.magic = SCOREBOARD_MAGIC,
		.abi = SCOREBOARD_ABI,
		.slot_count = slots,
	};
	CLEANUP(close_p) int fd = -1;
	ssize_t n;
	int r;

	if (slots == 0 || slots > SCOREBOARD_MAX_SLOTS)
		return -EINVAL;
	n = getrandom(head.throttle_key, sizeof(head.throttle_key), 0);
	if (n != (ssize_t)sizeof(head.throttle_key))
		return n < 0 ? -errno : -EIO;
	r = memfd_new("fraudd-scoreboard", &fd);
	if (r < 0)
		return r;
	if (ftruncate(fd, (off_t)scoreboard_size(slots)) < 0)
		return -errno;
	n = pwrite(fd, &head, sizeof(head), 0);
	if (n != (ssize_t)sizeof(head))
		return n < 0 ? -errno : -EIO;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int check_file(int fd, uint64_t size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!(seals & F_SEAL_SHRINK) || st.st_size < 0 || (uint64_t)st.st_size != size)
		return -EBADMSG;
	return 0;
}

static int check_head(const struct scoreboard_head *b, uint64_t size)
{
	if (b->magic != SCOREBOARD_MAGIC || b->abi != SCOREBOARD_ABI)
		return -EBADMSG;
	if (b->slot_count == 0 || b->slot_count > SCOREBOARD_MAX_SLOTS)
		return -EBADMSG;
	return scoreboard_size(b->slot_count) == size ? 0 : -EBADMSG;
}

int scoreboard_map(int fd, uint64_t size, struct scoreboard **ret)
{
	struct scoreboard *b;
	int r;

	if (size < scoreboard_size(1) || size > scoreboard_size(SCOREBOARD_MAX_SLOTS))
		return -EBADMSG;
	r = check_file(fd, size);
	if (r < 0)
		return r;
	b = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b == MAP_FAILED)
		return -errno;
	r = check_head(&b->head, size);
	if (r < 0) {
		munmap(b, (size_t)size);
		return r;
	}
	*ret = b;
	return 0;
}

void scoreboard_unmap(struct scoreboard *b)
{
	if (b)
		munmap(b, scoreboard_size(b->head.slot_count));
}

void scoreboard_take_slot(struct scoreboard_slot *s)
{
	atomic_store_explicit(&s->accepting, 0, memory_order_relaxed);
	atomic_store_explicit(&s->generation, 0, memory_order_relaxed);
	atomic_store_explicit(&s->pid, (int32_t)getpid(), memory_order_relaxed);
	atomic_store_explicit(&s->beat_ns, clock_mono_ns(), memory_order_release);
}

void scoreboard_observe(struct scoreboard_histogram *h, uint64_t us)
{
	/* The number of significant bits of us: the first i with us < 2^i. */
	unsigned bucket = us ? 64 - (unsigned)__builtin_clzll(us) : 0;

	if (bucket >= SCOREBOARD_BUCKETS)
		bucket = SCOREBOARD_BUCKETS - 1;
	atomic_fetch_add_explicit(&h->buckets[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
}
