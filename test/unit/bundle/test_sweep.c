/* Which folders beside the versions are swept when one is written, and which are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/file.h"
#include "bundle/bundle.h"

#define TWO_HOURS 7200

/* The number of a process that has been and is gone. */
static int gone(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return (int)pid;
}

static void age(const char *path, time_t seconds)
{
	struct timespec times[2] = { 0 };

	times[0].tv_sec = times[1].tv_sec = time(NULL) - seconds;
	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

enum whose { NOBODYS, DEADS, OURS, INITS, WHOSE_MAX };

static const struct sweep_case {
	const char *name; /* the number of a process is put behind it, unless it is nobody's */
	time_t age;
	enum whose whose;
	bool file, stays;
} cases[] = {
	{ ".new-20260101-000000-", TWO_HOURS, DEADS, false, false },
	{ ".old-20260102-000000-", TWO_HOURS, DEADS, false, false },
	{ ".new-20260103-000000-", TWO_HOURS, OURS, false, true },
	{ ".new-20260104-000000-", TWO_HOURS, INITS, false, true },
	{ ".new-20260105-000000-", 60, DEADS, false, true },
	{ ".new-20260106-000000", TWO_HOURS, NOBODYS, false, true },
	{ ".new-last-known-good", TWO_HOURS, NOBODYS, false, true },
	{ ".new-20260107-000000-", TWO_HOURS, NOBODYS, false, true },
	{ ".new-20260108-000000-0", TWO_HOURS, NOBODYS, false, true },
	{ ".new-20260109-000000-99999999999", TWO_HOURS, NOBODYS, false, true },
	{ ".kept-20260110-000000-", TWO_HOURS, DEADS, false, true },
	{ "20260111-000000-", TWO_HOURS, DEADS, false, true },
	{ ".new-20260112-000000-", TWO_HOURS, DEADS, true, true },
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static char parent[] = "/tmp/fraudd-sweep-XXXXXX";
static int pids[WHOSE_MAX];

static void path_of(const struct sweep_case *c, char ret[256])
{
	int n = snprintf(ret, 256, "%s/%s", parent, c->name);

	if (c->whose != NOBODYS)
		snprintf(ret + n, 256 - (size_t)n, "%d", pids[c->whose]);
}

static void place(const struct sweep_case *c)
{
	char path[256];

	path_of(c, path);
	if (c->file)
		assert_int_equal(file_write(AT_FDCWD, path, STR("x"), 0600), 0);
	else
		assert_int_equal(mkdir(path, 0755), 0);
	age(path, c->age);
}

static void what_is_swept(void **unused)
{
	const struct bundle_file member = { "notes.txt", STR("x"), -1 };
	struct errbuf err = { "" };
	char path[256];
	struct stat st;

	(void)unused;
	assert_non_null(mkdtemp(parent));
	pids[DEADS] = gone();
	pids[OURS] = (int)getpid();
	pids[INITS] = 1;
	for (size_t i = 0; i < CASES; i++)
		place(&cases[i]);
	if (bundle_write(parent, "20270101-000000", &member, 1, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < CASES; i++) {
		path_of(&cases[i], path);
		if ((lstat(path, &st) == 0) != cases[i].stays)
			fail_msg("case %zu: %s", i, cases[i].stays ? "is gone" : "is there");
	}
	snprintf(path, sizeof(path), "%s/20270101-000000/notes.txt", parent);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(file_remove_tree(parent), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
