/* A program from YAML, ready to run, for the tests of lib/features. */
#ifndef TEST_FEATURES_FIXTURE_H
#define TEST_FEATURES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <fcntl.h>

#include "base/arena.h"
#include "base/file.h"
#include "features/declare.h"
#include "features/image.h"
#include "features/learn.h"
#include "features/program.h"
#include "features/row.h"
#include "json/value.h"

struct fixture {
	struct arena a;
	struct declaration *d;
	struct learned *learned;
	struct program p;
	void *image;
	size_t size;
	struct cell *row;
	void *scratch;
	float *features;
};

/* The default program of the checkout, in the arena. */
static inline struct str fixture_default_yaml(struct arena *a)
{
	char *text;
	size_t n;
	struct str yaml;

	assert_int_equal(
	        file_read(AT_FDCWD, FRAUDD_SOURCE_DIR "/config/features.yaml", 1 << 20, &text, &n),
	        0);
	yaml = (struct str){ arena_memdup(a, text, n), n };
	free(text);
	return yaml;
}

static inline void fixture_declare(struct fixture *f, struct str yaml)
{
	struct errbuf err = { "" };

	if (program_declare(yaml, "test.yaml", &f->a, &f->d, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void fixture_open(struct fixture *f)
{
	struct errbuf err = { "" };

	if (program_compile(f->d, f->learned, &f->a, &f->image, &f->size, &err) < 0 ||
	    program_open(f->image, f->size, &f->a, &f->p, &err) < 0)
		fail_msg("%s", err.text);
	f->row = arena_calloc(&f->a, f->p.input_count, sizeof(*f->row));
	f->scratch = arena_alloc(&f->a, program_scratch_size(&f->p));
	f->features = arena_calloc(&f->a, f->p.feature_count, sizeof(*f->features));
	program_row_reset(&f->p, f->row);
}

static inline void fixture_run(struct fixture *f)
{
	program_run(&f->p, f->row, f->scratch, f->features);
}

static inline int fixture_feature(const struct fixture *f, const char *name)
{
	for (uint32_t i = 0; i < f->p.feature_count; i++) {
		if (str_is(program_feature_name(&f->p, i), name))
			return (int)i;
	}
	fail_msg("no feature %s", name);
	return -1;
}

/* Sets one input from text as a CSV field would. */
static inline void fixture_set(struct fixture *f, const char *name, const char *text)
{
	struct field_fault fault;
	int i = program_find_input(&f->p, str_of(name));

	assert_true(i >= 0);
	if (cell_from_text(&f->p.inputs[i], str_of(text), &f->row[i], &fault) < 0)
		fail_msg("%s = %s: %s", name, text, fault.message);
}

/* "name=value;name=value" */
static inline void fixture_set_all(struct fixture *f, const char *list)
{
	char *next = arena_strdup(&f->a, list);

	program_row_reset(&f->p, f->row);
	for (char *pair; (pair = strsep(&next, ";"));) {
		char *value = strchr(pair, '=');

		if (!value)
			continue;
		*value++ = '\0';
		fixture_set(f, pair, value);
	}
}

static inline void fixture_done(struct fixture *f)
{
	arena_done(&f->a);
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
