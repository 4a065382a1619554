/*
 * From rows to a version on disk: read the program, open the source, read twice, fit, publish. What
 * `train` does once and a retrain does each time.
 */
#ifndef TRAIN_STAGES_H
#define TRAIN_STAGES_H

#include "base/arena.h"
#include "base/errbuf.h"
#include "config/settings.h"
#include "dataset.h"
#include "fit.h"
#include "report.h"
#include "source.h"
#include "window.h"

struct declaration;

struct stages_options {
	const char *data; /* CSV file; NULL: the window of the database */
	struct window_options window;
	const char *program; /* path; NULL: train.program, else the one that comes with the suite */
	const char *reasons; /* path; NULL: reasons.yaml beside the program, if there is one */
	const char *models, *name; /* NULL: of the settings */
	const char *folder;        /* of the versions; NULL: <models>/<name> */
	/* YYYYMMDD-HHMMSS; NULL: now, or the next second that nobody has, by the folder and, unless
	 * it is NULL, by is_taken */
	const char *version;
	bool (*is_taken)(void *self, const char *version);
	void *taken_self;
	bool quiet;
	const struct watch *watch; /* or NULL */
};

struct stages {
	const struct stages_options *options;
	const struct settings *settings;
	struct errbuf err; /* words of a failure */
	struct arena arena;
	struct declaration *declaration;
	struct str features_yaml, reasons_yaml;
	const char *folder; /* of the versions */
	const char *name;
	char version[64];
	int64_t trained_us;
	int64_t started_us;
	struct window window;
	char from[WINDOW_TIME], until[WINDOW_TIME]; /* of the window once it is closed */
	struct row_source source;
	struct csv_source csv;
	struct dataset dataset;
	struct fit fit;
	uint64_t bad_rows;
	const char *path; /* of the version, when it is there */
};

/* Settings and options are borrowed until stages_done(). */
void stages_init(struct stages *s, const struct stages_options *o, const struct settings *settings);
/* -ENODATA with the words: the window cannot teach anything, nothing was written. -EEXIST: the
 * version is there. -EBADMSG: bad rows, or the proof of the model failed. */
int stages_run(struct stages *s);
/* The program alone, for who wants the window's rows and nothing else. */
int stages_read_program(struct stages *s);
/* The source alone; stages_read_program() came before. */
int stages_open_source(struct stages *s);
/* What report.h wants to know; borrowed from s. */
struct training stages_training(const struct stages *s);
void stages_done(struct stages *s);

#endif
