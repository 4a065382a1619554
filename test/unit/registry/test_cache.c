/* The cache of downloaded files: names, what survives, what several users do to each other, and
 * what goes when it is full. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/file.h"
#include "bundle/bundle.h"
#include "daemon/loop.h"
#include "registry/cache.h"
#include "registry/digest.h"

static struct {
	char dir[64];
	struct cache cache;
} t;

static int setup(void **unused)
{
	struct errbuf err;

	(void)unused;
	strcpy(t.dir, "/tmp/test_cache.XXXXXX");
	if (!mkdtemp(t.dir) || chdir(t.dir) < 0)
		return -1;
	return cache_open(&t.cache, "cache", 1 << 20, &err);
}

static int teardown(void **unused)
{
	(void)unused;
	cache_close(&t.cache);
	return file_remove_tree(t.dir);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void sha256_of(struct str bytes, char ret[CACHE_SHA256])
{
	uint8_t digest[BUNDLE_SHA256_SIZE];

	assert_int_equal(bundle_sha256(bytes, digest), 0);
	hex_encode(digest, sizeof(digest), ret);
}

/* A blob of so many bytes; the file is filled in. */
static void add_blob(struct cache_file *f, const char *path, char fill, size_t size)
{
	struct cache_partial p;
	char *bytes = malloc(size + 1);

	assert_non_null(bytes);
	memset(bytes, fill, size);
	*f = (struct cache_file){ .path = path, .size = size };
	sha256_of((struct str){ bytes, size }, f->sha256);
	assert_int_equal(cache_open_partial(&t.cache, f->sha256, &p), 0);
	assert_int_equal(file_write_all(p.fd, bytes, size), 0);
	assert_int_equal(cache_commit(&t.cache, &p, f->sha256), 0);
	free(bytes);
}

static bool has_blob(const struct cache_file *f)
{
	CLEANUP(close_p) int fd = -1;

	return cache_open_blob(&t.cache, f, &fd) == 0;
}

static void names_are_checked(void **unused)
{
	static const struct {
		const char *path;
		bool valid;
	} cases[] = {
		{ "model.ubj", true },
		{ "artifacts/golden.csv", true },
		{ "a b+c@d=1,2.txt", true },
		{ ".hidden", true },
		{ "..hidden", true },
		{ "1/2/3/4/5/6/7/8/9", true },
		{ "1/2/3/4/5/6/7/8/9/10", false },
		{ "", false },
		{ "/etc/passwd", false },
		{ "a/", false },
		{ "a//b", false },
		{ ".", false },
		{ "..", false },
		{ "a/../b", false },
		{ "a/..", false },
		{ "./a", false },
		{ "a\\b", false },
		{ "a\nb", false },
		{ "a\x7f", false },
		{ "\xc3\xbc", false },
	};
	char longest[CACHE_PATH + 1];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (cache_path_is_valid(cases[i].path) != cases[i].valid)
			fail_msg("case %zu: \"%s\"", i, cases[i].path);
	memset(longest, 'x', sizeof(longest));
	longest[CACHE_PATH - 1] = '\0';
	assert_true(cache_path_is_valid(longest));
	longest[CACHE_PATH - 1] = 'x';
	longest[CACHE_PATH] = '\0';
	assert_false(cache_path_is_valid(longest));
}

static void an_index_is_read_back(void **unused)
{
	struct cache_file files[2], *read;
	struct arena a = { 0 };
	size_t count;

	(void)unused;
	add_blob(&files[0], "model.ubj", 'x', 1000);
	add_blob(&files[1], "a b/c d.txt", 'y', 0);
	assert_int_equal(cache_read_index(&t.cache, "fraud-1-0", &a, &read, &count), -ENOENT);
	assert_int_equal(cache_write_index(&t.cache, "fraud-1-0", files, 2), 0);
	assert_int_equal(cache_read_index(&t.cache, "fraud-1-0", &a, &read, &count), 0);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(read[i].path, files[i].path);
		assert_string_equal(read[i].sha256, files[i].sha256);
		assert_int_equal(read[i].size, files[i].size);
	}
	arena_done(&a);
}

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void bad_indexes_are_refused(void **unused)
{
	static const char *const bad[] = {
		"",
		"\n",
		DIGEST " 1 model.ubj",
		DIGEST " 1 model.ubj\n\n",
		DIGEST " 1 ../model.ubj\n",
		DIGEST " 1 /model.ubj\n",
		DIGEST " x model.ubj\n",
		DIGEST " -1 model.ubj\n",
		DIGEST " 1\n",
		DIGEST "0 1 model.ubj\n",
		"../../../../../../../../etc/passwd0123456789abcdef0123456789abcde 1 model.ubj\n",
		"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef 1 model.ubj\n",
	};
	struct cache_file *read;
	struct arena a = { 0 };
	size_t count;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(file_write(t.cache.versions, "fraud-1-0", str_of(bad[i]), 0640),
		                 0);
		if (cache_read_index(&t.cache, "fraud-1-0", &a, &read, &count) != -EBADMSG)
			fail_msg("case %zu", i);
	}
	arena_done(&a);
}

static void a_download_goes_on(void **unused)
{
	struct cache_partial p, other;

	(void)unused;
	assert_int_equal(cache_open_partial(&t.cache, DIGEST, &p), 0);
	assert_int_equal(p.size, 0);
	assert_int_equal(file_write_all(p.fd, "abc", 3), 0);
	/* While it runs, another one has a file of its own that nobody takes up. */
	assert_int_equal(cache_open_partial(&t.cache, DIGEST, &other), 0);
	assert_int_equal(other.size, 0);
	assert_string_not_equal(other.name, p.name);
	cache_close_partial(&t.cache, &other, true);
	cache_close_partial(&t.cache, &p, true);
	assert_true(exists("cache/partial/" DIGEST));
	assert_int_equal(cache_open_partial(&t.cache, DIGEST, &p), 0);
	assert_int_equal(p.size, 3);
	cache_close_partial(&t.cache, &p, false);
	assert_false(exists("cache/partial/" DIGEST));
	/* Without a digest there is nothing to go on from. */
	assert_int_equal(cache_open_partial(&t.cache, "", &p), 0);
	assert_int_equal(file_write_all(p.fd, "abc", 3), 0);
	cache_close_partial(&t.cache, &p, true);
	assert_int_equal(rmdir("cache/partial"), 0);
}

/* A digest that a server tells becomes the name of a file. */
static void digests_are_no_paths(void **unused)
{
	static const char *const bad[] = {
		"../././././././././././././././././././././././././././../victim",
		"0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
		"x",
	};
	struct cache_file f = { .path = "x", .size = 6 };
	struct cache_partial p;
	char *text = NULL;
	size_t n;
	int fd;

	(void)unused;
	assert_int_equal(strlen(bad[0]), CACHE_SHA256 - 1);
	assert_int_equal(file_write(AT_FDCWD, "victim", STR("victim"), 0600), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(f.sha256, sizeof(f.sha256), "%s", bad[i]);
		if (cache_open_blob(&t.cache, &f, &fd) != -EINVAL ||
		    cache_open_partial(&t.cache, bad[i], &p) != -EINVAL)
			fail_msg("case %zu", i);
		cache_drop_blob(&t.cache, bad[i]);
	}
	assert_int_equal(file_read(AT_FDCWD, "victim", 100, &text, &n), 0);
	assert_string_equal(text, "victim");
	free(text);
}

static void a_blob_is_read_only(void **unused)
{
	struct cache_partial p;
	struct stat st;

	(void)unused;
	/* One that cannot be written to, of another user or another release, stops nobody. */
	assert_int_equal(file_write(t.cache.partial, DIGEST, STR("half"), 0440), 0);
	assert_int_equal(cache_open_partial(&t.cache, DIGEST, &p), 0);
	assert_int_equal(pwrite(p.fd, "whole", 5, 0), 5);
	assert_int_equal(cache_commit(&t.cache, &p, DIGEST), 0);
	assert_int_equal(fstatat(t.cache.blobs, DIGEST, &st, 0), 0);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(st.st_mode & 0777, 0440);
}

static void folders_hold_their_files(void **unused)
{
	struct registry_folder folder = { .fd = -1 };
	struct cache_file f[3];
	struct stat st;

	(void)unused;
	add_blob(&f[0], "model.ubj", 'x', 1000);
	add_blob(&f[1], "artifacts/deep/a.txt", 'y', 10);
	f[2] = f[0];
	f[2].path = "artifacts/model.ubj";
	assert_int_equal(cache_open_folder(&t.cache, &folder), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(cache_link(&t.cache, &folder, &f[i]), 0);
	assert_int_equal(cache_link(&t.cache, &folder, &f[0]), -EEXIST);
	assert_int_equal(fstatat(folder.fd, "artifacts/deep/a.txt", &st, 0), 0);
	assert_int_equal(st.st_size, 10);
	assert_int_equal(st.st_mode & 0777, 0440);
	/* In use: it is neither cleared away nor are its blobs. */
	t.cache.max_bytes = 0;
	cache_trim(&t.cache, NULL);
	assert_true(exists(folder.temporary));
	assert_true(has_blob(&f[0]) && has_blob(&f[1]));
	registry_folder_done(&folder);
	cache_trim(&t.cache, NULL);
	assert_int_equal(rmdir("cache/tmp"), 0);
}

static void what_the_dead_left_is_cleared(void **unused)
{
	struct registry_folder folder = { .fd = -1 };
	CLEANUP(free_p) char *path = NULL;

	(void)unused;
	assert_int_equal(cache_open_folder(&t.cache, &folder), 0);
	/* As a crash leaves it: no descriptor, no lock. */
	path = take_ptr(&folder.temporary);
	registry_folder_done(&folder);
	assert_int_equal(file_write(t.cache.partial, "own-99999-0", STR("half"), 0640), 0);
	assert_int_equal(file_write(t.cache.partial, DIGEST, STR("half"), 0640), 0);
	assert_int_equal(file_write(t.cache.versions, "broken", STR("no index"), 0640), 0);
	cache_clear(&t.cache);
	assert_false(exists(path));
	assert_false(exists("cache/partial/own-99999-0"));
	assert_true(exists("cache/versions/broken"));
	cache_trim(&t.cache, NULL);
	assert_true(exists("cache/partial/" DIGEST)); /* somebody may go on with it */
	assert_false(exists("cache/versions/broken"));
}

static void set_used(const char *key, time_t seconds)
{
	const struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

	assert_int_equal(utimensat(t.cache.versions, key, times, 0), 0);
}

static void the_longest_unused_go(void **unused)
{
	struct cache_file shared, own[3], *read;
	static const char *const keys[] = { "v0", "v1", "v2" };
	struct arena a = { 0 };
	size_t count;

	(void)unused;
	add_blob(&shared, "shared", 's', 1000);
	for (size_t i = 0; i < 3; i++) {
		add_blob(&own[i], "own", (char)('0' + i), 10000);
		assert_int_equal(cache_write_index(&t.cache, keys[i],
		                                   (struct cache_file[]){ shared, own[i] }, 2),
		                 0);
		set_used(keys[i], (time_t)(1000 + i));
	}
	t.cache.max_bytes = 31000;
	cache_trim(&t.cache, NULL);
	assert_true(has_blob(&own[0]) && has_blob(&own[1]) && has_blob(&own[2]));
	/* Reading is a use, so v1 is the oldest now. */
	assert_int_equal(cache_read_index(&t.cache, "v0", &a, &read, &count), 0);
	t.cache.max_bytes = 30999;
	cache_trim(&t.cache, NULL);
	assert_true(has_blob(&own[0]) && !has_blob(&own[1]) && has_blob(&own[2]));
	assert_true(has_blob(&shared) && !exists("cache/versions/v1"));
	/* What was just fetched stays, whatever its age and size. */
	t.cache.max_bytes = 1;
	cache_trim(&t.cache, "v2");
	assert_true(!has_blob(&own[0]) && has_blob(&own[2]) && has_blob(&shared));
	cache_trim(&t.cache, NULL);
	assert_false(has_blob(&own[2]) || has_blob(&shared));
	arena_done(&a);
}

static void one_trims_at_a_time(void **unused)
{
	CLEANUP(close_p) int lock = -1;
	struct cache_file f;

	(void)unused;
	add_blob(&f, "own", 'x', 1000);
	assert_int_equal(cache_write_index(&t.cache, "v", &f, 1), 0);
	t.cache.max_bytes = 1;
	lock = openat(t.cache.root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	cache_trim(&t.cache, NULL);
	assert_true(has_blob(&f));
	close(take_fd(&lock));
	cache_trim(&t.cache, NULL);
	assert_false(has_blob(&f));
}

static void links_are_not_followed(void **unused)
{
	struct cache_file f = { .path = "x", .size = 3, .sha256 = DIGEST };
	struct cache_partial p;
	struct errbuf err;
	struct cache other;

	(void)unused;
	assert_int_equal(file_write(AT_FDCWD, "outside", STR("abc"), 0644), 0);
	assert_int_equal(symlink("../../outside", "cache/blobs/" DIGEST), 0);
	assert_false(has_blob(&f));
	assert_int_equal(symlink("../../outside", "cache/partial/" DIGEST), 0);
	assert_int_equal(cache_open_partial(&t.cache, DIGEST, &p), -ELOOP);
	assert_int_equal(mkdir("second", 0755), 0);
	assert_int_equal(symlink("../cache/blobs", "second/blobs"), 0);
	assert_int_equal(cache_open(&other, "second", 1, &err), -ELOOP);
	assert_non_null(strstr(err.text, "registry.cache_dir"));
}

struct told {
	struct event_base *base;
	int result;
	char sha256[CACHE_SHA256];
	uint64_t size;
};

static void on_digest(void *self, int result, const char *sha256, uint64_t size)
{
	struct told *told = self;

	told->result = result;
	told->size = size;
	snprintf(told->sha256, sizeof(told->sha256), "%s", sha256);
	loop_break(told->base);
}

static void large_files_are_hashed_in_slices(void **unused)
{
	static const size_t sizes[] = { 0, 1, 262144, (4 << 20), (4 << 20) + 1, (9 << 20) };
	char *bytes = malloc(9 << 20);
	struct told told = { .result = 1 };

	(void)unused;
	assert_non_null(bytes);
	for (size_t i = 0; i < 9 << 20; i++)
		bytes[i] = (char)(i * 2654435761u >> 24);
	assert_int_equal(loop_new(&told.base), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CLEANUP(close_p) int fd = -1;
		char expected[CACHE_SHA256];
		struct digest *d;

		assert_int_equal(file_write(AT_FDCWD, "f", (struct str){ bytes, sizes[i] }, 0644),
		                 0);
		fd = open("f", O_RDONLY | O_CLOEXEC);
		sha256_of((struct str){ bytes, sizes[i] }, expected);
		assert_int_equal(digest_start(told.base, fd, on_digest, &told, &d), 0);
		assert_int_equal(loop_run(told.base), 0);
		assert_int_equal(told.result, 0);
		assert_string_equal(told.sha256, expected);
		assert_int_equal(told.size, sizes[i]);
	}
	loop_free(told.base);
	free(bytes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_are_checked),        TEST(an_index_is_read_back),
		TEST(bad_indexes_are_refused),  TEST(a_download_goes_on),
		TEST(digests_are_no_paths),     TEST(a_blob_is_read_only),
		TEST(folders_hold_their_files), TEST(what_the_dead_left_is_cleared),
		TEST(the_longest_unused_go),    TEST(one_trims_at_a_time),
		TEST(links_are_not_followed),   TEST(large_files_are_hashed_in_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
