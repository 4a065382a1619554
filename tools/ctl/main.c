/*
 * fraudctl: the operator's hand on a running suite and on what lies around it. A command is a row
 * of this table; each parses its own options, so `fraudctl <command> --help` tells all about it.
 */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "json/value.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
};

static const struct command commands[] = {
	{ "demo", command_demo, "fill a database or a CSV file with demo transactions" },
	{ "job", command_job, "have the scheduler run a batch or a retrain now" },
	{ "jobs", command_jobs, "who schedules, what comes next, what ran" },
	{ "migrate", command_migrate, "bring the database's tables up to date" },
	{ "reload", command_reload,
	  "read settings and model again; wait until all workers have them" },
	{ "rollback", command_rollback, "go back to the previous model and pin it" },
	{ "score", command_score, "score a CSV file with a bundle, without the suite" },
	{ "status", command_status, "what runs, and which model it serves" },
	{ "token", command_token, "tokens that were issued, and ending them" },
	{ "unpin", command_unpin, "end a pin and follow the alias again" },
	{ "user", command_user, "accounts: add, disable, enable, password, roles, list" },
	{ "versions", command_versions, "the model versions on this host with their figures" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_commands(FILE *out)
{
	size_t i;

	fputs("usage: fraudctl COMMAND [OPTION]...\n\n", out);
	for (i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
	fputs("\n\"fraudctl COMMAND --help\" tells the options of one.\n", out);
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		print_commands(stderr);
		return EXIT_USAGE;
	}
	json_setup();
	for (i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		print_commands(stdout);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("fraudctl %s\n", FRAUDD_VERSION);
		return EXIT_DONE;
	}
	fprintf(stderr, "fraudctl: there is no command \"%s\"; see --help\n", argv[1]);
	return EXIT_USAGE;
}
