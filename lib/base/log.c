/*
 * A line is formed on the stack, escaped, and handed to one of three ways out:
 *   journal   a datagram of journald's native protocol, when stderr is the journal's stream;
 *   plain     write(2) to stderr, in tools and until log_set_nonblocking();
 *   ring      lines wait in memory and leave as far as stderr takes them without blocking.
 * A daemon answers customers: a stopped reader of its log (a paused terminal, a full pipe) must
 * cost log lines, never answers. So what does not fit is counted and said later, once.
 *
 * O_NONBLOCK belongs to the open file description, which a terminal or pipe shares with the shell
 * and with every other daemon. Therefore stderr is opened anew for it; where that is refused
 * (sockets, another user's pipe) each write is asked for by poll() first.
 *
 * A line is at most PIPE_BUF bytes: the kernel writes it whole or not at all, so lines of several
 * processes on one pipe do not mix. A mutex, because XGBoost's callbacks come from its own threads.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define LINE_ROOM ((size_t)PIPE_BUF)
/* Of one message before escaping, which makes at most four bytes of one. */
#define MESSAGE_ROOM ((size_t)2048)
#ifndef JOURNAL_SOCKET /* the test has one of its own */
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#endif

static const struct {
	const char *name;
	int priority; /* of syslog */
} levels[LOG_LEVEL_MAX] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

static struct {
	pthread_mutex_t lock;
	const char *name; /* NULL until log_open() */
	enum log_level level;
	int journal; /* datagram socket, or -1 */
	bool nonblocking;
	int fd;         /* where the ring goes */
	bool ask_first; /* fd may block: poll() before each write */
	char *ring;
	size_t room, start, used;
	uint64_t dropped; /* in all */
	uint64_t said;    /* of these, how many a line has told */
} state = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.level = LOG_LEVEL_INFO,
	.journal = -1,
	.fd = STDERR_FILENO,
};

struct line {
	char text[LINE_ROOM];
	size_t n;
};

/* JOURNAL_STREAM names the device and inode of the stream that systemd made; it is inherited by
 * processes whose stderr was redirected since, hence the comparison. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, own) == 0;
}

void log_open(const char *name, enum log_level level)
{
	pthread_mutex_lock(&state.lock);
	state.name = name;
	state.level = level;
	if (state.journal < 0 && stderr_is_journal())
		state.journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pthread_mutex_unlock(&state.lock);
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

enum log_level log_get_level(void)
{
	return state.level;
}

static void line_add(struct line *l, const char *text, size_t n)
{
	/* One byte stays for the line feed. */
	size_t left = LINE_ROOM - 1 - l->n;

	if (n > left)
		n = left;
	memcpy(l->text + l->n, text, n);
	l->n += n;
}

static void line_adds(struct line *l, const char *text)
{
	line_add(l, text, strlen(text));
}

/* A whole character or a whole escape at a time, so that the end of the room, `keep` bytes before
 * that of the line, cuts none. */
static void line_add_escaped(struct line *l, struct str s, size_t keep)
{
	while (s.n > 0) {
		size_t length = str_utf8_length(s);
		unsigned char c = (unsigned char)s.p[0];
		bool plain = length > 0 && c >= 0x20 && c != 0x7f;
		char escape[5];

		if (LINE_ROOM - 1 - keep - l->n < 4)
			return;
		if (plain) {
			line_add(l, s.p, length);
		} else {
			snprintf(escape, sizeof(escape), "\\x%02x", c);
			line_add(l, escape, 4);
			length = 1;
		}
		s.p += length;
		s.n -= length;
	}
}

static void line_begin(struct line *l, enum log_level level, const char *name)
{
	char pid[16];

	l->n = 0;
	if (!name)
		return;
	line_adds(l, levels[level].name);
	line_adds(l, " ");
	line_adds(l, name);
	snprintf(pid, sizeof(pid), "[%d] ", (int)getpid());
	line_adds(l, pid);
}

/* The reader of the log is what we must not wait for; an EINTR says nothing about it. */
static ssize_t write_some(int fd, const char *p, size_t n)
{
	ssize_t written;

	do {
		written = write(fd, p, n);
	} while (written < 0 && errno == EINTR);
	return written;
}

/*
 * POLLOUT of a pipe means a free page, and n <= PIPE_BUF fits one. A socket is asked by flag
 * instead, as its POLLOUT promises less.
 */
static ssize_t write_without_waiting(const char *p, size_t n)
{
	struct pollfd ready = { .fd = state.fd, .events = POLLOUT };
	ssize_t written;

	if (!state.ask_first)
		return write_some(state.fd, p, n);
	written = send(state.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (written >= 0 || errno != ENOTSOCK)
		return written;
	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	return write_some(state.fd, p, n);
}

static char ring_at(size_t i)
{
	return state.ring[(state.start + i) % state.room];
}

/* The oldest line as far as it is still in the ring; it is copied because it may wrap around. */
static size_t ring_first_line(char ret[LINE_ROOM])
{
	size_t n = 0;

	while (n < state.used && n < LINE_ROOM) {
		ret[n] = ring_at(n);
		if (ret[n++] == '\n')
			break;
	}
	return n;
}

static void ring_drain(void)
{
	char line[LINE_ROOM];

	while (state.used > 0) {
		size_t n = ring_first_line(line);
		ssize_t written = write_without_waiting(line, n);

		if (written < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* A stderr that is gone for good takes all lines without reading them. */
		if (written <= 0)
			written = (ssize_t)n;
		state.start = (state.start + (size_t)written) % state.room;
		state.used -= (size_t)written;
	}
}

static bool ring_put(const struct line *l)
{
	if (l->n > state.room - state.used)
		ring_drain();
	if (l->n > state.room - state.used)
		return false;
	for (size_t i = 0; i < l->n; i++)
		state.ring[(state.start + state.used + i) % state.room] = l->text[i];
	state.used += l->n;
	return true;
}

/* False if journald does not take it now. */
static bool journal_send(enum log_level level, struct str message)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	char fields[128];
	int n = snprintf(fields, sizeof(fields),
	                 "PRIORITY=%d\nSYSLOG_IDENTIFIER=%.64s\nMESSAGE=", levels[level].priority,
	                 state.name);
	struct iovec parts[] = {
		{ fields, (size_t)n },
		{ (void *)message.p, message.n },
		{ (char[]){ '\n' }, 1 },
	};
	struct msghdr packet = { .msg_name = &address,
		                 .msg_namelen = sizeof(address),
		                 .msg_iov = parts,
		                 .msg_iovlen = 3 };

	return sendmsg(state.journal, &packet,
	               MSG_NOSIGNAL | (state.nonblocking ? MSG_DONTWAIT : 0)) >= 0;
}

/* prefix: bytes of the line that journald has as fields of its own. */
static bool deliver(enum log_level level, struct line *l, size_t prefix)
{
	if (state.journal >= 0) {
		struct str message = { l->text + prefix, l->n - prefix };

		if (journal_send(level, message))
			return true;
		if (state.nonblocking)
			return false;
	}
	l->text[l->n++] = '\n';
	if (state.ring)
		return ring_put(l);
	for (size_t i = 0; i < l->n;) {
		ssize_t written = write_some(STDERR_FILENO, l->text + i, l->n - i);

		if (written <= 0)
			break;
		i += (size_t)written;
	}
	return true;
}

/* Says how many lines are missing before the next one goes out. True if nothing is left to say. */
static bool say_dropped(void)
{
	struct line l;
	size_t prefix;
	char text[64];

	if (state.dropped == state.said)
		return true;
	line_begin(&l, LOG_LEVEL_WARNING, state.name);
	prefix = l.n;
	snprintf(text, sizeof(text), "%" PRIu64 " log lines were dropped",
	         state.dropped - state.said);
	line_adds(&l, text);
	if (!deliver(LOG_LEVEL_WARNING, &l, prefix))
		return false;
	state.said = state.dropped;
	return true;
}

/* tail: ": reason" or the like, for which the message leaves room. */
static void emit(enum log_level level, struct str message, const char *tail)
{
	struct line l;
	size_t prefix;

	pthread_mutex_lock(&state.lock);
	line_begin(&l, level, state.name);
	prefix = l.n;
	line_add_escaped(&l, message, strlen(tail));
	line_adds(&l, tail);
	if (!say_dropped() || !deliver(level, &l, prefix))
		state.dropped++;
	if (state.ring)
		ring_drain();
	pthread_mutex_unlock(&state.lock);
}

__attribute__((format(printf, 3, 0))) static void
write_message(enum log_level level, const char *tail, const char *format, va_list arguments)
{
	int saved_errno = errno;
	/* A few bytes more than are used, so that the cut knows which character it meets. */
	char text[MESSAGE_ROOM + 8];
	int n = vsnprintf(text, sizeof(text), format, arguments);
	struct str message = { text, n > 0 ? strlen(text) : 0 };

	message.n = str_utf8_cut(message, MESSAGE_ROOM);
	emit(level, message, tail);
	errno = saved_errno;
}

static void describe(int r, char *ret, size_t room)
{
	const char *text = r < 0 ? strerrordesc_np(-r) : NULL;

	if (r >= 0)
		ret[0] = '\0';
	else if (text)
		snprintf(ret, room, ": %s", text);
	else
		snprintf(ret, room, ": error %d", r);
}

int log_error(int r, const char *format, ...)
{
	va_list arguments;
	char tail[128];

	describe(r, tail, sizeof(tail));
	va_start(arguments, format);
	write_message(LOG_LEVEL_ERROR, tail, format, arguments);
	va_end(arguments);
	return r;
}

int log_warning(int r, const char *format, ...)
{
	va_list arguments;
	char tail[128];

	if (state.level < LOG_LEVEL_WARNING)
		return r;
	describe(r, tail, sizeof(tail));
	va_start(arguments, format);
	write_message(LOG_LEVEL_WARNING, tail, format, arguments);
	va_end(arguments);
	return r;
}

void log_info(const char *format, ...)
{
	va_list arguments;

	if (state.level < LOG_LEVEL_INFO)
		return;
	va_start(arguments, format);
	write_message(LOG_LEVEL_INFO, "", format, arguments);
	va_end(arguments);
}

void log_debug(const char *format, ...)
{
	va_list arguments;

	if (state.level < LOG_LEVEL_DEBUG)
		return;
	va_start(arguments, format);
	write_message(LOG_LEVEL_DEBUG, "", format, arguments);
	va_end(arguments);
}

int log_error_limited(struct log_limit *l, unsigned seconds, int r, const char *format, ...)
{
	uint64_t now = clock_mono_ns();
	va_list arguments;
	char tail[192];
	size_t n;

	if (now < l->next_ns) {
		l->suppressed++;
		return r;
	}
	describe(r, tail, sizeof(tail));
	n = strlen(tail);
	if (l->suppressed)
		snprintf(tail + n, sizeof(tail) - n, " (%" PRIu32 " more since the last line)",
		         l->suppressed);
	l->suppressed = 0;
	l->next_ns = now + (uint64_t)seconds * 1000000000;
	va_start(arguments, format);
	write_message(LOG_LEVEL_ERROR, tail, format, arguments);
	va_end(arguments);
	return r;
}

/* Stderr anew with O_NONBLOCK, or as it is with the promise to ask before each write. */
static int open_ring(size_t size)
{
	char *ring = malloc(size);
	int fd;

	if (!ring)
		return -ENOMEM;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_APPEND | O_CLOEXEC | O_NOCTTY);
	state.ask_first = fd < 0;
	state.fd = fd < 0 ? STDERR_FILENO : fd;
	state.ring = ring;
	state.room = size;
	return 0;
}

int log_set_nonblocking(size_t ring_size)
{
	int r = 0;

	pthread_mutex_lock(&state.lock);
	if (state.nonblocking)
		r = -EALREADY;
	else if (state.journal < 0)
		r = open_ring(ring_size < LINE_ROOM ? LINE_ROOM : ring_size);
	if (r == 0)
		state.nonblocking = true;
	pthread_mutex_unlock(&state.lock);
	return r;
}

int log_flush(void)
{
	bool remains;

	pthread_mutex_lock(&state.lock);
	if (state.ring)
		ring_drain();
	if (say_dropped() && state.ring)
		ring_drain();
	remains = state.used > 0;
	pthread_mutex_unlock(&state.lock);
	return remains;
}

uint64_t log_dropped(void)
{
	return state.dropped;
}
