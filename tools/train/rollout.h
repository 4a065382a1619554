/* How a version gets to the hosts once the alias names it, and whether it arrived. */
#ifndef TRAIN_ROLLOUT_H
#define TRAIN_ROLLOUT_H

#include <stdbool.h>

#include "base/errbuf.h"
#include "config/settings.h"
#include "daemon/messages.h"

#define ROLLOUT_NAMES 256

struct db;

/* What the suite of this host says; runs false: there is none at runtime_dir. */
struct rollout_here {
	bool runs;
	char pinned[MESSAGE_NAME]; /* of the running suite, else of state_dir; "" = no pin */
};
int rollout_look(const struct settings *s, struct rollout_here *ret, struct errbuf *err);

/* Has the suite of this host compile and verify the version without publishing it. -EBADMSG: it
 * refuses, the words say why. 0 also without a suite. */
int rollout_try(const struct settings *s, const struct rollout_here *here, const char *version,
                struct errbuf *err);

struct rollout {
	bool here;                 /* this host's suite was asked */
	bool refused;              /* and will not have it: words */
	struct errbuf words;       /* what this host's suite said if it did not follow */
	unsigned hosts;            /* that live, by model_live_history */
	unsigned missing;          /* of them, when time was up */
	char names[ROLLOUT_NAMES]; /* of the missing: "a, b"; cut when many */
};

/*
 * Tells all hosts (NOTIFY fraudd_model) and reloads this one, then waits up to
 * promote.verify_seconds until every host that lives serves the version. db NULL: this host only.
 * -errno only if the database failed; what the hosts do is in *ret.
 */
int rollout_run(const struct settings *s, const struct rollout_here *here, struct db *db,
                const char *version, struct rollout *ret, struct errbuf *err);

#endif
