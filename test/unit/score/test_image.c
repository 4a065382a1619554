/* Images that must be refused: each case spoils one place of a good one. And what building refuses.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../bundle/small_version.h"
#include "score/build.h"
#include "score/image.h"

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

static int open_copy(const struct score_header *changed, size_t size, bool check_sum,
                     struct errbuf *err)
{
	void *copy = aligned_alloc(64, (size + 63) / 64 * 64 + 64);
	struct arena a = { 0 };
	struct score_model m;
	int r;

	memcpy(copy, image, size < image_size ? size : image_size);
	memcpy(copy, changed, size < sizeof(*changed) ? size : sizeof(*changed));
	r = score_open(copy, size, check_sum, &a, &m, err);
	arena_done(&a);
	free(copy);
	return r;
}

#define FIELD(member) offsetof(struct score_header, member)
#define SECTION(id, member) FIELD(section[id].member)

static void test_spoilt_headers(void **state)
{
	static const struct {
		size_t offset, width;
		uint64_t value;
		int r;
		const char *words;
	} cases[] = {
		{ FIELD(magic), 1, 'F', -EBADMSG, "no model image" },
		{ FIELD(version), 4, 2, -EPROTONOSUPPORT, "layout 2" },
		{ FIELD(size), 8, 64, -EBADMSG, "says 64 bytes" },
		{ FIELD(verified), 4, 7, -EBADMSG, "state of proof" },
		{ FIELD(threshold_low), 4, 0x7fc00000, -EBADMSG, "thresholds" },
		{ FIELD(threshold_low), 4, 0xbf800000, -EBADMSG, "thresholds" },
		{ FIELD(threshold_low), 4, 0x3f7fffff, -EBADMSG, "thresholds" },
		{ FIELD(threshold_high), 4, 0x7f800000, -EBADMSG, "thresholds" },
		{ FIELD(feature_count), 4, 4, -EBADMSG, "statistics" },
		{ FIELD(feature_count), 4, UINT32_MAX, -EBADMSG, "statistics" },
		{ FIELD(name.offset), 4, UINT32_MAX, -EBADMSG, "name" },
		{ FIELD(name.size), 4, UINT32_MAX, -EBADMSG, "name" },
		{ FIELD(model_version.size), 4, 100000, -EBADMSG, "name" },
		{ SECTION(SCORE_SECTION_PROGRAM, offset), 8, 0, -EBADMSG, "section 0" },
		{ SECTION(SCORE_SECTION_PROGRAM, offset), 8, 1 << 30, -EBADMSG, "section 0" },
		{ SECTION(SCORE_SECTION_PROGRAM, size), 8, UINT64_MAX, -EBADMSG, "section 0" },
		{ SECTION(SCORE_SECTION_FOREST, offset), 8, 200, -EBADMSG, "section 1" },
		{ SECTION(SCORE_SECTION_FOREST, size), 8, 64, -EBADMSG, "forest" },
		{ SECTION(SCORE_SECTION_STATS, size), 8, 8, -EBADMSG, "statistics" },
		{ SECTION(SCORE_SECTION_REASONS, size), 8, 8, -EBADMSG, "reasons" },
		{ SECTION(SCORE_SECTION_TEXTS, size), 8, 0, -EBADMSG, "name" },
		{ SECTION(SCORE_SECTION_TEXTS, offset), 8, UINT64_MAX - 63, -EBADMSG, "section 4" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct errbuf err = { "" };
		struct score_header h;
		int r;

		memcpy(&h, image, sizeof(h));
		memcpy((char *)&h + cases[i].offset, &cases[i].value, cases[i].width);
		r = open_copy(&h, image_size, false, &err);
		if (r != cases[i].r || !strstr(err.text, cases[i].words))
			fail_msg("case %zu: %d, %s", i, r, err.text);
	}
}

static void test_cut_images(void **state)
{
	struct score_header h;

	(void)state;
	memcpy(&h, image, sizeof(h));
	for (size_t size = 0; size < image_size; size += size < 1024 ? 1 : 64) {
		struct errbuf err;

		h.size = size;
		/* once with a header that says so, once without */
		if (open_copy(&h, size, false, &err) == 0 && size < sizeof(h))
			fail_msg("%zu bytes were taken", size);
		if (open_copy(image, size, false, &err) == 0)
			fail_msg("%zu of %zu bytes were taken", size, image_size);
	}
}

/* A flipped bit anywhere is seen by the checksum. */
static void test_checksum(void **state)
{
	char *copy = aligned_alloc(64, image_size);
	struct arena a = { 0 };
	struct score_model m;
	struct errbuf err;

	(void)state;
	memcpy(copy, image, image_size);
	assert_int_equal(score_open(copy, image_size, true, &a, &m, &err), 0);
	for (size_t i = 0; i < image_size; i++) {
		copy[i] = (char)(copy[i] ^ (1 << i % 8));
		if (score_open(copy, image_size, true, &a, &m, &err) == 0)
			fail_msg("byte %zu was changed and nobody saw it", i);
		copy[i] = (char)(copy[i] ^ (1 << i % 8));
	}
	score_image_set_verified(copy, image_size, SCORE_VERIFIED_GOLDEN);
	assert_int_equal(score_open(copy, image_size, true, &a, &m, &err), 0);
	assert_int_equal(m.verified, SCORE_VERIFIED_GOLDEN);
	assert_int_equal(score_open(copy + 8, image_size - 64, true, &a, &m, &err), -EINVAL);
	arena_done(&a);
	free(copy);
}

/* The sum must not change between programs of one layout version. */
static void test_checksum_is_fixed(void **state)
{
	char bytes[100];

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	assert_int_not_equal(score_checksum(bytes, 99), score_checksum(bytes, 100));
	assert_int_not_equal(score_checksum(bytes, 0), score_checksum("\0", 1));
	for (size_t n = 1; n < sizeof(bytes); n++) {
		uint64_t sum = score_checksum(bytes, n);

		bytes[n - 1] ^= 1;
		if (score_checksum(bytes, n) == sum)
			fail_msg("the last of %zu bytes does not count", n);
		bytes[n - 1] ^= 1;
	}
}

static void add_in_pieces(struct score_sum *s, const char *p, size_t size, size_t piece)
{
	score_sum_begin(s);
	for (size_t at = 0; at < size; at += piece)
		score_sum_add(s, p + at, size - at < piece ? size - at : piece);
}

static void test_sum_in_pieces(void **state)
{
	const struct score_header *h = image;
	struct score_sum s;

	(void)state;
	for (size_t piece = 1; piece <= 200; piece++) {
		add_in_pieces(&s, image, image_size, piece);
		if (score_sum_end(&s) != h->checksum)
			fail_msg("pieces of %zu bytes have another sum", piece);
	}
}

/* The sum stands for all that it covers, so here each copy gets the one that fits it. */
static void test_recognise(void **state)
{
	static const struct {
		enum score_section_id section; /* SCORE_SECTION_MAX: the header */
		size_t offset;
		char value;
		bool old_sum;
		int r;
		const char *words;
	} cases[] = {
		{ SCORE_SECTION_MAX, FIELD(magic), 'f', false, 0, "" },
		{ SCORE_SECTION_MAX, FIELD(magic), 'F', false, -EBADMSG, "no model image" },
		{ SCORE_SECTION_MAX, FIELD(version), 2, false, -EPROTONOSUPPORT, "layout 2" },
		{ SCORE_SECTION_MAX, FIELD(verified), 7, false, -EBADMSG, "state of proof" },
		{ SCORE_SECTION_PROGRAM, 0, '?', false, -EBADMSG, "program" },
		{ SCORE_SECTION_FOREST, 8, 99, false, -EPROTONOSUPPORT, "layout 99" },
		{ SCORE_SECTION_FOREST, 8, 99, true, -EBADMSG, "checksum" },
	};
	const struct score_header *h = image;
	struct score_header *copy = aligned_alloc(64, image_size);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t at = cases[i].offset;
		struct errbuf err = { "" };
		struct score_sum sum;
		int r;

		if (cases[i].section < SCORE_SECTION_MAX)
			at += h->section[cases[i].section].offset;
		memcpy(copy, image, image_size);
		((char *)copy)[at] = cases[i].value;
		if (!cases[i].old_sum)
			copy->checksum = score_image_checksum(copy);
		add_in_pieces(&sum, (const char *)copy, image_size, 100);
		r = score_recognise(copy, image_size, &sum, &err);
		if (r != cases[i].r || !strstr(err.text, cases[i].words))
			fail_msg("case %zu: %d, %s", i, r, err.text);
	}
	free(copy);
}

static void test_same_parts_same_bytes(void **state)
{
	struct small_version v = { 0 };
	struct errbuf err;
	size_t size = 0;
	void *again = NULL;

	(void)state;
	small_fill(&v);
	assert_int_equal(small_image(&v, &again, &size, &err), 0);
	assert_int_equal(size, image_size);
	assert_memory_equal(again, image, size);
	free(again);
	small_done(&v);
}

static void test_refused_parts(void **state)
{
	static const struct {
		unsigned member;
		const char *from, *to;
		const char *words;
	} cases[] = {
		{ SMALL_MODEL, "\"amount\",\"country\"", "\"country\",\"amount\"",
		  "feature 0 is \"country\" in the model, \"amount\" in the program" },
		{ SMALL_FEATURES, "  - { name: pin, op: number, of: pin }\n", "",
		  "must list the program's 4 features" },
		{ SMALL_REASONS, "high:", "higher:", "reasons.yaml:2: \"higher\" is none of" },
		{ SMALL_REASONS, "  text: the country stands out", "  - a",
		  "reasons.yaml:4: \"country\" must be a mapping" },
		{ SMALL_REASONS, "far above the usual", "[a, b]",
		  "reasons.yaml:2: \"high\" must be text" },
		{ SMALL_REASONS, "amount:", "- amount:", "reasons.yaml" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct small_version v = { 0 };
		struct errbuf err = { "" };
		size_t size;
		void *made;

		small_fill(&v);
		assert_true(small_replace(&v, cases[i].member, cases[i].from, cases[i].to));
		if (small_image(&v, &made, &size, &err) == 0 || !strstr(err.text, cases[i].words))
			fail_msg("case %zu: %s", i, err.text);
		small_done(&v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spoilt_headers),
		cmocka_unit_test(test_cut_images),
		cmocka_unit_test(test_checksum),
		cmocka_unit_test(test_checksum_is_fixed),
		cmocka_unit_test(test_sum_in_pieces),
		cmocka_unit_test(test_recognise),
		cmocka_unit_test(test_same_parts_same_bytes),
		cmocka_unit_test(test_refused_parts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
