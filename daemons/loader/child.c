/*
 * The fork in the road of main(): daemon, or one of the two children that the daemon starts of its
 * own program. They are modes and not programs of their own so that parent and child are always of
 * one build.
 */
#include "child.h"

#include <string.h>

static const struct {
	const char *word;
	int (*run)(int argc, char **argv);
} modes[] = {
	{ "--compile", compile_command },
	{ "--keep", keep_command },
};

bool child_run(int argc, char **argv, int *ret_status)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (argc < 2 || strcmp(argv[1], modes[i].word) != 0)
			continue;
		/* The word is the name of the program that runs now. */
		*ret_status = modes[i].run(argc - 1, argv + 1);
		return true;
	}
	return false;
}
