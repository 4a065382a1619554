/* The newest model of the host and who serves it, and what the loader last said of the registry. */
#ifndef SUPERVISOR_MODEL_H
#define SUPERVISOR_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "child.h"
#include "daemon/messages.h"
#include "daemon/sdnotify.h"

struct model {
	struct children *children;
	const struct sdnotify *notify;
	int fd;                /* -1: none yet */
	struct msg_model info; /* zeros without a model */
	bool live;             /* all workers that are up serve it, and were told so */
	bool told;             /* registry holds what the loader said */
	struct msg_registry_state registry;
};

/* children and notify are borrowed. */
void model_init(struct model *m, struct children *children, const struct sdnotify *notify);
void model_done(struct model *m);

/* MSG_MODEL_PUBLISH: takes the descriptor, hands the model to all that use it. Words and -errno if
 * it is no sealed file of that size or not newer than what is there. */
int model_publish(struct model *m, struct message *message, struct errbuf *err);
/* MSG_REGISTRY_STATE: keeps and forwards it. -EBADMSG. */
int model_registry(struct model *m, const struct msg_registry_state *state);
/* A new process: gets the newest of all at once. */
void model_introduce(struct model *m, struct child *c);
/* MSG_MODEL_IN_USE. */
void model_used(struct model *m, struct child *c, const struct msg_model_in_use *used);
/* After anything that may have completed the set (an answer, an exit, a start): true if the newest
 * model went live just now; then MSG_MODEL_LIVE has been sent. */
bool model_settle(struct model *m);

/* Workers that are up: how many, how many of them serve the newest; the first that cannot, or NULL.
 */
struct model_workers {
	uint32_t up, current;
	const struct child *failed;
};
struct model_workers model_workers(const struct model *m);

/* The descriptor store of the service manager: what model_publish() put there comes back at the
 * next start. Uses what fits and takes its descriptors (-1 is left behind). */
void model_restore(struct model *m, struct sdnotify_fd *given, size_t count);

#endif
