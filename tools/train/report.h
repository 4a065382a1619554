/* What a training found, as the texts of its version and as the answer to who asked. */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include "base/errbuf.h"
#include "base/strbuf.h"
#include "bundle/bundle.h"
#include "config/settings.h"
#include "dataset.h"
#include "exported.h"
#include "fit.h"

/* One training, all of it borrowed. */
struct training {
	const struct settings *settings;
	const struct dataset *dataset;
	const struct fit *fit;
	const char *name, *version;
	int64_t trained_us; /* what the version's name says */
};

/* Failures are the buffer's, or -errno of a file. */
void report_thresholds(const struct training *t, struct strbuf *out);
int report_manifest(const struct training *t, const struct bundle_file *files, size_t count,
                    struct strbuf *out);
/* Histograms of every feature over the window, and of the holdout's scores: what the served model
 * says of rows that it was trained on would look surer than it is. */
int report_reference(const struct training *t, struct strbuf *out);

/* Where a version has gone: a folder of this host, or a registry. */
struct report_place {
	const char *path;
	const struct exported *exported; /* NULL: path */
};

struct json_writer;

/* The outcome: one JSON object with a line end, or lines for a person. */
void report_outcome_json(const struct training *t, const struct report_place *place,
                         struct strbuf *out);
void report_outcome_text(const struct training *t, const struct report_place *place,
                         struct strbuf *out);
/* Members of an object, and a line. name: of the model. */
void report_exported_json(struct json_writer *w, const char *name, const struct exported *x);
void report_exported_text(const char *name, const struct exported *x, struct strbuf *out);

#endif
