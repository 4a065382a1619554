/*
 * The first pass: levels, bounds and medians for the learner; time and label of each row, hence the
 * order and the split. At its end the program is compiled. What cannot be trained on is told as
 * -ENODATA, which is no failure: a window without fraud happens.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "dataset.h"
#include "features/declare.h"

#define FIRST_ROOM 65536

struct scan {
	struct dataset *dataset;
	const struct dataset_options *options;
	const struct program *inputs;
};

static int grow(struct dataset *d)
{
	size_t room = d->room ? 2 * d->room : FIRST_ROOM;
	int64_t *times = reallocarray(d->times, room, sizeof(*times));
	uint8_t *labels;

	if (!times)
		return -ENOMEM;
	d->times = times;
	labels = realloc(d->labels, room);
	if (!labels)
		return -ENOMEM;
	d->labels = labels;
	d->room = room;
	return 0;
}

static void on_bad_row(void *self, uint64_t line, const char *what)
{
	struct scan *s = self;

	s->dataset->bad_rows++;
	s->options->on_bad_row(s->options->self, line, what);
}

static int on_row(void *self, uint64_t line, const struct cell *row, bool label)
{
	struct scan *s = self;
	struct dataset *d = s->dataset;
	const struct cell *time = &row[s->inputs->time];
	int r;

	if (!time->present) {
		on_bad_row(self, line, "the row has no time");
		return 0;
	}
	r = d->count == d->room ? grow(d) : 0;
	if (r == 0)
		r = learner_add_row(d->learner, row);
	if (r < 0)
		return r;
	d->times[d->count] = time->v.time_us;
	d->labels[d->count] = label;
	d->positives += label;
	d->count++;
	return 0;
}

/* A program has a feature; this one's needs nothing to be learned, and nobody looks at it. */
int dataset_open_inputs(const struct declaration *d, struct arena *a, struct program *ret,
                        struct errbuf *err)
{
	struct declared_feature year = { .name = STR("year"),
		                         .op = OP_DATE_PART,
		                         .part = PART_YEAR };
	struct declaration inputs = *d;
	void *image;
	size_t size;
	int r;

	if (inputs.time < 0)
		return errbuf_set(err, -EINVAL,
		                  "no input of the feature program has the role time");
	year.a = (struct operand){ OPERAND_TIME, (uint32_t)inputs.time };
	inputs.features = &year;
	inputs.feature_count = 1;
	r = program_compile(&inputs, NULL, a, &image, &size, err);
	return r < 0 ? r : program_open(image, size, a, ret, err);
}

/* Takes the arrays that are in the order of the source into that of time. */
static void reorder(struct dataset *d, const size_t *order, int64_t *times, uint8_t *labels)
{
	for (size_t i = 0; i < d->count; i++) {
		times[i] = d->times[order[i]];
		labels[i] = d->labels[order[i]];
		d->position[order[i]] = i;
	}
	free(d->times);
	free(d->labels);
	d->times = times;
	d->labels = labels;
}

static int by_time(struct dataset *d)
{
	size_t *order = calloc(d->count, sizeof(*order));
	int64_t *times = calloc(d->count, sizeof(*times));
	uint8_t *labels = calloc(d->count, 1);
	int r = -ENOMEM;

	d->position = calloc(d->count, sizeof(*d->position));
	if (order && times && labels && d->position)
		r = split_order(d->times, d->count, order);
	if (r == 0) {
		reorder(d, order, times, labels);
	} else {
		free(times);
		free(labels);
	}
	free(order);
	return r;
}

static int check_classes(const struct dataset *d, struct errbuf *err)
{
	size_t holdout = d->count - d->split.holdout;
	size_t positives = dataset_positives(d, d->split.holdout, d->count);

	if (positives == 0 || positives == holdout)
		return errbuf_set(err, -ENODATA,
		                  "the holdout of %zu rows has one class only (%zu positive)",
		                  holdout, positives);
	if (dataset_positives(d, 0, d->split.validation) == 0)
		return errbuf_set(err, -ENODATA, "no positive among the %zu rows to train on",
		                  d->split.validation);
	return 0;
}

static int part(struct dataset *d, const struct dataset_options *o, struct errbuf *err)
{
	int r;

	if (d->count == 0)
		return errbuf_set(err, -ENODATA, "the window has no usable row");
	if (d->positives == 0)
		return errbuf_set(err, -ENODATA, "the window of %zu rows has no positive",
		                  d->count);
	r = by_time(d);
	if (r < 0)
		return errbuf_set(err, r, "no memory for %zu rows", d->count);
	r = split_by_time(d->times, d->count, o->test_ratio, o->validation_ratio, &d->split);
	if (r < 0)
		return errbuf_set(err, r, "all %zu rows are of one instant", d->count);
	return check_classes(d, err);
}

static int compile(struct dataset *d, struct errbuf *err)
{
	void *image;
	size_t size;
	int r;

	r = learner_finish_values(d->learner, &d->learned, err);
	if (r == 0)
		r = program_compile(d->declaration, d->learned, &d->arena, &image, &size, err);
	if (r == 0)
		r = program_open(image, size, &d->arena, &d->program, err);
	return r;
}

int dataset_scan(struct dataset *d, const struct row_source *source,
                 const struct dataset_options *o, struct errbuf *err)
{
	struct scan scan = { .dataset = d, .options = o };
	struct row_sink sink = { .on_row = on_row, .on_bad_row = on_bad_row, .self = &scan };
	struct program inputs;
	int r;

	errbuf_set(err, 0, "no memory for the training rows");
	d->declaration = o->declaration;
	d->sample_non_fraud = o->sample_non_fraud;
	r = dataset_open_inputs(d->declaration, &d->arena, &inputs, err);
	if (r == 0)
		r = learner_new(d->declaration, &d->arena, &d->learner, err);
	if (r < 0)
		return r;
	scan.inputs = &inputs;
	r = source->read(source->self, &inputs, &sink, err);
	if (r == 0)
		r = part(d, o, err);
	return r < 0 ? r : compile(d, err);
}

void dataset_done(struct dataset *d)
{
	free(d->times);
	free(d->labels);
	free(d->targets);
	free(d->features);
	free(d->position);
	strbuf_done(&d->golden);
	close_p(&d->holdout_fd);
	arena_done(&d->arena);
	*d = (struct dataset){ .holdout_fd = -1 };
}
