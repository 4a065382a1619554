/*
 * A compile child that does what its --version says: stands beside test_compiler as "fraud-loader",
 * for a job is looked up beside its parent.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemons/loader/child.h"

static struct child_result result = {
	.magic = CHILD_MAGIC, .size = 6, .name = "fraud", .version = "1", .note = { "all trees" }
};

static int tell(void)
{
	return write(CHILD_RESULT_FD, &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 3;
}

static int do_sound(void)
{
	return write(CHILD_IMAGE_FD, "image\n", 6) == 6 ? tell() : 3;
}

static int do_crash(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGSEGV, SIG_DFL);
	do_sound();
	return raise(SIGSEGV);
}

static int do_hang(void)
{
	do_sound();
	while (pause() < 0)
		;
	return 0;
}

static int do_silent(void)
{
	return 0;
}

static int do_status(void)
{
	fputs("something went wrong\n", stderr);
	return 9;
}

static int do_short(void)
{
	return write(CHILD_RESULT_FD, &result, sizeof(result) - 1) > 0 ? 0 : 3;
}

static int do_small(void)
{
	result.size = 7;
	return do_sound();
}

static int do_empty(void)
{
	result.size = 0;
	return tell();
}

static int do_name(void)
{
	memset(result.name, 'x', sizeof(result.name));
	return do_sound();
}

static int do_verified(void)
{
	result.verified = 2;
	return do_sound();
}

static int do_words(void)
{
	result.result = -22;
	memset(&result.words, 'x', sizeof(result.words));
	tell();
	return 1;
}

static int do_refused(void)
{
	result.result = -74;
	strcpy(result.words.text, "model.ubj is broken");
	tell();
	return 1;
}

static int do_memory(void)
{
	result.result = -12;
	strcpy(result.words.text, "no memory for model.ubj");
	tell();
	return 1;
}

static int do_big(void)
{
	static char much[1 << 20];
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	while (write(CHILD_IMAGE_FD, much, sizeof(much)) > 0)
		;
	return 3;
}

static int do_unchanged(void)
{
	result.unchanged = 1;
	return tell();
}

static const struct {
	const char *word;
	int (*run)(void);
} actions[] = {
	{ "sound", do_sound },       { "crash", do_crash },   { "hang", do_hang },
	{ "silent", do_silent },     { "status", do_status }, { "short", do_short },
	{ "small", do_small },       { "empty", do_empty },   { "name", do_name },
	{ "verified", do_verified }, { "words", do_words },   { "refused", do_refused },
	{ "memory", do_memory },     { "big", do_big },       { "unchanged", do_unchanged },
};

int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], "--version") != 0)
			continue;
		for (size_t k = 0; k < sizeof(actions) / sizeof(actions[0]); k++)
			if (strcmp(argv[i + 1], actions[k].word) == 0)
				return actions[k].run();
	}
	return 2;
}
