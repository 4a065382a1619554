/* The loader against compile children that crash, hang and lie. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/settings.h"
#include "daemon/loop.h"
#include "daemons/loader/compiler.h"

static struct {
	struct event_base *base;
	struct settings settings;
	unsigned ends;
	struct compiler_outcome outcome;
} t;

static int setup(void **unused)
{
	(void)unused;
	memset(&t, 0, sizeof(t));
	t.outcome.fd = -1;
	t.settings.models.name = "fraud";
	t.settings.models.trees = "best";
	t.settings.models.max_bytes = 1 << 20;
	t.settings.loader.compile_seconds = 60;
	t.settings.loader.compile_memory_mib = 256;
	return loop_new(&t.base);
}

static int teardown(void **unused)
{
	(void)unused;
	close_p(&t.outcome.fd);
	loop_free(t.base);
	return 0;
}

static void on_end(void *self, struct compiler_outcome *o)
{
	(void)self;
	t.ends++;
	t.outcome = *o;
	t.outcome.fd = take_fd(&o->fd);
	loop_break(t.base);
}

static struct compiler *start(const char *what)
{
	CLEANUP(close_p) int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct compiler_request q = {
		.base = t.base, .settings = &t.settings, .version = what, .folder_fd = folder
	};
	struct compiler *c = NULL;

	close_p(&t.outcome.fd);
	t.ends = 0;
	assert_int_equal(compiler_start(&q, on_end, NULL, &c), 0);
	return c;
}

static void finish(void)
{
	assert_int_equal(loop_run(t.base), 0);
	assert_int_equal(t.ends, 1);
}

static void sound_image_is_sealed(void **unused)
{
	char text[7] = "";

	(void)unused;
	start("sound");
	finish();
	assert_int_equal(t.outcome.result, 0);
	assert_true(memfd_is_sealed(t.outcome.fd));
	assert_int_equal(pread(t.outcome.fd, text, 7, 0), 6);
	assert_string_equal(text, "image\n");
	assert_string_equal(t.outcome.child.note.text, "all trees");
	start("unchanged");
	finish();
	assert_int_equal(t.outcome.result, 0);
	assert_true(t.outcome.child.unchanged);
	assert_int_equal(t.outcome.fd, -1);
}

static void what_goes_wrong_is_refused(void **unused)
{
	static const struct {
		const char *what;
		int result;
		bool of_the_files;
		const char *words;
	} cases[] = {
		{ "crash", -ECHILD, false,
		  "the compile child was ended by signal 11 (Segmentation fault)" },
		{ "silent", -ECHILD, false, "the compile child ended with status 0" },
		{ "status", -ECHILD, false,
		  "the compile child ended with status 9: something went wrong" },
		{ "short", -ECHILD, false, "the compile child ended with status 0" },
		{ "small", -EBADMSG, false, "the compile child left no image of its size" },
		{ "empty", -EBADMSG, false, "the compile child left no image of its size" },
		{ "name", -ECHILD, false, "the compile child ended with status 0" },
		{ "verified", -ECHILD, false, "the compile child ended with status 0" },
		{ "words", -ECHILD, false, "the compile child ended with status 1" },
		{ "refused", -EBADMSG, true, "model.ubj is broken" },
		{ "memory", -ENOMEM, false,
		  "no memory for model.ubj (loader.compile_memory_mib is 256)" },
		{ "big", -EFBIG, false, "the image has more than 69206016 bytes" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(cases[i].what);
		finish();
		if (t.outcome.result != cases[i].result || t.outcome.fd != -1 ||
		    t.outcome.of_the_files != cases[i].of_the_files ||
		    strcmp(t.outcome.err.text, cases[i].words) != 0)
			fail_msg("case %zu: %d \"%s\"", i, t.outcome.result, t.outcome.err.text);
	}
}

static void too_slow_is_refused(void **unused)
{
	(void)unused;
	t.settings.loader.compile_seconds = 1;
	start("hang");
	finish();
	assert_int_equal(t.outcome.result, -ETIMEDOUT);
	assert_string_equal(t.outcome.err.text,
	                    "compiling took longer than loader.compile_seconds (1)");
	assert_int_equal(t.outcome.fd, -1);
}

static void stopped_child_still_ends(void **unused)
{
	(void)unused;
	compiler_stop(start("hang"));
	finish();
	assert_int_equal(t.outcome.result, -ECHILD);
	assert_false(t.outcome.of_the_files);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sound_image_is_sealed),
		TEST(what_goes_wrong_is_refused),
		TEST(too_slow_is_refused),
		TEST(stopped_child_still_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
