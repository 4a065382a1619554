/*
 * Stands in for fraud-batch in test_jobs.c. What it does is the setting batch.source: words with
 * blanks between, done in their order:
 *
 *   say=TEXT       a line on stderr (_ is a blank)
 *   tell=FILE      what it was given: words, nice value, settings, model
 *   status=N       ends with it
 *   signal=N       ends by it
 *   hang           until SIGTERM, then status 75
 *   stubborn       until SIGKILL
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/job_input.h"

static void on_term(int number)
{
	(void)number;
	_exit(75);
}

static int tell(const char *path, const struct job_input *in, char **argv)
{
	FILE *f = fopen(path, "we");
	char byte = '-';

	if (!f)
		return 1;
	for (char **word = argv; *word; word++)
		fprintf(f, "%s%s", word == argv ? "" : " ", *word);
	if (in->model_fd >= 0 && pread(in->model_fd, &byte, 1, 0) != 1)
		return 1;
	fprintf(f, "|nice %d|url %s|generation %d|model %c|openmp %s", getpriority(PRIO_PROCESS, 0),
	        in->settings->database.url, (int)in->model.generation, byte,
	        getenv("OMP_WAIT_POLICY") ? getenv("OMP_WAIT_POLICY") : "-");
	return fclose(f);
}

static int obey(char *word, const struct job_input *in, char **argv)
{
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	else
		value = word + strlen(word);
	if (strcmp(word, "say") == 0) {
		for (char *p = value; (p = strchr(p, '_'));)
			*p = ' ';
		fprintf(stderr, "%s\n", value);
	} else if (strcmp(word, "tell") == 0) {
		return tell(value, in, argv);
	} else if (strcmp(word, "status") == 0) {
		exit(atoi(value));
	} else if (strcmp(word, "signal") == 0) {
		raise(atoi(value));
	} else if (strcmp(word, "hang") == 0 || strcmp(word, "stubborn") == 0) {
		signal(SIGTERM, *word == 'h' ? on_term : SIG_IGN);
		fprintf(stderr, "info fake[1] waiting\n");
		for (;;)
			pause();
	} else {
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct job_input in;
	struct errbuf err;
	char words[1024];

	(void)argc;
	if (job_input_read(&in, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 99;
	}
	snprintf(words, sizeof(words), "%s", in.settings->batch.source);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		if (obey(word, &in, argv) != 0)
			return 98;
	job_input_done(&in);
	return 0;
}
