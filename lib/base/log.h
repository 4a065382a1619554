/*
 * One line an event: `level name[pid] message` on stderr, journald fields when stderr is the
 * journal. A daemon's log lines never block (see log.c). Text from outside is escaped: what is
 * below 0x20 and no UTF-8 becomes \xNN, so a line stays a line.
 *
 * The log is the one piece of state that a process has once and everybody may use.
 * Libraries do not log above debug: they return errors.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_MAX
};

/* name is borrowed for ever. Until it is called lines go to stderr as they are. */
void log_open(const char *name, enum log_level level);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/*
 * From here on writing never blocks: the journal by its datagram socket with MSG_DONTWAIT, else a
 * ring of this many bytes before a non-blocking stderr; what does not fit is counted and said
 * once it fits again. log_flush() writes what it can; returns true while bytes remain. A second
 * call is -EALREADY: the size does not change while the process lives.
 */
int log_set_nonblocking(size_t ring_size);
int log_flush(void);
uint64_t log_dropped(void);

/* Appends ": reason" for r < 0 and returns r, so that the place that decides is one statement. */
int log_error(int r, const char *format, ...) __attribute__((format(printf, 2, 3)));
int log_warning(int r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The same failure again and again: at most one line in `seconds` for this place, with the number
 * that was left out. `struct log_limit` lives where the failure is decided.
 */
struct log_limit {
	uint64_t next_ns;
	uint32_t suppressed;
};
int log_error_limited(struct log_limit *l, unsigned seconds, int r, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

#endif
