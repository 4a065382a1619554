/*
 * run.json: what a training can tell a registry beside the version itself: settings, figures of
 * each round, rows, host. It lies in the version's folder but is none of its members: a version is
 * the same wherever and whenever it was trained, this file is not.
 */
#ifndef TRAIN_RUN_FILE_H
#define TRAIN_RUN_FILE_H

#include "base/arena.h"
#include "registry/registry.h"
#include "report.h"

#define RUN_FILE "run.json"

/* Where a training's rows and program came from; all of it borrowed. */
struct run_origin {
	int64_t started_us;
	struct str features_yaml;
	const char *data;         /* path of a CSV file; NULL: the database's window … */
	const char *query;        /* … by this file; "" = the suite's own */
	const char *from, *until; /* … as the session takes them */
};

/* -errno of a digest or the buffer's. */
int run_write(const struct training *t, const struct run_origin *from, struct strbuf *out);
/* Of a version's folder, in the arena. -ENOENT: there is none; -EBADMSG with words. */
int run_read(int folder_fd, struct arena *a, struct registry_run *ret, struct errbuf *err);
/* The same of the file's text, which may go afterwards. */
int run_parse(struct str text, struct arena *a, struct registry_run *ret, struct errbuf *err);

#endif
