/* A real fraudd with fake children in a private folder, for the tests of the supervisor. */
#ifndef TEST_SUPERVISOR_SUITE_H
#define TEST_SUPERVISOR_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/control.h"

#define SUITE_MAX_GIVEN 8

struct suite {
	char dir[64];
	pid_t pid;
	int log_fd; /* of the file <dir>/log */

	/* the part of a service manager; set before suite_start(), or left alone */
	const char *notify_socket;  /* NULL: none */
	int given[SUITE_MAX_GIVEN]; /* as LISTEN_FDS */
	const char *given_names;    /* as LISTEN_FDNAMES */
	unsigned given_count;
};

/* Copies the programs, writes <dir>/fraudd.yaml with these lines besides the folders and one
 * listener on a port of the kernel's choice, starts fraudd. Fails the test if it cannot. */
void suite_start(struct suite *s, const char *yaml);
/* Replaces the file's extra lines. */
void suite_write_settings(const struct suite *s, const char *yaml);
/* Starts fraudd again in the same folder. */
void suite_start_again(struct suite *s);
/* Runs fraudd with more words on its command line; returns its exit status, what it said in ret. */
int suite_run(const struct suite *s, const char *words, char *ret, size_t room);
/* SIGTERM, waits; returns the wait status. */
int suite_stop(struct suite *s);
void suite_remove(struct suite *s);

/* A client's connection; the caller closes it. */
int suite_connect(const struct suite *s);
/* The status now; children holds `room`. Returns how many rows. */
int suite_status(const struct suite *s, struct msg_status *status,
                 struct msg_status_child *children, size_t room);
/* A reload and its outcome. */
struct msg_reload_done suite_reload(const struct suite *s, enum reload_wish wish, uint32_t flags,
                                    const char *version);
bool suite_log_contains(const struct suite *s, const char *text);

/* Evaluates the condition again and again for at most 20 seconds. */
#define SUITE_WAIT(condition)                                                                      \
	do {                                                                                       \
		for (unsigned wait_i = 0; !(condition); wait_i++) {                                \
			if (wait_i == 4000)                                                        \
				fail_msg("waited in vain for %s", #condition);                     \
			usleep(5000);                                                              \
		}                                                                                  \
	} while (0)

#endif
