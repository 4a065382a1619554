/*
 * What the scheduler gives a job: a channel on fd 3 that holds MSG_SETTINGS and MSG_MODEL_USE, and
 * the model itself, if the suite has one, on fd 4. A job that a person starts has neither; it reads
 * the settings for itself and asks the control socket.
 *
 * What else a job must know stands in its arguments: `--job ID`, the id of its row in job_runs, and
 * for a batch `--partition N`.
 */
#ifndef DAEMON_JOB_INPUT_H
#define DAEMON_JOB_INPUT_H

#include <stdint.h>

#include "base/errbuf.h"
#include "config/settings.h"
#include "daemon/messages.h"

struct job_input {
	struct settings *settings;
	struct msg_model model; /* generation 0: the suite has none yet */
	int model_fd;           /* sealed; -1: none */
};

/* The scheduler's side: a socket for the job's fd 3 with all of it inside; the caller's. audience:
 * enum settings_audience. model: NULL or generation 0 for none. Never blocks. */
int job_input_write(const struct settings *s, unsigned audience, const struct msg_model *model,
                    int *ret_fd);

/* The job's side; call it before any file is opened. -ENOENT: fd 3 is no channel, a person started
 * this. Else all of *ret is the caller's, and fd 3 is closed. */
int job_input_read(struct job_input *ret, struct errbuf *err);
void job_input_done(struct job_input *in);

#endif
