/* The jobs of test_job.c: what to do is argv[1]. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int network(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(9) };
	int pair[2];

	if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 1;
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
		return 2;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 3;
	if (connect(pair[0], (struct sockaddr *)&in, sizeof(in)) == 0 || errno != EPERM)
		return 4;
	return 0;
}

/* Open descriptors besides the first three, as digits on stderr; and what of the environment is
 * there. */
static int surroundings(void)
{
	for (int fd = 3; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			fprintf(stderr, "fd %d\n", fd);
	fprintf(stderr, "secret %s\n", getenv("DATABASE_URL") ? "seen" : "unseen");
	fprintf(stderr, "added %s\n", getenv("OMP_WAIT_POLICY"));
	return 0;
}

static int lines(void)
{
	char longer[6000];

	memset(longer, 'x', sizeof(longer));
	fputs("one\ntwo\n\nfo", stderr);
	fputs("ur\n", stderr);
	fwrite(longer, 1, sizeof(longer), stderr);
	fputs("\nlast without end", stderr);
	return 3;
}

static _Noreturn void stubborn(void)
{
	signal(SIGTERM, SIG_IGN);
	fputs("ignoring\n", stderr);
	for (;;)
		pause();
}

/* 1: the limit holds. */
static int memory(void)
{
	void *p = mmap(NULL, (size_t)256 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	               -1, 0);

	return p == MAP_FAILED && errno == ENOMEM;
}

static int limits(void)
{
	struct rlimit file, cpu;

	getrlimit(RLIMIT_FSIZE, &file);
	getrlimit(RLIMIT_CPU, &cpu);
	fprintf(stderr, "%lu %lu %d\n", (unsigned long)file.rlim_cur, (unsigned long)cpu.rlim_cur,
	        getpriority(PRIO_PROCESS, 0));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "network") == 0)
		return network();
	if (strcmp(what, "surroundings") == 0)
		return surroundings();
	if (strcmp(what, "lines") == 0)
		return lines();
	if (strcmp(what, "stubborn") == 0)
		stubborn();
	if (strcmp(what, "limits") == 0)
		return limits();
	if (strcmp(what, "memory") == 0)
		return memory();
	if (strcmp(what, "crash") == 0)
		raise(SIGKILL);
	for (;;)
		pause();
}
