/*
 * An image is either refused or safe to run: cut at every length, each byte set to several values,
 * with the sanitizers watching every read of the run.
 */
#include "fixture.h"

#include <errno.h>

static const char program[] =
        "version: 1\n"
        "inputs:\n"
        "  - { name: k, type: integer, required: true, role: key }\n"
        "  - { name: t, type: datetime, required: true, role: time }\n"
        "  - { name: d, type: date, missing: [\"9999-01-01\"] }\n"
        "  - { name: x, type: number, default: 1.5 }\n"
        "  - { name: c, type: category, default: abc, role: entity }\n"
        "  - { name: s, type: text, private: true }\n"
        "features:\n"
        "  - { name: x, op: number, of: x, clip: iqr, missing: median }\n"
        "  - { name: c, op: category, of: c }\n"
        "  - { name: m, op: date_part, of: d, part: month_cos }\n"
        "  - { name: n, op: is_night, of: t }\n"
        "  - { name: a, op: days_between, of: [t, d] }\n"
        "  - { name: e, op: not_equal, of: [c, s], missing: native }\n"
        "  - { name: b, op: bucket, of: a, limits: [1, 2] }\n"
        "  - { name: f, op: flag, any: [\"c in [x, y]\", \"t > 2020-01-01\", \"b <= x\"] }\n"
        "  - { name: r, op: ratio, of: [x, b] }\n"
        "  - { name: l, op: log1p, of: r }\n";

static const char encoders[] = "{\"c\": [\"Unknown\", \"abc\", \"x\"]}";
static const char medians[] =
        "{\"feature_columns\": [\"x\",\"c\",\"m\",\"n\",\"a\",\"e\",\"b\",\"f\",\"r\",\"l\"],"
        " \"medians\": {\"x\": 2}, \"clipping_bounds\": {\"x\": [0, 5]}}";

static void open_learned(struct fixture *f)
{
	struct errbuf err = { "" };

	json_setup();
	fixture_declare(f, STR(program));
	if (learned_read(f->d, STR(encoders), STR(medians), &f->a, &f->learned, &err) < 0)
		fail_msg("%s", err.text);
	fixture_open(f);
}

/* Copies of exactly n bytes, so that a read behind them is seen. Returns whether it was opened. */
static bool try_image(const struct fixture *f, const void *bytes, size_t n)
{
	struct arena a = { 0 };
	struct errbuf err = { "" };
	struct program p;
	void *copy = aligned_alloc(64, (n + 63) / 64 * 64);
	char *image = copy;
	int r;

	/* At the end of the block, at a multiple of 8. */
	image += ((n + 63) / 64 * 64 - n) / 8 * 8;
	memcpy(image, bytes, n);
	r = program_open(image, n, &a, &p, &err);
	if (r < 0 && err.text[0] == '\0')
		fail_msg("refused without words");
	if (r == 0) {
		float *features = arena_calloc(&a, p.feature_count, sizeof(*features));
		struct cell *row = arena_calloc(&a, p.input_count, sizeof(*row));
		void *scratch = arena_alloc(&a, program_scratch_size(&p));

		program_row_reset(&p, row);
		program_run(&p, row, scratch, features);
		if (p.input_count == f->p.input_count)
			program_run(&p, f->row, scratch, features);
		for (uint32_t i = 0; i < p.feature_count; i++)
			(void)str_is_utf8(program_feature_name(&p, i));
		(void)program_find_input(&p, STR("c"));
	}
	arena_done(&a);
	free(copy);
	return r == 0;
}

static void cut(void **unused)
{
	struct fixture f = { 0 };

	(void)unused;
	open_learned(&f);
	for (size_t n = 0; n < f.size; n++) {
		if (try_image(&f, f.image, n))
			fail_msg("%zu of %zu bytes were opened", n, f.size);
	}
	assert_true(try_image(&f, f.image, f.size));
	fixture_done(&f);
}

static bool types_kept(const struct fixture *f, const void *bytes)
{
	struct image_view v = image_view_of(bytes);

	/* A row is of the types that the image says: a run over our row needs ours. */
	for (uint32_t i = 0; i < f->p.input_count; i++) {
		if (v.inputs[i].type != f->p.inputs[i].type)
			return false;
	}
	return true;
}

static void mutated(void **unused)
{
	static const unsigned char values[] = { 0x00, 0x01, 0x05, 0x7F, 0x80, 0xFF };
	struct fixture f = { 0 };
	unsigned char *bytes;
	size_t opened = 0;

	(void)unused;
	open_learned(&f);
	fixture_set_all(&f, "k=1;t=2026-01-01T10:00;d=2025-01-01;x=3;c=x;s=X");
	bytes = arena_memdup(&f.a, f.image, f.size);
	for (size_t i = 0; i < f.size; i++) {
		unsigned char kept = bytes[i];

		for (size_t k = 0; k < COUNT(values); k++) {
			bytes[i] = values[k];
			/* Sections that moved are judged by program_open() alone. */
			if (memcmp(bytes, f.image, sizeof(struct program_header)) == 0 &&
			    !types_kept(&f, bytes))
				continue;
			opened += try_image(&f, bytes, f.size);
		}
		bytes[i] = kept;
	}
	/* Constants and texts may change; a test in which nothing opens would see no run. */
	assert_true(opened > 1000);
	fixture_done(&f);
}

static void moved(void **unused)
{
	struct fixture f = { 0 };
	struct errbuf err = { "" };
	struct program p;
	char *bytes;

	(void)unused;
	open_learned(&f);
	bytes = aligned_alloc(64, (f.size + 64 + 63) / 64 * 64);
	memcpy(bytes + 8, f.image, f.size);
	assert_int_equal(program_open(bytes + 8, f.size, &f.a, &p, &err), 0);
	memmove(bytes + 4, bytes + 8, f.size);
	assert_int_equal(program_open(bytes + 4, f.size, &f.a, &p, &err), -EBADMSG);
	assert_string_equal(err.text, "no feature program");
	free(bytes);
	fixture_done(&f);
}

static void needs_learning(void **unused)
{
	static const struct {
		const char *feature, *words;
	} cases[] = {
		{ "op: category, of: c", "feature \"f\": its levels were not learned" },
		{ "op: number, of: x, clip: iqr",
		  "feature \"f\": its clipping bounds were not learned" },
		{ "op: number, of: x, missing: median",
		  "feature \"f\": its median was not learned" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fixture f = { 0 };
		struct errbuf err = { "" };
		struct str head = { program, (size_t)(strstr(program, "features:") - program) };
		char *yaml = arena_printf(&f.a, "%.*sfeatures:\n  - { name: f, %s }\n",
		                          STR_ARGS(head), cases[i].feature);

		fixture_declare(&f, str_of(yaml));
		if (program_compile(f.d, NULL, &f.a, &f.image, &f.size, &err) != -EINVAL ||
		    strcmp(err.text, cases[i].words) != 0)
			fail_msg("case %zu: %s", i, err.text);
		fixture_done(&f);
	}
}

/* Memory that ends at any point of declaring, reading, compiling or opening is an error, no more.
 */
static void little_memory(void **unused)
{
	struct fixture whole = { 0 };
	bool done = false;

	(void)unused;
	open_learned(&whole);
	for (size_t limit = 1; !done; limit += 4096) {
		struct arena a = { .limit = limit };
		struct errbuf err = { "" };
		struct declaration *d = NULL;
		struct learned *l = NULL;
		struct program p;
		void *image = NULL;
		size_t size = 0;
		int r = program_declare(STR(program), "test.yaml", &a, &d, &err);

		if (r == 0)
			r = learned_read(d, STR(encoders), STR(medians), &a, &l, &err);
		if (r == 0)
			r = program_compile(d, l, &a, &image, &size, &err);
		if (r == 0)
			r = program_open(image, size, &a, &p, &err);
		if (r != 0 && (r != -ENOMEM || err.text[0] == '\0'))
			fail_msg("limit %zu: %d %s", limit, r, err.text);
		done = r == 0;
		if (done && (size != whole.size || memcmp(image, whole.image, size) != 0))
			fail_msg("the same program, another image");
		arena_done(&a);
	}
	fixture_done(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cut),           cmocka_unit_test(mutated),
		cmocka_unit_test(moved),         cmocka_unit_test(needs_learning),
		cmocka_unit_test(little_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
