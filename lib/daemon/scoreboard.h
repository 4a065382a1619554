/*
 * What the processes of a suite share: one memfd of fixed size made by the supervisor (which never
 * maps it): what all workers write (atomic), and one slot a worker with one writer. A slot outlives
 * its worker: the successor counts on, so counters stay monotonic, and sets the gauges to 0. This
 * file is its only description.
 */
#ifndef DAEMON_SCOREBOARD_H
#define DAEMON_SCOREBOARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define SCOREBOARD_MAGIC UINT64_C(0x3164656472617566) /* "fraudd1" */
#define SCOREBOARD_ABI 2
#define SCOREBOARD_MAX_SLOTS 1024
/* Powers of two of microseconds: bucket i counts durations < 2^i µs; the last one all others. */
#define SCOREBOARD_BUCKETS 26
#define SCOREBOARD_HTTP_WORDS 32
#define SCOREBOARD_THROTTLE_PLACES 16384

enum scoreboard_route {
	ROUTE_SCORE,
	ROUTE_BATCH,
	ROUTE_UPLOAD,
	ROUTE_RELOAD,
	ROUTE_AUTH,
	ROUTE_OTHER,
	ROUTE_MAX
};
enum scoreboard_status {
	STATUS_2XX,
	STATUS_4XX_AUTH,
	STATUS_422,
	STATUS_4XX,
	STATUS_503,
	STATUS_5XX,
	STATUS_MAX
};

struct scoreboard_histogram {
	_Atomic uint64_t buckets[SCOREBOARD_BUCKETS];
	_Atomic uint64_t sum_us;
};

struct scoreboard_slot {
	/* gauges: only while the pid lives */
	_Alignas(64) _Atomic int32_t pid; /* 0: no worker */
	_Atomic uint32_t accepting;       /* takes new connections */
	_Atomic uint64_t generation;
	_Atomic uint64_t beat_ns; /* clock_mono_ns of its last loop turn */
	/* counters: never fall */
	/* struct http_counters of lib/http/server.h, written by the worker's server; with the
	 * gauges `open` and `in_flight`, which count only while `beat_ns` is fresh */
	_Alignas(64) uint64_t http[SCOREBOARD_HTTP_WORDS];
	_Atomic uint64_t requests[ROUTE_MAX][STATUS_MAX];
	_Atomic uint64_t rows_scored, rows_explained;
	_Atomic uint64_t decisions[3];
	_Atomic uint64_t refused; /* 503 by admission */
	_Atomic uint64_t log_dropped;
	_Atomic uint64_t tokens_cached, tokens_asked;
	struct scoreboard_histogram latency[ROUTE_MAX];
};

/* Never changes. */
struct scoreboard_head {
	uint64_t magic;
	uint32_t abi;
	uint32_t slot_count;
	uint64_t throttle_key[2]; /* by chance */
};

struct scoreboard {
	struct scoreboard_head head;
	_Alignas(64) _Atomic uint64_t auth_epoch; /* grows with every revocation on this host */
	/* Sign-ins of the host by account and by source, as lib/auth/throttle.h has them. */
	_Alignas(64) _Atomic uint64_t accounts[SCOREBOARD_THROTTLE_PLACES];
	_Atomic uint64_t sources[SCOREBOARD_THROTTLE_PLACES];
	_Alignas(64) struct scoreboard_slot slots[];
};

static inline size_t scoreboard_size(uint32_t slots)
{
	return sizeof(struct scoreboard) + slots * sizeof(struct scoreboard_slot);
}

/* The supervisor's side: a memfd whose size is sealed, header written by pwrite. */
int scoreboard_create(uint32_t slots, int *ret_fd);
/* The child's side: shared, writable; checked. Unmapped by scoreboard_unmap(). */
int scoreboard_map(int fd, uint64_t size, struct scoreboard **ret);
void scoreboard_unmap(struct scoreboard *b);
/* What a new worker does with its slot: gauges to 0, pid, then beat. From then on daemon_run()
 * beats it once a second while the loop turns. */
void scoreboard_take_slot(struct scoreboard_slot *s);
void scoreboard_observe(struct scoreboard_histogram *h, uint64_t us);

#endif
