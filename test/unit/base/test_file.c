/* Real files in a folder of their own: limits, what is no file, replacement, modes, links, seals.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

static char folder[] = "/tmp/test_file.XXXXXX";

static int enter(void **unused)
{
	(void)unused;
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static int leave(void **unused)
{
	(void)unused;
	return file_remove_tree(folder);
}

static void expect_content(const char *path, struct str expected)
{
	CLEANUP(free_p) char *content = NULL;
	size_t n = 0;

	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &content, &n), 0);
	assert_true(str_equal((struct str){ content, n }, expected));
	assert_int_equal(content[n], '\0');
}

static void written_is_read(void **unused)
{
	struct stat st;

	(void)unused;
	umask(077);
	assert_int_equal(file_write(AT_FDCWD, "one", STR("first\0text"), 0644), 0);
	expect_content("one", STR("first\0text"));
	assert_int_equal(stat("one", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(file_write(AT_FDCWD, "one", STR(""), 0600), 0);
	expect_content("one", STR(""));
	assert_int_equal(stat("one", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	umask(022);
}

static void reading_has_a_limit(void **unused)
{
	static const struct {
		size_t size, limit;
		int r;
	} cases[] = {
		{ 0, 0, 0 },          { 1, 0, -EFBIG },    { 100, 100, 0 },
		{ 101, 100, -EFBIG }, { 70000, 70000, 0 }, { 70000, 69999, -EFBIG },
	};
	static char bytes[70000];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(free_p) char *content = NULL;
		struct str text = { bytes, cases[i].size };
		size_t n = 12345;
		int r;

		assert_int_equal(file_write(AT_FDCWD, "sized", text, 0600), 0);
		r = file_read(AT_FDCWD, "sized", cases[i].limit, &content, &n);
		if (r != cases[i].r || n != (r < 0 ? 12345 : cases[i].size))
			fail_msg("case %zu: %d, %zu bytes", i, r, n);
		if (r < 0 && content)
			fail_msg("case %zu: content on failure", i);
	}
}

/* A file of /proc says that it is empty; its limit counts what is really there. */
static void size_is_only_a_hint(void **unused)
{
	CLEANUP(free_p) char *content = NULL;
	size_t n = 0;

	(void)unused;
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", 65536, &content, &n), 0);
	assert_true(n > 300);
	assert_int_equal(strlen(content), n);
	assert_non_null(strstr(content, "VmRSS:"));
	free(take_ptr(&content));
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/status", 100, &content, &n), -EFBIG);
}

static void only_files_are_read(void **unused)
{
	static const struct {
		const char *path;
		int r;
	} cases[] = {
		{ ".", -EISDIR },  { "fifo", -EINVAL },     { "/dev/null", -EINVAL },
		{ "no", -ENOENT }, { "sized/x", -ENOTDIR },
	};

	(void)unused;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(file_write(AT_FDCWD, "sized", STR("x"), 0600), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *content = NULL;
		size_t n;
		int r = file_read(AT_FDCWD, cases[i].path, 100, &content, &n);

		if (r != cases[i].r || content)
			fail_msg("case %zu: %d", i, r);
	}
	unlink("fifo");
}

static void failed_write_leaves_nothing(void **unused)
{
	static const struct {
		const char *path;
		int r;
	} cases[] = {
		{ "nowhere/file", -ENOENT },
		{ "target", -EISDIR },
		{ "target/", -EISDIR },
		{ "", -EISDIR },
	};
	char name[NAME_MAX];

	(void)unused;
	assert_int_equal(mkdir("target", 0700), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = file_write(AT_FDCWD, cases[i].path, STR("x"), 0600);

		if (r != cases[i].r)
			fail_msg("case %zu: %d", i, r);
	}
	memset(name, 'n', sizeof(name));
	name[NAME_MAX - 1] = '\0';
	assert_int_equal(file_write(AT_FDCWD, name, STR("x"), 0600), -ENAMETOOLONG);
	/* No temporary name is left: both folders are empty but for what was there. */
	assert_int_equal(rmdir("target"), 0);
	assert_int_equal(unlink("one"), 0);
	assert_int_equal(unlink("sized"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(chdir(folder), 0);
}

static void write_replaces_a_link_and_knows_its_folder(void **unused)
{
	CLEANUP(close_p) int dir = -1;
	struct stat st;

	(void)unused;
	assert_int_equal(file_make_dirs("sub", 0700), 0);
	assert_int_equal(file_write(AT_FDCWD, "old", STR("old"), 0600), 0);
	assert_int_equal(symlink("../old", "sub/link"), 0);
	dir = open("sub", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(file_write(dir, "link", STR("new"), 0600), 0);
	assert_int_equal(lstat("sub/link", &st), 0);
	assert_true(S_ISREG(st.st_mode));
	expect_content("sub/link", STR("new"));
	expect_content("old", STR("old"));
}

struct writer {
	int stop;
};

static void *write_in_turn(void *argument)
{
	static char text[2][50000];
	struct writer *w = argument;

	memset(text[0], 'a', sizeof(text[0]));
	memset(text[1], 'b', sizeof(text[1]));
	for (unsigned i = 0; !__atomic_load_n(&w->stop, __ATOMIC_RELAXED); i++) {
		struct str content = { text[i & 1], sizeof(text[0]) - (i & 1) };

		if (file_write(AT_FDCWD, "shared", content, 0600) < 0)
			return w;
	}
	return NULL;
}

/* While one thread replaces it, whoever reads sees one content or the other, whole. */
static void reader_never_sees_a_half(void **unused)
{
	struct writer w = { 0 };
	pthread_t thread;
	void *failed;

	(void)unused;
	assert_int_equal(file_write(AT_FDCWD, "shared", STR(""), 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_in_turn, &w), 0);
	for (unsigned seen = 0; seen < 200;) {
		CLEANUP(free_p) char *content = NULL;
		size_t n;

		assert_int_equal(file_read(AT_FDCWD, "shared", 1 << 20, &content, &n), 0);
		if (n == 0)
			continue;
		assert_int_equal(n, content[0] == 'a' ? 50000 : 49999);
		assert_int_equal(content[0], content[n - 1]);
		seen++;
	}
	__atomic_store_n(&w.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, &failed);
	assert_null(failed);
}

static void folders_are_made(void **unused)
{
	static const struct {
		const char *path;
		int r;
	} cases[] = {
		{ "a/b/c", 0 },         { "a/b/c", 0 },       { "a//b///d/", 0 }, { "./e", 0 },
		{ "file/x", -ENOTDIR }, { "file", -ENOTDIR }, { "", -ENOENT },    { "/", 0 },
	};
	struct stat st;

	(void)unused;
	assert_int_equal(file_write(AT_FDCWD, "file", STR(""), 0600), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = file_make_dirs(cases[i].path, 0755);

		if (r != cases[i].r)
			fail_msg("case %zu: %d", i, r);
	}
	assert_int_equal(stat("a/b/c", &st), 0);
	assert_int_equal(stat("a/b/d", &st), 0);
}

static void tree_goes_but_not_what_links_name(void **unused)
{
	(void)unused;
	assert_int_equal(file_make_dirs("keep/inner", 0700), 0);
	assert_int_equal(file_write(AT_FDCWD, "keep/inner/file", STR("x"), 0600), 0);
	assert_int_equal(file_make_dirs("tree/a/b", 0700), 0);
	assert_int_equal(file_write(AT_FDCWD, "tree/a/file", STR("x"), 0600), 0);
	assert_int_equal(symlink("../keep", "tree/link"), 0);
	assert_int_equal(symlink("nowhere", "tree/a/dangling"), 0);
	for (unsigned i = 0; i < 300; i++) {
		char name[32];

		snprintf(name, sizeof(name), "tree/a/b/%u", i);
		assert_int_equal(close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	}
	assert_int_equal(file_remove_tree("tree"), 0);
	assert_int_equal(access("tree", F_OK), -1);
	expect_content("keep/inner/file", STR("x"));

	assert_int_equal(symlink("keep", "link"), 0);
	assert_int_equal(file_remove_tree("link"), 0);
	assert_int_equal(access("link", F_OK), -1);
	expect_content("keep/inner/file", STR("x"));
	assert_int_equal(file_remove_tree("keep/inner/file"), 0);
	assert_int_equal(file_remove_tree("nowhere"), -ENOENT);
}

static void pieces(void **unused)
{
	CLEANUP(close_p) int fd = -1;
	char text[6] = "";

	(void)unused;
	assert_int_equal(memfd_new("test", &fd), 0);
	assert_int_equal(file_write_all(fd, "abcde", 5), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(file_read_all(fd, text, 3), 0);
	assert_string_equal(text, "abc");
	assert_int_equal(file_read_all(fd, text, 3), -ENODATA);
	assert_int_equal(file_read_all(fd, text, 0), 0);
	assert_int_equal(file_write_all(-1, "x", 1), -EBADF);
}

static void sealed_is_constant(void **unused)
{
	CLEANUP(close_p) int fd = -1;
	CLEANUP(close_p) int plain = open("plain", O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	(void)unused;
	assert_int_equal(memfd_new("test", &fd), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(file_write_all(fd, "abc", 3), 0);
	assert_false(memfd_is_sealed(fd));
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW), 0);
	assert_false(memfd_is_sealed(fd));
	assert_int_equal(memfd_seal(fd), 0);
	assert_true(memfd_is_sealed(fd));
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_false(memfd_is_sealed(plain));
	assert_false(memfd_is_sealed(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(reading_has_a_limit),
		cmocka_unit_test(size_is_only_a_hint),
		cmocka_unit_test(only_files_are_read),
		cmocka_unit_test(failed_write_leaves_nothing),
		cmocka_unit_test(write_replaces_a_link_and_knows_its_folder),
		cmocka_unit_test(reader_never_sees_a_half),
		cmocka_unit_test(folders_are_made),
		cmocka_unit_test(tree_goes_but_not_what_links_name),
		cmocka_unit_test(pieces),
		cmocka_unit_test(sealed_is_constant),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
