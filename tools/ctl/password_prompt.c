/*
 * How a password comes in. Command lines are shown to every user of a machine and kept by shells,
 * environments are inherited: neither is offered.
 *
 * Invariant: the terminal's echo is on again on every way out.
 *
 * Called by user_command.c.
 */
#include "password_prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

/* Byte by byte: what follows the line is not ours. Length without the line end, or -errno. */
static ssize_t read_line(int fd, char *ret, size_t room)
{
	size_t n = 0;
	char c;

	for (;;) {
		ssize_t got = read(fd, &c, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0 || c == '\n')
			break;
		if (n + 1 >= room || c == '\0')
			return -EINVAL;
		ret[n++] = c;
	}
	if (n > 0 && ret[n - 1] == '\r')
		n--;
	ret[n] = '\0';
	return (ssize_t)n;
}

static int ask(int terminal, const char *question, char ret[PASSWORD_PROMPT_SIZE])
{
	struct termios before, quiet;
	ssize_t n;

	if (tcgetattr(terminal, &before) < 0)
		return -errno;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(terminal, TCSAFLUSH, &quiet) < 0)
		return -errno;
	file_write_all(terminal, question, strlen(question));
	n = read_line(terminal, ret, PASSWORD_PROMPT_SIZE);
	tcsetattr(terminal, TCSAFLUSH, &before);
	file_write_all(terminal, "\n", 1);
	return n < 0 ? (int)n : 0;
}

static int ask_twice(char ret[PASSWORD_PROMPT_SIZE], struct errbuf *err)
{
	CLEANUP(close_p) int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
	char again[PASSWORD_PROMPT_SIZE];
	int r = terminal < 0 ? -errno : ask(terminal, "New password: ", ret);

	if (r == 0)
		r = ask(terminal, "The same again: ", again);
	if (r < 0)
		return errbuf_set(err, r, "could not ask for a password: %s", strerror(-r));
	if (strcmp(ret, again) != 0)
		r = errbuf_set(err, -EINVAL, "the two passwords differ");
	explicit_bzero(again, sizeof(again));
	return r;
}

int password_prompt(char ret[PASSWORD_PROMPT_SIZE], struct errbuf *err)
{
	ssize_t n;

	if (isatty(STDIN_FILENO))
		return ask_twice(ret, err);
	n = read_line(STDIN_FILENO, ret, PASSWORD_PROMPT_SIZE);
	if (n == -EINVAL)
		return errbuf_set(err, -EINVAL, "that is no password: it is too long or has a NUL");
	if (n < 0)
		return errbuf_set(err, (int)n, "could not read the password: %s",
		                  strerror((int)-n));
	if (n == 0)
		return errbuf_set(err, -EINVAL,
		                  "no password came by standard input (one line is wanted)");
	return 0;
}
