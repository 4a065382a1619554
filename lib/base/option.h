/*
 * Command lines of all programs: one table gives getopt_long's arrays, --help, and the check that a
 * word is known. --help is answered here, and --version unless the command has a row of that name.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>

struct option_row {
	const char *name;     /* long name without dashes */
	const char *argument; /* name of its argument in the help, or NULL for a flag */
	const char *help;
	/* Where it goes: exactly one is set. A flag sets *flag; text keeps argv's pointer. `repeat`
	 * gathers up to repeat_room texts. */
	bool *flag;
	const char **text;
	unsigned long long *number;
	const char **repeat;
	size_t repeat_room;
	size_t *repeat_count;
};

struct option_command {
	const char *program;  /* "fraudctl demo" */
	const char *synopsis; /* what follows the program's name in "usage:" */
	const char *about;    /* one or two lines */
	const struct option_row *rows;
	size_t row_count;
	size_t min_words, max_words; /* words that are no option */
};

/*
 * Returns the index in argv of the first word, or a negative value after printing what is wrong to
 * stderr (exit status 2), or OPTION_ANSWERED after --help or --version (exit status 0). Words are
 * moved behind the options.
 */
#define OPTION_ANSWERED (-1000)
int option_parse(const struct option_command *c, int argc, char **argv);

#endif
