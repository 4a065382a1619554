/*
 * `fraudctl score`: a CSV file through a bundle without the suite, by the very code of the workers:
 * the bundle is checked and verified as the loader does it, rows go through the feature program and
 * score_row(). Rows that cannot be read are named and left out, as the upload does it.
 *
 * Called by main.c through its table.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/option.h"
#include "base/output_file.h"
#include "base/progress.h"
#include "bundle/bundle.h"
#include "command.h"
#include "csv/reader.h"
#include "features/row.h"
#include "score/score.h"

#define READ_SIZE 65536
#define WRITE_SIZE (1 << 20)
#define MAX_FAULTS_SHOWN 20

struct request {
	const char *bundle, *in, *out, *config;
	unsigned long long top_k;
	bool quiet;
};

struct scoring {
	const struct request *request;
	struct arena arena; /* the model's views, the columns */
	void *image;
	struct score_model model;
	struct score_scratch scratch;
	struct score_options options;
	struct row_columns columns;
	bool header_seen;
	struct cell *row;
	uint64_t line; /* of the row at hand */
	uint64_t rows, faulty;
	struct errbuf words; /* of a failure inside a callback */
	struct output_file *out;
	struct strbuf text;
};

/* --- the model --- */

static int load_model(struct scoring *s, const struct settings *settings, struct errbuf *err)
{
	struct arena reading = { 0 };
	const struct bundle_options o = {
		.max_bytes = settings->models.max_bytes,
		.name = STR("bundle"),
		.version = STR("unknown"),
		.default_threshold_low = (float)settings->models.default_threshold_low,
		.default_threshold_high = (float)settings->models.default_threshold_high,
	};
	enum forest_trees trees =
	        !strcmp(settings->models.trees, "all") ? FOREST_TREES_ALL : FOREST_TREES_BEST;
	enum score_verified verified;
	struct bundle_image image = { 0 };
	struct bundle *bundle;
	int r = bundle_read(AT_FDCWD, s->request->bundle, &o, &reading, &bundle, err);

	if (r == 0)
		r = bundle_build_image(bundle, BUNDLE_MODEL, trees, &image, err);
	s->image = image.bytes;
	if (r == 0)
		r = bundle_verify(bundle, image.bytes, image.size, &verified, err);
	if (r == 0)
		r = score_open(image.bytes, image.size, true, &s->arena, &s->model, err);
	arena_done(&reading);
	return r;
}

static int prepare(struct scoring *s, const struct settings *settings, struct errbuf *err)
{
	int r = load_model(s, settings, err);

	if (r < 0)
		return r;
	s->options = (struct score_options){ DECISION_ALLOW, (unsigned)s->request->top_k };
	s->row = arena_calloc(&s->arena, s->model.program.input_count, sizeof(*s->row));
	r = s->row ? score_scratch_init(&s->scratch, &s->model) : -ENOMEM;
	return r < 0 ? errbuf_set(err, r, "out of memory") : 0;
}

/* --- rows --- */

static void tell_fault(struct scoring *s, const char *column, const char *what)
{
	if (s->faulty < MAX_FAULTS_SHOWN)
		fprintf(stderr, "%s:%ju: %s%s%s\n", s->request->in, (uintmax_t)s->line, column,
		        *column ? ": " : "", what);
	if (s->faulty == MAX_FAULTS_SHOWN)
		fputs("more rows cannot be scored; they are counted below\n", stderr);
}

static void on_fault(void *self, uint32_t input, const struct field_fault *fault,
                     const struct cJSON *value)
{
	struct scoring *s = self;
	char column[PROGRAM_MAX_NAME + 1];
	struct str name = s->model.program.inputs[input].name;

	(void)value;
	snprintf(column, sizeof(column), "%.*s", STR_ARGS(name));
	tell_fault(s, column, fault->message);
}

static int take_header(struct scoring *s, const struct str *fields, size_t count)
{
	s->header_seen = true;
	return row_columns(&s->model.program, fields, count, &s->arena, &s->columns, &s->words);
}

static int flush(struct scoring *s, size_t from)
{
	int r = strbuf_error(&s->text);

	if (r == 0 && s->text.n < from)
		return 0;
	if (r == 0)
		r = output_file_write(s->out, strbuf_str(&s->text));
	strbuf_reset(&s->text);
	return r < 0 ? errbuf_set(&s->words, r, "could not write \"%s\": %s", s->request->out,
	                          strerror(-r))
	             : 0;
}

static int score_fields(struct scoring *s, const struct str *fields, size_t count)
{
	struct score_result result;
	int faults =
	        row_from_fields(&s->model.program, &s->columns, fields, count, s->row, on_fault, s);

	if (faults == -ENOMEM)
		return errbuf_set(&s->words, -ENOMEM, "out of memory");
	if (faults < 0)
		tell_fault(s, "", "the row has more fields than the header");
	if (faults != 0) {
		s->faulty++;
		return 0;
	}
	score_row(&s->model, s->row, &s->options, &s->scratch, &result);
	score_write_csv(&s->text, &s->model, s->row, &result, (unsigned)s->request->top_k);
	s->rows++;
	return flush(s, WRITE_SIZE);
}

static int on_row(void *self, uint64_t line, const struct str *fields, size_t count)
{
	struct scoring *s = self;

	s->line = line;
	return s->header_seen ? score_fields(s, fields, count) : take_header(s, fields, count);
}

static int on_bad_row(void *self, uint64_t line, const char *what)
{
	struct scoring *s = self;

	s->line = line;
	if (!s->header_seen)
		return errbuf_set(&s->words, -EBADMSG, "the header cannot be read: %s", what);
	tell_fault(s, "", what);
	s->faulty++;
	return 0;
}

/* --- the file --- */

static int read_all(struct scoring *s, int fd, struct csv_reader *reader, struct errbuf *err)
{
	CLEANUP(free_p) char *buffer = malloc(READ_SIZE);
	struct progress progress;
	struct stat st;
	uint64_t done = 0;
	ssize_t n;
	int r = 0;

	if (!buffer)
		return errbuf_set(err, -ENOMEM, "out of memory");
	progress_start(&progress, "scoring", "bytes",
	               fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0,
	               s->request->quiet);
	while (r == 0 && (n = read(fd, buffer, READ_SIZE)) != 0) {
		if (n < 0)
			return errbuf_set(err, -errno, "could not read \"%s\": %s", s->request->in,
			                  strerror(errno));
		done += (uint64_t)n;
		r = csv_read(reader, (struct str){ buffer, (size_t)n }, err);
		progress_at(&progress, done);
	}
	progress_end(&progress, done);
	return r < 0 ? r : csv_finish(reader, err);
}

static int score_file(struct scoring *s, struct errbuf *err)
{
	const struct csv_options o = { .on_row = on_row, .on_bad_row = on_bad_row, .self = s };
	CLEANUP(close_p) int fd = open(s->request->in, O_RDONLY | O_CLOEXEC);
	struct csv_reader *reader;
	int r;

	if (fd < 0)
		return errbuf_set(err, -errno, "could not open \"%s\": %s", s->request->in,
		                  strerror(errno));
	r = csv_reader_new(&o, &reader);
	if (r < 0)
		return errbuf_set(err, r, "out of memory");
	score_write_csv_header(&s->text, (unsigned)s->request->top_k);
	s->words.text[0] = '\0';
	r = read_all(s, fd, reader, err);
	csv_reader_free(reader);
	if (r < 0 && s->words.text[0])
		return errbuf_set(err, r, "%s", s->words.text);
	if (r < 0)
		return r;
	if (!s->header_seen)
		return errbuf_set(err, -ENODATA, "\"%s\" is empty", s->request->in);
	r = flush(s, 0);
	return r < 0 ? errbuf_set(err, r, "%s", s->words.text) : 0;
}

static int to_output(struct scoring *s, struct errbuf *err)
{
	int r = output_file_open(s->request->out, 0644, &s->out, err);

	if (r < 0)
		return r;
	r = score_file(s, err);
	if (r < 0) {
		output_file_abort(s->out);
		return r;
	}
	return output_file_finish(s->out, err);
}

static int run(const struct request *q)
{
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	struct scoring s = { .request = q };
	struct errbuf err;
	int r = command_settings(q->config, &settings);

	if (r < 0)
		return EXIT_FAILED;
	r = prepare(&s, settings, &err);
	if (r == 0)
		r = to_output(&s, &err);
	if (r < 0)
		command_failed("score", &err);
	else if (!q->quiet || s.faulty)
		fprintf(stderr, "%ju rows scored, %ju could not be read\n", (uintmax_t)s.rows,
		        (uintmax_t)s.faulty);
	strbuf_done(&s.text);
	score_scratch_done(&s.scratch);
	arena_done(&s.arena);
	free(s.image);
	return r < 0 || s.faulty ? EXIT_FAILED : EXIT_DONE;
}

static const char *missing_option(const struct request *q)
{
	if (!q->bundle)
		return "--bundle";
	if (!q->in)
		return "--in";
	return q->out ? NULL : "--out";
}

int command_score(int argc, char **argv)
{
	struct request q = { .top_k = 3 };
	const struct option_row rows[] = {
		{ .name = "bundle",
		  .argument = "DIR",
		  .text = &q.bundle,
		  .help = "a model version's folder" },
		{ .name = "in",
		  .argument = "FILE",
		  .text = &q.in,
		  .help = "CSV with a header line" },
		{ .name = "out",
		  .argument = "FILE",
		  .text = &q.out,
		  .help = "CSV to write, - for standard output" },
		{ .name = "top-k",
		  .argument = "K",
		  .number = &q.top_k,
		  .help = "reasons a row, 0 to 50 (3)" },
		{ .name = "config",
		  .argument = "FILE",
		  .text = &q.config,
		  .help = "settings file" },
		{ .name = "quiet", .flag = &q.quiet, .help = "no progress" },
	};
	const struct option_command c = {
		"fraudctl score",
		"--bundle DIR --in FILE.csv --out FILE.csv [--top-k K]",
		"Scores a CSV file with a bundle, without the suite. Exit status 1 "
		"when rows could not be read; the others are in the output.",
		rows,
		sizeof(rows) / sizeof(rows[0]),
		0,
		0
	};
	int r = option_parse(&c, argc, argv);

	if (r < 0)
		return command_usage(r);
	if (missing_option(&q) || q.top_k > SCORE_MAX_REASONS) {
		fprintf(stderr, "fraudctl score: %s; see --help\n",
		        missing_option(&q) ? "--bundle, --in and --out are wanted"
		                           : "--top-k must be 0 to 50");
		return EXIT_USAGE;
	}
	return run(&q);
}
