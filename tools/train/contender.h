/* A model version that is to be compared: its judged model, opened, and its holdout. */
#ifndef TRAIN_CONTENDER_H
#define TRAIN_CONTENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "config/settings.h"
#include "registry/registry.h"
#include "score/score.h"

struct contender {
	struct registry_version version;
	struct registry_folder folder;
	struct arena arena;
	void *image;
	struct score_model model; /* model_holdout.ubj with the version's own program */
	struct score_scratch scratch;
	int64_t cutoff_us;       /* UTC: its holdout is from here on, the model has seen the rest */
	double sample_non_fraud; /* share of the other rows that its window had */
	int holdout_fd;          /* holdout_raw.csv */
};

/* How a registry is asked for exactly this version: by its own number if it has one, for a name may
 * be there twice. */
static inline const char *contender_words(const struct registry_version *v)
{
	return *v->registry_version ? v->registry_version : v->version;
}

/* words: a version, the registry's own number of it, or an alias. -ENOENT. */
int contender_find(struct registry *r, const char *words, struct registry_version *ret,
                   struct errbuf *err);
/* -ENODATA: it can be served but not judged (logged without artifacts/, no holdout). -EBADMSG:
 * broken. */
int contender_open(struct contender *c, struct registry *r, const struct registry_version *version,
                   const struct settings *s, struct errbuf *err);
/* Can the version be served at all? Builds the served model and scores its golden rows with it, as
 * a loader will. */
int contender_prove(struct registry *r, const struct registry_version *version,
                    const struct settings *s, struct errbuf *err);
/* The same of a folder (its path has no "/" at the end) wherever it lies. ret: its version. */
int contender_prove_folder(const char *path, const struct settings *s, char ret[REGISTRY_TEXT],
                           struct errbuf *err);
/* Safe on { .folder.fd = -1, .holdout_fd = -1 } and half-opened ones. */
void contender_close(struct contender *c);
void contender_close_p(struct contender *c);
#define CONTENDER_NONE                                                                             \
	{                                                                                          \
		.folder = { .fd = -1 }, .holdout_fd = -1                                           \
	}

#endif
