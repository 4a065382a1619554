/* What a worker maps and what it refuses to map. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../bundle/small_version.h"
#include "base/file.h"
#include "daemons/front/generation.h"

static void *image;
static size_t image_size;

static int set_up(void **state)
{
	struct small_version v = { 0 };
	struct errbuf err = { "" };
	int r;

	(void)state;
	json_setup();
	small_fill(&v);
	r = small_image(&v, &image, &image_size, &err);
	if (r < 0)
		print_error("%s\n", err.text);
	small_done(&v);
	return r;
}

static int tear_down(void **state)
{
	(void)state;
	free(image);
	return 0;
}

/* A memory file of the image's first `size` bytes, with zeros behind it. */
static int memory_of(size_t size, unsigned seals)
{
	int fd;

	assert_int_equal(memfd_new("test", &fd), 0);
	assert_int_equal(file_write_all(fd, image, size < image_size ? size : image_size), 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

#define ALL (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static void test_refused(void **state)
{
	const struct {
		size_t size, told;
		unsigned seals;
		int r;
		const char *words;
	} cases[] = {
		{ image_size, image_size, 0, -EPERM, "not sealed" },
		{ image_size, image_size, F_SEAL_WRITE, -EPERM, "not sealed" },
		{ image_size, image_size, ALL & ~(unsigned)F_SEAL_SHRINK, -EPERM, "not sealed" },
		{ image_size, image_size, ALL & ~(unsigned)F_SEAL_SEAL, -EPERM, "not sealed" },
		{ image_size, image_size + 1, ALL, -EBADMSG, "bytes long" },
		{ image_size + 64, image_size, ALL, -EBADMSG, "bytes long" },
		{ 0, 0, ALL, -EBADMSG, "bytes long" },
		{ image_size + 64, image_size + 64, ALL, -EBADMSG, "model image says" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msg_model about = { .generation = 7, .size = cases[i].told };
		int fd = memory_of(cases[i].size, cases[i].seals);
		struct generation *g = NULL;
		struct errbuf err = { "" };
		int r = generation_open(&about, fd, &g, &err);

		if (r != cases[i].r || g || !strstr(err.text, cases[i].words))
			fail_msg("case %zu: %d, \"%s\"", i, r, err.text);
		close(fd);
	}
}

/* Serves on while anybody holds it, whatever became of the descriptor. */
static void test_held(void **state)
{
	struct msg_model about = { .generation = 7, .size = image_size };
	int fd = memory_of(image_size, ALL);
	struct generation *g = NULL;
	struct score_result result;
	struct score_options all = { .explain_from = DECISION_ALLOW, .top_k = 3 };
	struct errbuf err = { "" };

	(void)state;
	assert_int_equal(generation_open(&about, fd, &g, &err), 0);
	close(fd);
	assert_ptr_equal(generation_hold(g), g);
	generation_release(g);
	program_row_reset(&g->model.program, g->row);
	score_row(&g->model, g->row, &all, &g->scratch, &result);
	assert_true(result.score > 0.0f && result.score < 1.0f);
	generation_release(g);
	generation_release(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_held),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
