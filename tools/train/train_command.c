/*
 * fraud-train train: rows in, a model version out. Reads its options, opens the source, and runs
 * the stages in their order; each stage is a file of its own. A window that cannot teach anything
 * is skipped with a warning and status 0, because a retrain at night must not look like a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/option.h"
#include "command.h"
#include "dataset.h"
#include "features/declare.h"
#include "fit.h"
#include "publish.h"
#include "report.h"
#include "source.h"
#include "window.h"
#include "json/writer.h"

#define MAX_OVERRIDES 64
#define MAX_YAML ((size_t)1024 * 1024)
#define BAD_ROWS_TOLD 5

struct options {
	const char *data, *program, *reasons, *models, *name, *version, *config;
	struct window_options window;
	bool from_database, json, quiet;
	const char *set[MAX_OVERRIDES];
	size_t set_count;
};

struct run {
	const struct options *options;
	struct settings *settings;
	struct errbuf err;
	struct arena arena;
	struct declaration *declaration;
	struct str features_yaml, reasons_yaml;
	const char *folder; /* of the versions */
	char version[64];
	int64_t trained_us;
	struct window window;
	struct row_source source;
	struct csv_source csv;
	struct dataset dataset;
	struct fit fit;
	uint64_t bad_rows;
};

static int parse_options(struct options *o, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "data", "FILE", "CSV file with the inputs and the column label",
		  .text = &o->data },
		{ "from-database", NULL, "rows by the query of the training window",
		  .flag = &o->from_database },
		{ "from", "TIME", "begin of the window (until minus retrain.window_months)",
		  .text = &o->window.from },
		{ "until", "TIME", "end of the window, not in it (now)", .text = &o->window.until },
		{ "query", "FILE", "SQL of the window (sql/queries/training_window.sql)",
		  .text = &o->window.query },
		{ "program", "FILE", "feature program (config/features.yaml)",
		  .text = &o->program },
		{ "reasons", "FILE", "texts of reasons (reasons.yaml beside the program)",
		  .text = &o->reasons },
		{ "models", "DIR", "folder of all models (models.dir)", .text = &o->models },
		{ "name", "NAME", "name of the model (models.name)", .text = &o->name },
		{ "version", "V", "name of the version, YYYYMMDD-HHMMSS (the time, UTC)",
		  .text = &o->version },
		{ "config", "FILE", "settings ($FRAUDD_CONFIG, /etc/fraudd/fraudd.yaml)",
		  .text = &o->config },
		{ "set", "KEY=VALUE", "one setting, e.g. train.rounds=200; may be repeated",
		  .repeat = o->set, .repeat_room = MAX_OVERRIDES, .repeat_count = &o->set_count },
		{ "json", NULL, "the outcome as one JSON object on stdout", .flag = &o->json },
		{ "quiet", NULL, "no progress", .flag = &o->quiet },
	};
	const struct option_command command = {
		.program = "fraud-train train",
		.synopsis = "--data FILE | --from-database [OPTION]...",
		.about = "Trains a model version and writes it below the models folder.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
	};

	return option_parse(&command, argc, argv);
}

static int read_text(struct run *r, const char *path, struct str *ret)
{
	char *text;
	size_t n;
	int error = file_read(AT_FDCWD, path, MAX_YAML, &text, &n);

	if (error < 0)
		return errbuf_set(&r->err, error, "could not read \"%s\": %s", path,
		                  strerror(-error));
	error = arena_on_free(&r->arena, free, text);
	if (error == 0)
		*ret = (struct str){ text, n };
	return error;
}

/* reasons.yaml beside the program, if there is one. */
static int read_reasons(struct run *r, const char *program)
{
	const char *slash = strrchr(program, '/');
	int folder = slash ? (int)(slash - program) + 1 : 0;
	const char *path = r->options->reasons;
	int error;

	if (path)
		return read_text(r, path, &r->reasons_yaml);
	path = arena_printf(&r->arena, "%.*sreasons.yaml", folder, program);
	if (!path)
		return -ENOMEM;
	error = read_text(r, path, &r->reasons_yaml);
	return error == -ENOENT ? 0 : error;
}

static int read_program(struct run *r)
{
	char found[PATH_MAX];
	const char *path = r->options->program;
	const char *base;
	int error = 0;

	if (!path) {
		error = command_find_file("config/features.yaml", found, sizeof(found), &r->err);
		path = found;
	}
	if (error == 0)
		error = read_text(r, path, &r->features_yaml);
	if (error < 0)
		return error;
	base = strrchr(path, '/');
	error = program_declare(r->features_yaml, base ? base + 1 : path, &r->arena,
	                        &r->declaration, &r->err);
	return error < 0 ? error : read_reasons(r, path);
}

/* The name of a version is the time of its training, so that names sort; --version fixes both. */
static int choose_version(struct run *r)
{
	const char *wanted = r->options->version;
	struct civil c = { 0 };
	unsigned f[6];
	char again[16];

	r->trained_us = clock_real_us() / 1000000 * 1000000;
	civil_print_version(r->trained_us, r->version);
	if (!wanted)
		return 0;
	if (strlen(wanted) == 15 &&
	    sscanf(wanted, "%4u%2u%2u-%2u%2u%2u", &f[0], &f[1], &f[2], &f[3], &f[4], &f[5]) == 6) {
		c = (struct civil){ (int32_t)f[0],
			            (uint8_t)f[1],
			            (uint8_t)f[2],
			            (uint8_t)f[3],
			            (uint8_t)f[4],
			            (uint8_t)f[5],
			            0 };
		r->trained_us = civil_to_us(&c);
		civil_print_version(r->trained_us, again);
	}
	/* what does not print as it came is no time */
	if (c.year == 0 || strcmp(again, wanted) != 0)
		return errbuf_set(&r->err, -EINVAL,
		                  "version \"%s\" is not of the form YYYYMMDD-HHMMSS", wanted);
	memcpy(r->version, wanted, sizeof(again));
	return 0;
}

static int open_folder(struct run *r)
{
	const struct options *o = r->options;
	int error;

	r->folder =
	        arena_printf(&r->arena, "%s/%s", o->models ? o->models : r->settings->models.dir,
	                     o->name ? o->name : r->settings->models.name);
	if (!r->folder)
		return -ENOMEM;
	error = file_make_dirs(r->folder, 0755);
	return error < 0 ? errbuf_set(&r->err, error, "could not make folder \"%s\": %s", r->folder,
	                              strerror(-error))
	                 : 0;
}

static int open_source(struct run *r)
{
	struct window_options window = r->options->window;

	if (!r->options->from_database) {
		r->csv =
		        (struct csv_source){ .path = r->options->data, .quiet = r->options->quiet };
		r->source = csv_source(&r->csv);
		return 0;
	}
	window.zone_seconds = r->declaration->zone_seconds;
	return window_open(&r->window, &window, r->settings, r->options->quiet, &r->source,
	                   &r->err);
}

static void on_bad_row(void *self, uint64_t line, const char *what)
{
	struct run *r = self;

	if (r->bad_rows++ < BAD_ROWS_TOLD)
		log_warning(0, "line %llu left out: %s", (unsigned long long)line, what);
}

static int read_rows(struct run *r)
{
	struct dataset_options o = {
		.declaration = r->declaration,
		.test_ratio = r->settings->train.test_ratio,
		.validation_ratio = r->settings->train.validation_ratio,
		.on_bad_row = on_bad_row,
		.self = r,
	};
	int error = dataset_scan(&r->dataset, &r->source, &o, &r->err);

	if (r->bad_rows > BAD_ROWS_TOLD)
		log_warning(0, "%llu rows left out in all", (unsigned long long)r->bad_rows);
	return error < 0 ? error : dataset_fill(&r->dataset, &r->source, r->folder, &r->err);
}

static void print(struct strbuf *text)
{
	if (strbuf_error(text) == 0)
		fwrite(text->p, 1, text->n, stdout);
	strbuf_done(text);
}

static int publish(struct run *r)
{
	const char *name = r->options->name ? r->options->name : r->settings->models.name;
	struct training training = { r->settings, &r->dataset, &r->fit,
		                     name,        r->version,  r->trained_us };
	struct publication publication = { &training, r->features_yaml, r->reasons_yaml,
		                           r->folder };
	struct strbuf out = { 0 };
	const char *path;
	int error = publish_version(&publication, &r->arena, &path, &r->err);

	if (error < 0)
		return error;
	if (r->options->json)
		report_outcome_json(&training, path, &out);
	else
		report_outcome_text(&training, path, &out);
	print(&out);
	return 0;
}

static int run_stages(struct run *r)
{
	int error = choose_version(r);

	if (error == 0)
		error = read_program(r);
	if (error == 0)
		error = open_folder(r);
	if (error == 0)
		error = open_source(r);
	if (error == 0)
		error = read_rows(r);
	if (error == 0)
		error = fit_models(&r->fit, &r->dataset, r->settings, r->options->quiet, &r->err);
	return error < 0 ? error : publish(r);
}

static int skipped(const struct run *r)
{
	struct strbuf out = { 0 };
	struct json_writer w = { .out = &out };

	log_warning(0, "training skipped: %s", r->err.text);
	if (!r->options->json)
		return EXIT_DONE;
	json_begin_object(&w);
	json_write_name(&w, "status");
	json_write_text(&w, STR("skipped"));
	json_write_name(&w, "reason");
	json_write_text(&w, str_of(r->err.text));
	json_end_object(&w);
	strbuf_addc(&out, '\n');
	print(&out);
	return EXIT_DONE;
}

static int exit_status(const struct run *r, int error)
{
	if (error == 0)
		return EXIT_DONE;
	if (error == -ENODATA)
		return skipped(r);
	fprintf(stderr, "fraud-train train: %s\n", r->err.text[0] ? r->err.text : strerror(-error));
	return error == -EINVAL || error == -EBADMSG || error == -ENOENT || error == -EEXIST ||
	                       error == -EDOM
	               ? EXIT_DATA
	               : EXIT_FAILED;
}

int command_train(int argc, char **argv)
{
	struct options o = { 0 };
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	struct run run = { .options = &o, .dataset = { .holdout_fd = -1 } };
	int r = parse_options(&o, argc, argv);

	if (r < 0)
		return r == OPTION_ANSWERED ? EXIT_DONE : EXIT_USAGE;
	if (!o.data == !o.from_database) {
		fputs("fraud-train train: give --data FILE or --from-database, one of them\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (command_settings(o.config, o.set, o.set_count, &settings) < 0)
		return EXIT_CONFIG;
	run.settings = settings;
	r = exit_status(&run, run_stages(&run));
	fit_done(&run.fit);
	dataset_done(&run.dataset);
	window_close(&run.window);
	arena_done(&run.arena);
	return r;
}
