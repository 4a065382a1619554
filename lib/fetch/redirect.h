/* Where an answer sends us on to, and whether that is still the same place. Private to lib/fetch.
 */
#ifndef FETCH_REDIRECT_H
#define FETCH_REDIRECT_H

#include "fetch/call.h"

/* True if the answer of c is a redirect that its request allows to follow. */
bool redirect_is_due(const struct fetch_call *c);
/* c->url becomes the new place; c->foreign if it is another origin. -EPROTO with words if it must
 * not be followed. While c->easy is still there. */
int redirect_follow(struct fetch_call *c, struct errbuf *err);

#endif
