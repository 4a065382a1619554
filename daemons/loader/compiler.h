/* The loader's side of the compile child: starts it, judges how it ended. */
#ifndef LOADER_COMPILER_H
#define LOADER_COMPILER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/errbuf.h"
#include "child.h"

struct event_base;
struct settings;
struct compiler;

struct compiler_request {
	struct event_base *base;
	const struct settings *settings; /* models.*, loader.*: used for the start only */
	const char *version;             /* where the folder does not say */
	int folder_fd;                   /* borrowed for the start */
	const uint8_t *unless;           /* a digest, or NULL */
};

struct compiler_outcome {
	int result; /* 0 or -errno; then err says why */
	struct errbuf err;
	bool of_the_files; /* the refusal will be the same as long as the files are */
	/* fields of a success only; texts and numbers were checked */
	struct child_result child;
	int fd; /* sealed memfd; -1 if child.unchanged. on_end takes it (take_fd) or it is closed.
	         */
};
typedef void compiler_fn(void *self, struct compiler_outcome *o);

/* on_end comes once, from the loop. 0 or -errno. */
int compiler_start(const struct compiler_request *q, compiler_fn *on_end, void *self,
                   struct compiler **ret);
/* on_end still comes. */
void compiler_stop(struct compiler *c);
/* When the loop has ended: on_end does not come. Safe on NULL. */
void compiler_abandon(struct compiler *c);

#endif
