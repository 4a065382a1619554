/*
 * The stages of a training in their order; each is a file of its own. The database's snapshot is
 * given back as soon as the rows are in memory: fitting takes hours, and an old snapshot keeps the
 * server from cleaning up.
 *
 * Called by train_command.c, fetch_command.c and retrain.c.
 */
#include "stages.h"

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
#include "command.h"
#include "features/declare.h"
#include "publish.h"

#define MAX_YAML ((size_t)1024 * 1024)
#define BAD_ROWS_TOLD 5
#define MAX_SECONDS 60

void stages_init(struct stages *s, const struct stages_options *o, const struct settings *settings)
{
	*s = (struct stages){ .options = o,
		              .settings = settings,
		              .name = o->name ? o->name : settings->models.name,
		              .started_us = clock_real_us(),
		              .dataset = { .holdout_fd = -1 } };
}

/* --- the program --- */

static int read_text(struct stages *s, const char *path, struct str *ret)
{
	char *text;
	size_t n;
	int error = file_read(AT_FDCWD, path, MAX_YAML, &text, &n);

	if (error < 0)
		return errbuf_set(&s->err, error, "could not read \"%s\": %s", path,
		                  strerror(-error));
	error = arena_on_free(&s->arena, free, text);
	if (error == 0)
		*ret = (struct str){ text, n };
	return error;
}

/* reasons.yaml beside the program, if there is one. */
static int read_reasons(struct stages *s, const char *program)
{
	const char *slash = strrchr(program, '/');
	int folder = slash ? (int)(slash - program) + 1 : 0;
	const char *path = s->options->reasons;
	int error;

	if (path)
		return read_text(s, path, &s->reasons_yaml);
	path = arena_printf(&s->arena, "%.*sreasons.yaml", folder, program);
	if (!path)
		return -ENOMEM;
	error = read_text(s, path, &s->reasons_yaml);
	return error == -ENOENT ? 0 : error;
}

int stages_read_program(struct stages *s)
{
	char found[PATH_MAX];
	const char *path = s->options->program;
	const char *base;
	int error = 0;

	if (!path && *s->settings->train.program)
		path = s->settings->train.program;
	if (!path) {
		error = command_find_file("config/features.yaml", found, sizeof(found), &s->err);
		path = found;
	}
	if (error == 0)
		error = read_text(s, path, &s->features_yaml);
	if (error < 0)
		return error;
	base = strrchr(path, '/');
	error = program_declare(s->features_yaml, base ? base + 1 : path, &s->arena,
	                        &s->declaration, &s->err);
	return error < 0 ? error : read_reasons(s, path);
}

/* --- the version --- */

/* The name of a version is the time of its training, so that names sort; --version fixes both. */
static int choose_version(struct stages *s)
{
	const char *wanted = s->options->version;
	struct civil c = { 0 };
	unsigned f[6];
	char again[16] = "";

	s->trained_us = clock_real_us() / 1000000 * 1000000;
	civil_print_version(s->trained_us, s->version);
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
		s->trained_us = civil_to_us(&c);
		civil_print_version(s->trained_us, again);
	}
	/* what does not print as it came is no time */
	if (c.year == 0 || strcmp(again, wanted) != 0)
		return errbuf_set(&s->err, -EINVAL,
		                  "version \"%s\" is not of the form YYYYMMDD-HHMMSS", wanted);
	memcpy(s->version, wanted, sizeof(again));
	return 0;
}

static int open_folder(struct stages *s)
{
	const char *models = s->options->models;
	int error;

	s->folder = s->options->folder;
	if (!s->folder)
		s->folder = arena_printf(&s->arena, "%s/%s",
		                         models ? models : s->settings->models.dir, s->name);
	if (!s->folder)
		return -ENOMEM;
	error = file_make_dirs(s->folder, 0755);
	return error < 0 ? errbuf_set(&s->err, error, "could not make folder \"%s\": %s", s->folder,
	                              strerror(-error))
	                 : 0;
}

/* --- the rows --- */

int stages_open_source(struct stages *s)
{
	struct window_options window = s->options->window;

	if (s->options->data) {
		s->csv =
		        (struct csv_source){ .path = s->options->data, .quiet = s->options->quiet };
		s->source = csv_source(&s->csv);
		return 0;
	}
	window.quiet = s->options->quiet;
	window.watch = s->options->watch;
	return window_open(&s->window, &window, s->declaration, s->settings, &s->source, &s->err);
}

static void on_bad_row(void *self, uint64_t line, const char *what)
{
	struct stages *s = self;

	if (s->bad_rows++ < BAD_ROWS_TOLD)
		log_warning(0, "line %llu left out: %s", (unsigned long long)line, what);
}

/* Says so if the newest rows are missing on purpose. */
static int explain_skip(struct stages *s)
{
	struct errbuf why = s->err;
	char delay[WINDOW_WORDS];

	window_print_delay(&s->window, delay);
	return errbuf_set(&s->err, -ENODATA, "%s%s", why.text, delay);
}

static int read_rows(struct stages *s)
{
	struct dataset_options o = {
		.declaration = s->declaration,
		.test_ratio = s->settings->train.test_ratio,
		.validation_ratio = s->settings->train.validation_ratio,
		.sample_non_fraud = s->options->data ? 1 : s->settings->retrain.sample_non_fraud,
		.on_bad_row = on_bad_row,
		.self = s,
	};
	int error = dataset_scan(&s->dataset, &s->source, &o, &s->err);

	if (s->bad_rows > BAD_ROWS_TOLD)
		log_warning(0, "%llu rows left out in all", (unsigned long long)s->bad_rows);
	if (error == 0 || error == -ENODATA)
		window_tell_unmet(&s->window);
	if (error == -ENODATA)
		error = explain_skip(s);
	if (error == 0)
		error = dataset_fill(&s->dataset, &s->source, s->folder, &s->err);
	memcpy(s->from, s->window.from, sizeof(s->from));
	memcpy(s->until, s->window.until, sizeof(s->until));
	window_close(&s->window);
	return error;
}

/* --- the whole --- */

struct training stages_training(const struct stages *s)
{
	return (struct training){ s->settings, &s->dataset, &s->fit,
		                  s->name,     s->version,  s->trained_us };
}

static struct run_origin origin_of(const struct stages *s)
{
	const char *query = s->options->window.query;

	return (struct run_origin){
		.started_us = s->started_us,
		.features_yaml = s->features_yaml,
		.data = s->options->data,
		.query = query ? query : s->settings->retrain.source,
		.from = s->from,
		.until = s->until,
	};
}

static int publish_once(struct stages *s)
{
	const struct training training = stages_training(s);
	const struct run_origin origin = origin_of(s);
	const struct publication publication = { &training, s->features_yaml, s->reasons_yaml,
		                                 s->folder, &origin };

	return publish_version(&publication, &s->arena, &s->path, &s->err);
}

static int publish_if_free(struct stages *s)
{
	const struct stages_options *o = s->options;

	if (!o->version && o->is_taken && o->is_taken(o->taken_self, s->version))
		return errbuf_set(&s->err, -EEXIST, "version \"%s\" is there already", s->version);
	return publish_once(s);
}

/* Two trainings may begin in the same second. A name that nobody asked for can be another one. */
static int publish(struct stages *s)
{
	int error = publish_if_free(s);

	for (unsigned i = 0; error == -EEXIST && !s->options->version && i < MAX_SECONDS; i++) {
		s->trained_us += 1000000;
		civil_print_version(s->trained_us, s->version);
		error = publish_if_free(s);
	}
	return error;
}

int stages_run(struct stages *s)
{
	const struct fit_options o = { s->settings, s->options->quiet, s->options->watch };
	int error = choose_version(s);

	if (error == 0)
		error = stages_read_program(s);
	if (error == 0)
		error = open_folder(s);
	if (error == 0)
		error = stages_open_source(s);
	if (error == 0)
		error = read_rows(s);
	if (error == 0)
		error = fit_models(&s->fit, &s->dataset, &o, &s->err);
	return error < 0 ? error : publish(s);
}

void stages_done(struct stages *s)
{
	fit_done(&s->fit);
	dataset_done(&s->dataset);
	window_close(&s->window);
	arena_done(&s->arena);
}
