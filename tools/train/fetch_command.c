/*
 * fraud-train fetch-window: the rows of a training window as a CSV file that `train --data` reads
 * as the same rows, so that a training can be looked at, repeated, or done elsewhere. The file
 * appears whole or not at all. It holds names of people: nobody but its owner may read it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/option.h"
#include "base/output_file.h"
#include "command.h"
#include "specimen.h"
#include "stages.h"
#include "json/writer.h"

#define WRITE_SIZE ((size_t)1024 * 1024)
#define BAD_ROWS_TOLD 5

struct options {
	struct stages_options stages;
	struct command_source from;
	const char *out;
	bool json;
};

struct fetching {
	const struct options *options;
	struct stages stages;
	struct program inputs;
	struct output_file *file;
	struct strbuf text; /* not written yet */
	uint64_t rows, frauds, bad_rows;
};

static int parse_options(struct options *o, int argc, char **argv)
{
	struct stages_options *s = &o->stages;
	const struct option_row rows[] = {
		{ "out", "FILE", "CSV file to write, - for standard output", .text = &o->out },
		{ "from", "TIME", "begin of the window (until minus retrain.window_months)",
		  .text = &s->window.from },
		{ "until", "TIME", "labels end (now); rows, retrain.label_delay_seconds earlier",
		  .text = &s->window.until },
		{ "query", "FILE", "SQL of the window (retrain.source)", .text = &s->window.query },
		{ "fraud-seqs", "FILE", "CSV file with the keys of all frauds (retrain.fraud_seqs)",
		  .text = &s->window.fraud_seqs },
		{ "program", "FILE", "feature program (train.program)", .text = &s->program },
		COMMAND_SOURCE_ROWS(&o->from),
		{ "json", NULL, "the outcome as one JSON object on stdout", .flag = &o->json },
		{ "quiet", NULL, "no progress", .flag = &s->quiet },
	};
	const struct option_command command = {
		.program = "fraud-train fetch-window",
		.synopsis = "--out FILE [OPTION]...",
		.about = "Writes the rows of a training window with their labels to a CSV file.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
	};

	return option_parse(&command, argc, argv);
}

static int flush(struct fetching *f, size_t from)
{
	int r = strbuf_error(&f->text);

	if (r == 0 && f->text.n < from)
		return 0;
	if (r == 0)
		r = output_file_write(f->file, strbuf_str(&f->text));
	strbuf_reset(&f->text);
	return r < 0 ? errbuf_set(&f->stages.err, r, "could not write \"%s\": %s", f->options->out,
	                          strerror(-r))
	             : 0;
}

static int on_row(void *self, uint64_t line, const struct cell *row, bool label)
{
	struct fetching *f = self;

	(void)line;
	specimen_reveal_row(&f->text, &f->inputs, row);
	strbuf_adds(&f->text, label ? ",1\n" : ",0\n");
	f->rows++;
	f->frauds += label;
	return flush(f, WRITE_SIZE);
}

static void on_bad_row(void *self, uint64_t line, const char *what)
{
	struct fetching *f = self;

	if (f->bad_rows++ < BAD_ROWS_TOLD)
		log_warning(0, "row %" PRIu64 " left out: %s", line, what);
}

static int write_rows(struct fetching *f)
{
	const struct row_sink sink = { .on_row = on_row, .on_bad_row = on_bad_row, .self = f };
	const struct row_source *source = &f->stages.source;
	int r;

	specimen_write_header(&f->text, &f->inputs);
	strbuf_adds(&f->text, "," LABEL_COLUMN "\n");
	r = source->read(source->self, &f->inputs, &sink, &f->stages.err);
	return r < 0 ? r : flush(f, 0);
}

static int to_file(struct fetching *f)
{
	int r = output_file_open(f->options->out, 0600, &f->file, &f->stages.err);

	if (r < 0)
		return r;
	r = write_rows(f);
	strbuf_done(&f->text);
	if (r == 0)
		return output_file_finish(f->file, &f->stages.err);
	output_file_abort(f->file);
	return r;
}

static int fetch(struct fetching *f)
{
	struct stages *s = &f->stages;
	int r = stages_read_program(s);

	if (r == 0)
		r = dataset_open_inputs(s->declaration, &s->arena, &f->inputs, &s->err);
	if (r == 0)
		r = stages_open_source(s);
	return r < 0 ? r : to_file(f);
}

static void print_json(const struct fetching *f)
{
	const struct window *window = &f->stages.window;
	struct strbuf out = { 0 };
	struct json_writer w = { .out = &out };

	json_begin_object(&w);
	json_write_name(&w, "status");
	json_write_text(&w, f->rows ? STR("fetched") : STR("empty"));
	json_write_name(&w, "from");
	json_write_text(&w, str_of(window->from));
	json_write_name(&w, "until");
	json_write_text(&w, str_of(window->until));
	json_write_name(&w, "labels_until");
	json_write_text(&w, str_of(window->labels_until));
	json_write_name(&w, "rows");
	json_write_unsigned(&w, f->rows);
	json_write_name(&w, "frauds");
	json_write_unsigned(&w, f->frauds);
	json_write_name(&w, "rejected_rows");
	json_write_unsigned(&w, f->bad_rows);
	json_end_object(&w);
	strbuf_addc(&out, '\n');
	command_print(&out);
}

static void tell(const struct fetching *f)
{
	char delay[WINDOW_WORDS];

	window_print_delay(&f->stages.window, delay);
	if (f->bad_rows > BAD_ROWS_TOLD)
		log_warning(0, "%" PRIu64 " rows left out in all", f->bad_rows);
	window_tell_unmet(&f->stages.window);
	if (f->rows == 0)
		log_warning(0, "the window [%s, %s) has no row%s", f->stages.window.from,
		            f->stages.window.until, delay);
	if (f->options->json)
		print_json(f);
	else if (!f->options->stages.quiet)
		fprintf(stderr, "%" PRIu64 " rows (%" PRIu64 " fraud) of [%s, %s)\n", f->rows,
		        f->frauds, f->stages.window.from, f->stages.window.until);
}

static int run(const struct options *o, const struct settings *settings)
{
	struct fetching f = { .options = o };
	int r;

	stages_init(&f.stages, &o->stages, settings);
	r = fetch(&f);
	if (r == 0)
		tell(&f);
	else
		r = command_failed("fetch-window", r, &f.stages.err);
	stages_done(&f.stages);
	return r;
}

int command_fetch_window(int argc, char **argv)
{
	struct options o = { 0 };
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	int r = parse_options(&o, argc, argv);

	if (r < 0)
		return command_usage(r);
	if (!o.out || (o.json && strcmp(o.out, "-") == 0)) {
		fputs(o.out ? "fraud-train fetch-window: --json wants --out FILE\n"
		            : "fraud-train fetch-window: --out FILE is wanted\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (command_settings(&o.from, &settings) < 0)
		return EXIT_CONFIG;
	return run(&o, settings);
}
