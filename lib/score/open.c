/*
 * Opens an image: every size, offset and section is checked here once, so that scoring need not
 * look again. Called by a worker for each new generation, by the compile child to prove what it
 * built, by tools. Invariant: after success nothing that score_row() or the answers read lies
 * outside the image, whatever its bytes are.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "score/image.h"
#include "score/score.h"

/* A threshold may stand just above 1: then nothing reaches it. */
#define THRESHOLD_MAX 1.5f

static int check_header(const struct score_header *h, size_t size, struct errbuf *err)
{
	if ((uintptr_t)h % SCORE_IMAGE_ALIGN)
		return errbuf_set(err, -EINVAL, "model image is not aligned to %d bytes",
		                  SCORE_IMAGE_ALIGN);
	if (size < sizeof(*h) || memcmp(h->magic, SCORE_IMAGE_MAGIC, sizeof(h->magic)) != 0)
		return errbuf_set(err, -EBADMSG, "this is no model image");
	if (h->version != SCORE_IMAGE_VERSION)
		return errbuf_set(err, -EPROTONOSUPPORT,
		                  "model image has layout %u, this program reads %d", h->version,
		                  SCORE_IMAGE_VERSION);
	if (h->size != size || size % SCORE_IMAGE_ALIGN)
		return errbuf_set(err, -EBADMSG, "model image says %llu bytes, there are %zu",
		                  (unsigned long long)h->size, size);
	return 0;
}

static int check_sections(const struct score_header *h, struct errbuf *err)
{
	uint64_t end = sizeof(*h);

	for (unsigned i = 0; i < SCORE_SECTION_MAX; i++) {
		const struct score_section *s = &h->section[i];

		if (s->offset < end || s->offset % SCORE_IMAGE_ALIGN || s->offset > h->size ||
		    s->size > h->size - s->offset)
			return errbuf_set(err, -EBADMSG,
			                  "section %u of the model image is out of bounds", i);
		end = s->offset + s->size;
	}
	return 0;
}

static const void *section(const struct score_header *h, enum score_section_id id)
{
	return (const char *)h + h->section[id].offset;
}

static bool is_text_inside(const struct score_header *h, struct score_text t)
{
	uint64_t room = h->section[SCORE_SECTION_TEXTS].size;

	return t.offset <= room && t.size <= room - t.offset;
}

static int check_reasons(const struct score_header *h, struct errbuf *err)
{
	const struct score_reason_texts *r = section(h, SCORE_SECTION_REASONS);
	uint64_t size = h->section[SCORE_SECTION_REASONS].size;

	if (size != 0 && size != (uint64_t)h->feature_count * sizeof(*r))
		return errbuf_set(err, -EBADMSG, "reasons of the model image have a wrong size");
	for (uint64_t i = 0; i < size / sizeof(*r); i++) {
		if (!is_text_inside(h, r[i].high) || !is_text_inside(h, r[i].low) ||
		    !is_text_inside(h, r[i].any))
			return errbuf_set(err, -EBADMSG, "text of reason %llu is out of bounds",
			                  (unsigned long long)i);
	}
	return 0;
}

static int check_values(const struct score_header *h, struct errbuf *err)
{
	float low = h->threshold_low, high = h->threshold_high;

	/* NaN fails each of these. */
	if (!(low >= 0.0f && low <= high && high <= THRESHOLD_MAX))
		return errbuf_set(err, -EBADMSG, "thresholds %g and %g are no pair within [0, 1]",
		                  (double)low, (double)high);
	if (h->verified > SCORE_VERIFIED_GOLDEN)
		return errbuf_set(err, -EBADMSG, "model image has an unknown state of proof");
	if (h->section[SCORE_SECTION_STATS].size !=
	    (uint64_t)h->feature_count * sizeof(struct score_stat))
		return errbuf_set(err, -EBADMSG, "statistics of the model image have a wrong size");
	if (!is_text_inside(h, h->name) || !is_text_inside(h, h->model_version))
		return errbuf_set(err, -EBADMSG, "name of the model image is out of bounds");
	return check_reasons(h, err);
}

static int check_checksum(const struct score_header *h, uint64_t sum, struct errbuf *err)
{
	if (h->checksum != sum)
		return errbuf_set(err, -EBADMSG, "checksum of the model image differs");
	return 0;
}

static int check_image(const struct score_header *h, struct errbuf *err)
{
	int r = check_sections(h, err);

	return r < 0 ? r : check_values(h, err);
}

static struct str text_of(const struct score_header *h, struct score_text t)
{
	return (struct str){ (const char *)section(h, SCORE_SECTION_TEXTS) + t.offset, t.size };
}

static size_t align_up(size_t n)
{
	return (n + SCORE_IMAGE_ALIGN - 1) / SCORE_IMAGE_ALIGN * SCORE_IMAGE_ALIGN;
}

/* The program's and the forest's scratch share their place: they never run at the same time. */
static size_t scratch_size(const struct score_model *m)
{
	size_t program = program_scratch_size(&m->program);
	size_t forest = forest_scratch_size(&m->forest);

	return align_up(m->forest.feature_count * sizeof(float)) +
	       align_up((m->forest.feature_count + 1) * sizeof(double)) +
	       align_up(program > forest ? program : forest);
}

static int open_sections(const struct score_header *h, struct arena *a, struct score_model *m,
                         struct errbuf *err)
{
	const struct score_section *s = h->section;
	int r;

	r = program_open(section(h, SCORE_SECTION_PROGRAM), (size_t)s[SCORE_SECTION_PROGRAM].size,
	                 a, &m->program, err);
	if (r < 0)
		return errbuf_prefix(err, r, "feature program of the model image");
	r = forest_open(section(h, SCORE_SECTION_FOREST), (size_t)s[SCORE_SECTION_FOREST].size,
	                &m->forest, err);
	if (r < 0)
		return errbuf_prefix(err, r, "forest of the model image");
	if (m->program.feature_count != h->feature_count ||
	    m->forest.feature_count != h->feature_count)
		return errbuf_set(
		        err, -EBADMSG, "model image has %u features, program %u, forest %u",
		        h->feature_count, m->program.feature_count, m->forest.feature_count);
	return 0;
}

int score_open(const void *image, size_t size, bool check_sum, struct arena *a,
               struct score_model *ret, struct errbuf *err)
{
	const struct score_header *h = image;
	struct score_model m = { .header = h, .size = size, .logit_output = true };
	int r;

	r = check_header(h, size, err);
	if (r == 0 && check_sum)
		r = check_checksum(h, score_image_checksum(h), err);
	if (r == 0)
		r = check_image(h, err);
	if (r == 0)
		r = open_sections(h, a, &m, err);
	if (r < 0)
		return r;
	m.threshold_low = h->threshold_low;
	m.threshold_high = h->threshold_high;
	m.name = text_of(h, h->name);
	m.version = text_of(h, h->model_version);
	m.verified = (enum score_verified)h->verified;
	m.stats = section(h, SCORE_SECTION_STATS);
	m.scratch_size = scratch_size(&m);
	*ret = m;
	return 0;
}

int score_recognise(const void *image, size_t size, const struct score_sum *sum, struct errbuf *err)
{
	const struct score_header *h = image;
	const struct score_section *s;
	struct program program;
	struct arena a = { 0 };
	int r = check_header(h, size, err);

	if (r == 0)
		r = check_checksum(h, score_sum_end(sum), err);
	if (r == 0)
		r = check_image(h, err);
	if (r < 0)
		return r;
	s = h->section;
	r = program_open(section(h, SCORE_SECTION_PROGRAM), (size_t)s[SCORE_SECTION_PROGRAM].size,
	                 &a, &program, err);
	if (r == 0)
		r = forest_recognise(section(h, SCORE_SECTION_FOREST),
		                     (size_t)s[SCORE_SECTION_FOREST].size, err);
	arena_done(&a);
	return r;
}

int score_scratch_init(struct score_scratch *s, const struct score_model *m)
{
	size_t features = align_up(m->forest.feature_count * sizeof(float));
	char *memory = aligned_alloc(SCORE_IMAGE_ALIGN, m->scratch_size);

	if (!memory)
		return -ENOMEM;
	/* contributions may be read before a row was explained: nothing random may show */
	memset(memory, 0, m->scratch_size);
	s->memory = memory;
	s->size = m->scratch_size;
	s->features = (float *)(void *)memory;
	s->contributions = (double *)(void *)(memory + features);
	return 0;
}

void score_scratch_done(struct score_scratch *s)
{
	free(s->memory);
	*s = (struct score_scratch){ 0 };
}

struct str score_reason_text(const struct score_model *m, const struct reason *r)
{
	const struct score_header *h = m->header;
	const struct score_reason_texts *all = section(h, SCORE_SECTION_REASONS);
	struct score_text t;

	if (h->section[SCORE_SECTION_REASONS].size == 0)
		return (struct str){ "", 0 };
	t = all[r->feature].any;
	if (r->zscore > 0.0 && all[r->feature].high.size)
		t = all[r->feature].high;
	else if (r->zscore < 0.0 && all[r->feature].low.size)
		t = all[r->feature].low;
	return text_of(h, t);
}
