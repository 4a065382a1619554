/*
 * What server, connections and exchanges look like inside: the data that all files but the pure
 * parsers share. They use each other in this order only:
 *
 *	server ─► connection ─► request ─► exchange ─► refuse ─► answer ─► schedule ─► transport
 *
 * Nothing of it is seen by the user, who has server.h and exchange.h.
 */
#ifndef HTTP_STATE_H
#define HTTP_STATE_H

#include <sys/queue.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/strbuf.h"
#include "http/options.h"
#include "http/parser.h"
#include "http/proxy.h"
#include "http/response.h"
#include "http/source.h"

struct bufferevent;
struct event;
struct evbuffer;
struct ssl_st;
struct transport_events;

/* What a connection may be late with. One list each, in the order of waiting; see schedule.c. */
enum wait {
	WAIT_NONE,
	WAIT_FIRST_BYTE,
	WAIT_HEAD,
	WAIT_IDLE,
	WAIT_BODY,  /* by rate */
	WAIT_WRITE, /* by rate */
	WAIT_LINGER,
	WAIT_MAX
};

enum connection_state {
	CONNECTION_PROXY,     /* reads the PROXY header */
	CONNECTION_OPEN,      /* reads requests, writes answers */
	CONNECTION_FLUSHING,  /* the last answer is on its way; what comes is dropped */
	CONNECTION_LINGERING, /* shut for writing; what comes is dropped until the peer closes */
	CONNECTION_DEAD,      /* freed at the next wake */
};

struct http_exchange {
	struct connection *connection;
	struct http_exchange *next; /* among the spare ones */
	struct arena arena;
	struct strbuf body;   /* a buffered body */
	struct strbuf fields; /* of the answer: whole lines */
	struct str path;      /* decoded */
	struct http_address peer;
	void *user;
	uint64_t started_ns;
	uint64_t body_limit;
	uint64_t received;    /* bytes of the body */
	uint64_t dropped;     /* those of them that came after the answer */
	int64_t answer_left;  /* bytes still owed of an answer whose length was told */
	uint8_t body_mode;    /* enum body_mode */
	bool known;           /* the user saw it and has not ended it */
	bool counted;         /* among those in flight */
	bool paused;          /* the user wants no body now */
	bool waiting;         /* the request is complete and with the user */
	bool begun;           /* the head of the answer is out */
	bool ended;           /* the answer is out */
	bool released;        /* the user's memory is given back */
	bool chunked;         /* the answer is */
	bool no_body;         /* of the answer: HEAD, 204, 304 */
	bool closes;          /* the connection ends with this answer */
	bool continued;       /* 100 was sent, or is not needed any more */
	bool crowded;         /* output is above the mark: on_writable is owed */
	bool writable;        /* on_writable is due */
	struct parser parser; /* its field table is large: last */
};

enum body_mode { BODY_UNDECIDED, BODY_TAKEN, BODY_STREAMED };

/* A part of an answer that lies in a file, for TLS; and what comes after it. */
struct file_part {
	struct file_part *next;
	int fd;
	off_t offset;
	uint64_t left;
	struct evbuffer *after;
};

struct connection {
	struct http_server *server;
	struct listener *listener;
	TAILQ_ENTRY(connection) all;
	TAILQ_ENTRY(connection) waiting; /* if wait != WAIT_NONE */
	TAILQ_ENTRY(connection) ready;   /* if is_ready */
	const struct transport_events *events;
	struct bufferevent *bev;
	struct evbuffer *staged; /* answers before they are flushed */
	struct ssl_st *ssl;
	struct http_exchange *x;    /* the request under way, or NULL */
	struct proxy_reader *proxy; /* while the PROXY header is read */
	struct file_part *files;
	uint64_t received; /* bytes of bodies */
	uint64_t queued;   /* bytes of answers, files included */
	uint64_t wait_since_ns;
	uint64_t meter_since_ns, meter_start; /* of the rates */
	uint32_t requests;
	uint32_t wait_request; /* `requests` when the waiting began */
	uint32_t turn;         /* requests since the loop last came by */
	uint32_t round;        /* of the ready list */
	uint32_t unsent;       /* answers since the output was last empty */
	int fd;
	struct http_address peer; /* the client; from PROXY if there is one */
	uint8_t state;            /* enum connection_state */
	uint8_t wait;             /* enum wait */
	bool trusted;             /* X-Forwarded-For is believed */
	bool counted;             /* in the table of sources */
	bool is_ready;
	bool running;  /* connection.c is at work: events only leave a mark */
	bool stepping; /* it takes one step after another */
	bool reading;
	bool ended;  /* the peer sends no more */
	bool failed; /* the peer is gone */
};

struct listener {
	struct http_server *server;
	TAILQ_ENTRY(listener) all;
	struct event *accept;
	struct event *resume;
	struct http_tls *tls;
	struct http_network *trusted;
	size_t trusted_count;
	int fd;
	int role;
	bool proxy_v2;
	bool reserved;
	bool full;   /* accept rests until a connection ends */
	bool yields; /* accept rests until may_accept says yes, or its pause is over */
};

TAILQ_HEAD(connection_list, connection);
TAILQ_HEAD(listener_list, listener);

struct http_server {
	struct event_base *base;
	struct http_limits limits;
	struct parser_limits parser_limits;
	struct http_callbacks on;
	void *self;
	struct http_counters own;
	struct http_counters *counters;
	struct listener_list listeners;
	struct connection_list all;
	struct connection_list waiting[WAIT_MAX];
	struct connection_list ready;
	struct event *tick; /* looks at the deadlines */
	struct event *wake; /* runs what is ready */
	bool ticking;
	bool draining;
	void (*on_drained)(void *self);
	uint64_t open, open_limited, in_flight;
	uint64_t now_ns;
	struct response_date date;
	struct source_table sources;
	struct http_exchange *spare;
	uint32_t spare_count;
	uint32_t round; /* of the ready list */
};

/* True if the whole request is in. */
static inline bool state_is_complete(const struct http_exchange *x)
{
	return x->parser.state == PARSER_AT_END;
}

/* One writer: a plain addition, but no torn or cached store. */
static inline void count_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static inline void count_set(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, n, __ATOMIC_RELAXED);
}

#endif
