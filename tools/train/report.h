/* What a training found, as the texts of its version and as the answer to who asked. */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include "base/errbuf.h"
#include "base/strbuf.h"
#include "bundle/bundle.h"
#include "config/settings.h"
#include "dataset.h"
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

/* The outcome: one JSON object with a line end, or lines for a person. */
void report_outcome_json(const struct training *t, const char *path, struct strbuf *out);
void report_outcome_text(const struct training *t, const char *path, struct strbuf *out);

#endif
