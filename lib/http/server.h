/*
 * An HTTP/1.1 server on somebody else's event base: listeners, connections, limits, deadlines. What
 * a request and its answer look like to their user is in exchange.h.
 *
 * Everything runs on the thread of the base; no function here blocks. The process must ignore
 * SIGPIPE. A server calls its user by
 * struct http_callbacks only, and only from the loop (http_server_free: on_abort of what is open).
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/exchange.h"
#include "http/options.h"

struct event_base;
struct http_server;
struct http_tls;

/* limits and callbacks are copied; base and self are borrowed. 0 or -ENOMEM. */
int http_server_new(struct event_base *base, const struct http_limits *limits,
                    const struct http_callbacks *callbacks, void *self, struct http_server **ret);

/*
 * Accepts from fd, a listening socket shared with other processes: it is made non-blocking, is not
 * owned and never closed here. Level-triggered, one accept a wake. 0, -EINVAL or -ENOMEM.
 */
int http_server_listen(struct http_server *s, int fd, const struct http_listener_options *o);
/* New connections of the listener with this fd get the new keys and certificate. 0 or -ENOENT. */
int http_server_set_tls(struct http_server *s, int fd, struct http_tls *tls);

/* Deadlines that run are judged by the new figures; a head or body that has begun keeps the sizes
 * it began with. */
void http_server_set_limits(struct http_server *s, const struct http_limits *limits);
/* From here on counts go there (values are continued; `open` and `in_flight` are set). Borrowed.
 * NULL: back to the server's own. */
void http_server_set_counters(struct http_server *s, struct http_counters *counters);
const struct http_counters *http_server_counters(const struct http_server *s);

/*
 * No more accepts; idle connections close; the request in flight on each other connection is
 * answered with Connection: close. on_drained (may be NULL) is called from the loop once no
 * connection is open.
 */
void http_server_drain(struct http_server *s, void (*on_drained)(void *self));
/* Closes everything at once. Safe on NULL. Not from a callback of this server. */
void http_server_free(struct http_server *s);

#endif
