/*
 * Names of database hosts to addresses without waiting on the loop: libpq would ask the resolver
 * itself and block. One thread a question, gone with its answer.
 */
#ifndef DB_RESOLVE_H
#define DB_RESOLVE_H

#include "base/errbuf.h"

struct event_base;
struct resolve;

/* For libpq, element by element: those of the URL whose name has no address are left out. Texts are
 * valid during the call. */
struct resolve_answer {
	const char *hosts, *addresses, *ports;
};
/* r: 0, or -EHOSTUNREACH with the words; answer NULL then. The resolve object is ended after. */
typedef void resolve_fn(void *self, int r, const struct resolve_answer *answer,
                        const struct errbuf *err);

/* True if the URL names a host that must be asked for (no socket, no numeric address). */
int resolve_is_needed(const char *url);
int resolve_start(struct event_base *base, const char *url, resolve_fn *on_done, void *self,
                  struct resolve **ret);
/* on_done will not come. NULL is fine. */
void resolve_cancel(struct resolve *r);

#endif
