/* libcurl's multi interface on the loop: its sockets as watches, its time-out as a timer. Private
 * to lib/fetch. */
#ifndef FETCH_DRIVER_H
#define FETCH_DRIVER_H

#include <curl/curl.h>

struct event_base;
struct driver;

/* A transfer has ended; it is no longer the driver's. */
typedef void driver_fn(CURL *easy, CURLcode code);

int driver_new(struct event_base *base, driver_fn *on_end, struct driver **ret);
/* All transfers were removed before. */
void driver_free(struct driver *d);
int driver_add(struct driver *d, CURL *easy);
void driver_remove(struct driver *d, CURL *easy);

#endif
