/*
 * Puts an image together from its parts. Called by the compile child and by the trainer, once a
 * version; a worker only ever opens what comes out here. Invariant: an image that this returns has
 * passed score_open() with its checksum, and the same parts give the same bytes.
 */
#include "score/build.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "score/image.h"
#include "score/reasons.h"

struct builder {
	const struct score_parts *parts;
	struct arena arena;
	struct program program;
	void *program_image;
	size_t program_size;
	struct score_stat *stats;
	struct score_reason_texts *reasons; /* NULL: none */
	struct strbuf texts;
	struct score_header header;
};

static void builder_done(struct builder *b)
{
	strbuf_done(&b->texts);
	arena_done(&b->arena);
}

static int check_names(const struct builder *b, struct errbuf *err)
{
	const struct forest_model *f = b->parts->forest;

	for (uint32_t i = 0; f->feature_names && i < f->feature_count; i++) {
		struct str name = program_feature_name(&b->program, i);

		if (!str_equal(name, f->feature_names[i]))
			return errbuf_set(
			        err, -EBADMSG,
			        "feature %u is \"%.*s\" in the model, \"%.*s\" in the program", i,
			        STR_ARGS(f->feature_names[i]), STR_ARGS(name));
	}
	return 0;
}

static int build_program(struct builder *b, struct errbuf *err)
{
	const struct score_parts *p = b->parts;
	int r;

	r = program_compile(p->declaration, p->learned, &b->arena, &b->program_image,
	                    &b->program_size, err);
	if (r < 0)
		return r;
	r = program_open(b->program_image, b->program_size, &b->arena, &b->program, err);
	if (r < 0)
		return r;
	if (b->program.feature_count != p->forest->feature_count)
		return errbuf_set(err, -EBADMSG,
		                  "the model has %u features, the feature program %u",
		                  p->forest->feature_count, b->program.feature_count);
	return check_names(b, err);
}

static int build_stats(struct builder *b)
{
	uint32_t n = b->program.feature_count;

	b->stats = arena_calloc(&b->arena, n ? n : 1, sizeof(*b->stats));
	if (!b->stats)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		struct score_stat *s = &b->stats[i];

		if (!b->parts->learned ||
		    !learned_feature_stats(b->parts->learned, i, &s->mean, &s->sd))
			*s = (struct score_stat){ .mean = 0.0, .sd = (double)NAN };
	}
	return 0;
}

static int build_texts(struct builder *b, struct errbuf *err)
{
	const struct score_parts *p = b->parts;
	uint32_t n = b->program.feature_count;
	int r = 0;

	b->header.name = score_add_text(&b->texts, p->name);
	b->header.model_version = score_add_text(&b->texts, p->version);
	if (p->reasons_yaml.n) {
		b->reasons = arena_calloc(&b->arena, n ? n : 1, sizeof(*b->reasons));
		if (!b->reasons)
			return -ENOMEM;
		r = score_reasons_read(p->reasons_yaml, &b->program, &b->texts, b->reasons, err);
	}
	return r < 0 ? r : strbuf_error(&b->texts);
}

static uint64_t align_up(uint64_t n)
{
	return (n + SCORE_IMAGE_ALIGN - 1) / SCORE_IMAGE_ALIGN * SCORE_IMAGE_ALIGN;
}

static void lay_out(struct builder *b)
{
	struct score_header *h = &b->header;
	uint64_t n = b->program.feature_count;
	uint64_t sizes[SCORE_SECTION_MAX] = {
		[SCORE_SECTION_PROGRAM] = b->program_size,
		[SCORE_SECTION_FOREST] = forest_image_size(b->parts->forest),
		[SCORE_SECTION_STATS] = n * sizeof(struct score_stat),
		[SCORE_SECTION_REASONS] = b->reasons ? n * sizeof(struct score_reason_texts) : 0,
		[SCORE_SECTION_TEXTS] = b->texts.n,
	};
	uint64_t at = align_up(sizeof(*h));

	for (unsigned i = 0; i < SCORE_SECTION_MAX; i++) {
		h->section[i] = (struct score_section){ .offset = at, .size = sizes[i] };
		at = align_up(at + sizes[i]);
	}
	h->size = at;
}

static void fill_header(struct builder *b)
{
	const struct score_parts *p = b->parts;
	struct score_header *h = &b->header;

	memcpy(h->magic, SCORE_IMAGE_MAGIC, sizeof(h->magic));
	h->version = SCORE_IMAGE_VERSION;
	h->verified = p->verified;
	memcpy(h->model_sha256, p->model_sha256, sizeof(h->model_sha256));
	h->threshold_low = p->threshold_low;
	h->threshold_high = p->threshold_high;
	h->feature_count = b->program.feature_count;
}

static void put(char *image, const struct score_section *s, const void *p)
{
	if (s->size)
		memcpy(image + s->offset, p, (size_t)s->size);
}

static int write_image(struct builder *b, char *image, struct errbuf *err)
{
	const struct score_section *s = b->header.section;
	struct score_header *h = (struct score_header *)(void *)image;
	int r;

	memset(image, 0, (size_t)b->header.size);
	*h = b->header;
	put(image, &s[SCORE_SECTION_PROGRAM], b->program_image);
	put(image, &s[SCORE_SECTION_STATS], b->stats);
	put(image, &s[SCORE_SECTION_REASONS], b->reasons);
	put(image, &s[SCORE_SECTION_TEXTS], b->texts.p);
	r = forest_image_build(b->parts->forest, image + s[SCORE_SECTION_FOREST].offset, err);
	if (r < 0)
		return r;
	h->checksum = score_image_checksum(h);
	return 0;
}

static int build(struct builder *b, void **ret, size_t *ret_size, struct errbuf *err)
{
	CLEANUP(free_p) char *image = NULL;
	struct score_model check;
	size_t size;
	int r;

	lay_out(b);
	fill_header(b);
	size = (size_t)b->header.size;
	image = aligned_alloc(SCORE_IMAGE_ALIGN, size);
	if (!image)
		return errbuf_set(err, -ENOMEM, "no memory for a model image of %zu bytes", size);
	r = write_image(b, image, err);
	if (r == 0)
		r = score_open(image, size, true, &b->arena, &check, err);
	if (r < 0)
		return r;
	*ret = take_ptr(&image);
	*ret_size = size;
	return 0;
}

int score_image_build(const struct score_parts *p, void **ret, size_t *ret_size, struct errbuf *err)
{
	struct builder b = { .parts = p };
	int r;

	errbuf_set(err, 0, "no memory for the model image");
	r = build_program(&b, err);
	if (r == 0)
		r = build_stats(&b);
	if (r == 0)
		r = build_texts(&b, err);
	if (r == 0)
		r = build(&b, ret, ret_size, err);
	builder_done(&b);
	return r;
}

void score_image_set_verified(void *image, size_t size, enum score_verified v)
{
	struct score_header *h = image;

	if (size < sizeof(*h) || h->size != size)
		return;
	h->verified = v;
	h->checksum = score_image_checksum(h);
}
