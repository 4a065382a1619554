/*
 * Whether a version may take the place of the live one, and the change itself. One promotion at a
 * time over all hosts that share the database.
 */
#ifndef TRAIN_PROMOTION_H
#define TRAIN_PROMOTION_H

#include "config/settings.h"
#include "outcome.h"

struct promotion_request {
	const struct settings *settings;
	struct registry *registry;
	const struct registry_version *candidate;
	/* Somebody's reason to promote it whatever the comparison says, or NULL. */
	const char *force;
	bool judge_only;
};

/* 0: decided, *ret says what. -EBUSY: another promotion is under way. -EBADMSG: the candidate is
 * broken. Other -errno: registry or database. */
int promotion_run(const struct promotion_request *q, struct promotion *ret, struct errbuf *err);

#endif
