/*
 * What a batch is given: settings and model. As a job it has both from the scheduler
 * (daemon/job_input.h); by hand it reads the settings itself and asks the suite of this host for
 * its model, else it compiles the version that the alias names.
 */
#ifndef BATCH_INTAKE_H
#define BATCH_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/errbuf.h"
#include "config/settings.h"
#include "daemon/messages.h"
#include "score/score.h"

enum intake_origin { INTAKE_SCHEDULER, INTAKE_SUITE, INTAKE_BUNDLE };
extern const char *const intake_origin_names[];

struct intake {
	bool is_job;
	struct settings *settings;
	enum intake_origin origin;
	struct score_model model;
	uint64_t generation;                 /* 0: no suite of this host has served it */
	char registry_version[MESSAGE_NAME]; /* "" without a registry */
	const char *version;                 /* terminated; in the arena */
	/* Private. */
	int job_model_fd;
	struct arena arena;
	void *image;   /* heap, or a mapping of `mapped` bytes */
	size_t mapped; /* 0: heap */
};

/* config: NULL: $FRAUDD_CONFIG, else the host's file if there is one. overrides: "key=value". Call
 * it before anything is opened. What is wrong with the settings is on stderr; -EINVAL then. */
int intake_settings(struct intake *in, const char *config, const char *const *overrides,
                    size_t count, struct errbuf *err);
/* -ENODATA: a job of a suite that has no model yet. */
int intake_model(struct intake *in, struct errbuf *err);
void intake_done(struct intake *in);

#endif
