/*
 * fraud-train: everything that needs XGBoost. A command is a row of this table; each parses its own
 * options, so `fraud-train <command> --help` tells all about it.
 *
 * libgomp reads OMP_WAIT_POLICY when it is loaded, that is before main(): where it is not set, the
 * program sets it and begins anew. Busy waiting makes training up to twelve times slower as soon as
 * something else wants the cores.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "command.h"
#include "json/value.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
};

static const struct command commands[] = {
	{ "compare", command_compare, "two versions on the rows that neither has seen" },
	{ "export", command_export, "upload a version that lies in a folder to MLflow" },
	{ "fetch-window", command_fetch_window,
	  "write the rows of a training window to a CSV file" },
	{ "promote", command_promote, "make a version the live one, if nothing speaks against it" },
	{ "retrain", command_retrain,
	  "train on the newest window and promote the version if it wins" },
	{ "train", command_train, "train a model version from a CSV file or the database" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_commands(FILE *out)
{
	fputs("usage: fraud-train COMMAND [OPTION]...\n\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].about);
	fputs("\n\"fraud-train COMMAND --help\" tells the options of one.\n", out);
}

static int wait_quietly(char **argv)
{
	if (getenv("OMP_WAIT_POLICY"))
		return 0;
	if (setenv("OMP_WAIT_POLICY", "PASSIVE", 1) < 0)
		return -errno;
	execv("/proc/self/exe", argv);
	return -errno;
}

int main(int argc, char **argv)
{
	int r;

	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	log_open("fraud-train", LOG_LEVEL_INFO);
	signal(SIGXFSZ, SIG_IGN); /* a full disk or quota is an error with words */
	r = wait_quietly(argv);
	if (r < 0)
		log_warning(r, "could not begin anew with OMP_WAIT_POLICY=PASSIVE");
	json_setup();
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_commands(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("fraud-train %s\n", FRAUDD_VERSION);
		return EXIT_DONE;
	}
	fprintf(stderr, "fraud-train: there is no command \"%s\"; see --help\n", argv[1]);
	return EXIT_USAGE;
}
