/*
 * A server and its clients on one event base in one process, for the tests of the server. Clients
 * are blocking-free sockets that the test reads while it turns the loop, so that nothing sleeps:
 * every wait is for a condition, with a limit that only a failure reaches.
 */
#ifndef TEST_HTTP_WORLD_H
#define TEST_HTTP_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "http/server.h"

struct event_base;
struct ssl_st;

struct world {
	struct event_base *base;
	struct http_server *server;
	struct http_limits limits;
	struct http_listener_options options;
	struct http_callbacks callbacks;
	int listener;
	uint16_t port;
	struct strbuf log;           /* what the callbacks saw, in words */
	struct http_exchange *later; /* of /defer and the like */
	uint64_t streamed;
	uint64_t wanted; /* bytes of /big */
	uint64_t written;
	uint64_t most_pending;
	unsigned connections;
	unsigned refusals; /* may_accept says no so often */
	bool drained;
	bool words; /* refusals are worded: "why|the field X-Id|http_user()" */
	int file;   /* for /file */
};

/* Limits are small where that makes a test short; change w->limits and options, then start. */
void world_init(struct world *w);
void world_start(struct world *w);
void world_done(struct world *w);

struct client {
	struct world *world;
	int fd;
	struct ssl_st *ssl;
	struct strbuf in; /* all bytes that came */
	bool ended;
	bool reset;
	const char *heads; /* one letter a request: 'H' = it was HEAD */
	struct strbuf told;
};

void client_open(struct client *c, struct world *w);
void client_done(struct client *c);
void client_send(struct client *c, struct str bytes);
void client_sends(struct client *c, const char *text);
/* Turns the loop until done(arg) or the limit; false then. Clients given to client_watch are read.
 */
bool world_until(struct world *w, bool (*done)(void *arg), void *arg);
/* A few turns that do not block: what is ready happens. */
void world_turn(struct world *w);
void client_read(struct client *c);
/* The answers so far as one line: "200 [body];404 close [body];EOF". */
const char *client_tell(struct client *c);
/* Waits until the line is this; fails the test if it is not in the end. */
void client_expect(struct client *c, const char *name, const char *told);
/* Waits until the log of the callbacks contains text. */
void world_expect(struct world *w, const char *text);

#endif
