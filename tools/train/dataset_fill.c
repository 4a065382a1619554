/*
 * The second pass: features of each row into its place in the order of time, their moments for the
 * learner, and the rows that are kept as text: all of the holdout, and the golden ones (a spread of
 * fraud and of everything). Memory: the feature matrix; the holdout's text goes to an unnamed file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "dataset.h"
#include "specimen.h"

#define HOLDOUT_BUFFER ((size_t)1024 * 1024)

struct filling {
	struct dataset *dataset;
	struct errbuf *err;
	void *scratch; /* of program_run() */
	bool *is_golden;
	struct strbuf holdout; /* not written yet */
	size_t seen;
};

/* Up to `want` of the rows with that label (or of all, label < 0), evenly over time. */
static size_t choose(const struct dataset *d, bool *chosen, int label, size_t want)
{
	size_t total = label < 0 ? d->count : label ? d->positives : d->count - d->positives;
	size_t at = 0, taken = 0;

	for (size_t i = 0; i < d->count && taken < want; i++) {
		if (label >= 0 && d->labels[i] != label)
			continue;
		/* the at-th of total; taken when it is the first of its share */
		if (at * want / total >= taken && !chosen[i]) {
			chosen[i] = true;
			taken++;
		}
		at++;
	}
	return taken;
}

static void choose_golden(const struct dataset *d, bool *chosen)
{
	size_t taken = choose(d, chosen, 1, DATASET_GOLDEN_ROWS / 2);

	choose(d, chosen, -1, DATASET_GOLDEN_ROWS - taken);
}

static int flush(struct filling *f)
{
	int r = strbuf_error(&f->holdout);

	if (r == 0)
		r = file_write_all(f->dataset->holdout_fd, f->holdout.p, f->holdout.n);
	strbuf_reset(&f->holdout);
	return r < 0 ? errbuf_set(f->err, r, "could not write the holdout: %s", strerror(-r)) : 0;
}

static int keep_holdout(struct filling *f, const struct cell *row, bool label)
{
	specimen_write_row(&f->holdout, &f->dataset->program, row);
	strbuf_adds(&f->holdout, label ? ",1\n" : ",0\n");
	return f->holdout.n >= HOLDOUT_BUFFER || strbuf_error(&f->holdout) ? flush(f) : 0;
}

static int keep_golden(struct filling *f, const struct cell *row)
{
	struct dataset *d = f->dataset;

	specimen_write_row(&d->golden, &d->program, row);
	d->golden_count++;
	d->golden_ends[d->golden_count] = d->golden.n;
	return strbuf_error(&d->golden);
}

static int keep(struct filling *f, size_t at, const struct cell *row, bool label)
{
	struct dataset *d = f->dataset;
	int r = 0;

	if (at >= d->split.holdout)
		r = keep_holdout(f, row, label);
	if (r == 0 && f->is_golden[at])
		r = keep_golden(f, row);
	return r;
}

static int on_row(void *self, uint64_t line, const struct cell *row, bool label)
{
	struct filling *f = self;
	struct dataset *d = f->dataset;
	const struct cell *time = &row[d->program.time];
	float *features;
	size_t at;
	int r;

	if (!time->present)
		return 0;
	if (f->seen == d->count)
		return errbuf_set(f->err, -EAGAIN, "the source has grown since it was read first");
	at = d->position[f->seen++];
	if (d->times[at] != time->v.time_us || d->labels[at] != label)
		return errbuf_set(f->err, -EAGAIN, "line %llu has changed since it was read first",
		                  (unsigned long long)line);
	features = d->features + at * d->program.feature_count;
	program_run(&d->program, row, f->scratch, features);
	d->targets[at] = label ? 1.0f : 0.0f;
	r = learner_add_features(d->learner, features);
	return r < 0 ? r : keep(f, at, row, label);
}

static void on_bad_row(void *self, uint64_t line, const char *what)
{
	(void)self; /* told in the first pass */
	(void)line;
	(void)what;
}

static int prepare(struct filling *f, const char *folder)
{
	struct dataset *d = f->dataset;
	uint32_t n = d->program.feature_count;

	d->features = reallocarray(NULL, d->count, n * sizeof(*d->features));
	d->targets = calloc(d->count, sizeof(*d->targets));
	f->is_golden = calloc(d->count, sizeof(*f->is_golden));
	f->scratch = aligned_alloc(64, (program_scratch_size(&d->program) + 64) / 64 * 64);
	if (!d->features || !d->targets || !f->is_golden || !f->scratch)
		return errbuf_set(f->err, -ENOMEM, "no memory for %zu rows of %u features",
		                  d->count, n);
	choose_golden(d, f->is_golden);
	d->holdout_fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (d->holdout_fd < 0)
		return errbuf_set(f->err, -errno, "could not write in \"%s\": %s", folder,
		                  strerror(errno));
	specimen_write_header(&f->holdout, &d->program);
	strbuf_adds(&f->holdout, "," LABEL_COLUMN "\n");
	specimen_write_header(&d->golden, &d->program);
	d->golden_ends[0] = d->golden.n;
	return strbuf_error(&d->golden);
}

static int fill(struct filling *f, const struct row_source *source)
{
	struct row_sink sink = { .on_row = on_row, .on_bad_row = on_bad_row, .self = f };
	struct dataset *d = f->dataset;
	int r;

	r = source->read(source->self, &d->program, &sink, f->err);
	if (r == 0 && f->seen < d->count)
		r = errbuf_set(f->err, -EAGAIN, "the source has shrunk since it was read first");
	if (r == 0)
		r = flush(f);
	return r < 0 ? r : learner_finish_features(d->learner, d->learned);
}

int dataset_fill(struct dataset *d, const struct row_source *source, const char *folder,
                 struct errbuf *err)
{
	struct filling f = { .dataset = d, .err = err };
	int r = prepare(&f, folder);

	if (r == 0)
		r = fill(&f, source);
	free(f.scratch);
	free(f.is_golden);
	strbuf_done(&f.holdout);
	return r;
}
