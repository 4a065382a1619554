/* The shared memory: made, mapped by others, refused when it is not what it should be. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "daemon/scoreboard.h"

static void two_processes_see_the_same(void **unused)
{
	struct scoreboard *a, *b;
	int fd;

	(void)unused;
	assert_int_equal(scoreboard_create(3, &fd), 0);
	assert_int_equal(scoreboard_map(fd, scoreboard_size(3), &a), 0);
	assert_int_equal(scoreboard_map(fd, scoreboard_size(3), &b), 0);
	assert_int_equal(a->head.slot_count, 3);
	assert_int_equal((uintptr_t)&a->slots[1] % 64, 0);
	atomic_fetch_add(&a->slots[2].rows_scored, 41);
	atomic_fetch_add(&b->slots[2].rows_scored, 1);
	assert_int_equal(a->slots[2].rows_scored, 42);
	assert_int_equal(ftruncate(fd, 10), -1); /* sealed */
	scoreboard_unmap(a);
	scoreboard_unmap(b);
	scoreboard_unmap(NULL);
	close(fd);
}

static void sizes_that_make_no_sense(void **unused)
{
	struct scoreboard *b = NULL;
	int fd = -7;

	(void)unused;
	assert_int_equal(scoreboard_create(0, &fd), -EINVAL);
	assert_int_equal(scoreboard_create(SCOREBOARD_MAX_SLOTS + 1, &fd), -EINVAL);
	assert_int_equal(fd, -7);
	assert_int_equal(scoreboard_create(2, &fd), 0);
	assert_int_equal(scoreboard_map(fd, scoreboard_size(1), &b), -EBADMSG);
	assert_int_equal(scoreboard_map(fd, scoreboard_size(3), &b), -EBADMSG);
	assert_int_equal(scoreboard_map(fd, 0, &b), -EBADMSG);
	assert_int_equal(scoreboard_map(fd, UINT64_MAX, &b), -EBADMSG);
	assert_int_equal(scoreboard_map(-1, scoreboard_size(2), &b), -EBADF);
	assert_null(b);
	close(fd);
}

/* A file of the right size that lies. */
static void headers_that_lie(void **unused)
{
	static const struct {
		uint64_t magic;
		uint32_t abi, slot_count;
		int seal, r;
	} cases[] = {
		{ SCOREBOARD_MAGIC, SCOREBOARD_ABI, 2, F_SEAL_SHRINK, 0 },
		{ SCOREBOARD_MAGIC, SCOREBOARD_ABI, 2, 0, -EBADMSG },
		{ 1, SCOREBOARD_ABI, 2, F_SEAL_SHRINK, -EBADMSG },
		{ SCOREBOARD_MAGIC, SCOREBOARD_ABI + 1, 2, F_SEAL_SHRINK, -EBADMSG },
		{ SCOREBOARD_MAGIC, SCOREBOARD_ABI, 3, F_SEAL_SHRINK, -EBADMSG },
		{ SCOREBOARD_MAGIC, SCOREBOARD_ABI, 0, F_SEAL_SHRINK, -EBADMSG },
		{ SCOREBOARD_MAGIC, SCOREBOARD_ABI, UINT32_MAX, F_SEAL_SHRINK, -EBADMSG },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scoreboard_head header = { .magic = cases[i].magic,
			                          .abi = cases[i].abi,
			                          .slot_count = cases[i].slot_count };
		struct scoreboard *b = NULL;
		int fd, r;

		assert_int_equal(memfd_new("lie", &fd), 0);
		assert_int_equal(file_write_all(fd, &header, sizeof(header)), 0);
		assert_int_equal(ftruncate(fd, (off_t)scoreboard_size(2)), 0);
		if (cases[i].seal)
			assert_int_equal(fcntl(fd, F_ADD_SEALS, cases[i].seal), 0);
		r = scoreboard_map(fd, scoreboard_size(2), &b);
		if (r != cases[i].r)
			fail_msg("case %zu: %d", i, r);
		scoreboard_unmap(b);
		close(fd);
	}
}

static void a_successor_counts_on(void **unused)
{
	struct scoreboard_slot s = { .pid = 5, .generation = 9 };

	(void)unused;
	s.rows_scored = 100;
	s.accepting = 1;
	scoreboard_take_slot(&s);
	assert_int_equal(s.pid, getpid());
	assert_int_equal(s.generation + s.accepting, 0);
	assert_int_equal(s.rows_scored, 100);
	assert_true(s.beat_ns > 0);
}

static void buckets(void **unused)
{
	static const struct {
		uint64_t us;
		unsigned bucket;
	} cases[] = {
		{ 0, 0 },           { 1, 1 },
		{ 2, 2 },           { 3, 2 },
		{ 4, 3 },           { 1023, 10 },
		{ 1024, 11 },       { (1 << 24) - 1, 24 },
		{ 1 << 24, 25 },    { UINT64_C(1) << 40, 25 },
		{ UINT64_MAX, 25 },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scoreboard_histogram h = { 0 };

		scoreboard_observe(&h, cases[i].us);
		if (h.buckets[cases[i].bucket] != 1 || h.sum_us != cases[i].us)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_processes_see_the_same),
		cmocka_unit_test(sizes_that_make_no_sense),
		cmocka_unit_test(headers_that_lie),
		cmocka_unit_test(a_successor_counts_on),
		cmocka_unit_test(buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
