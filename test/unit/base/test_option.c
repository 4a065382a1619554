/* Command lines as a table: what each gives, and the exact words of each refusal and of the help.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/option.h"
#include "base/str.h"
#include "capture.h"

/* What a command line sets, as one line of text for comparison. */
struct values {
	bool force;
	const char *in;
	unsigned long long rows;
	const char *set[2];
	size_t set_count;
};

static int parse(char **argv, struct values *v)
{
	const struct option_row rows[] = {
		{ .name = "force", .help = "do it whatever it takes", .flag = &v->force },
		{ .name = "in", .argument = "FILE", .help = "what to read", .text = &v->in },
		{ .name = "rows",
		  .argument = "N",
		  .help = "how many rows to make; a help text that is too long for one line of "
		          "eighty columns goes on below its own beginning",
		  .number = &v->rows },
		{ .name = "set",
		  .argument = "KEY=VALUE",
		  .help = "a parameter of the training",
		  .repeat = v->set,
		  .repeat_room = 2,
		  .repeat_count = &v->set_count },
		{ .name = "a-name-longer-than-the-column",
		  .argument = "SOMETHING",
		  .help = "stands on a line of its own",
		  .text = &v->in },
	};
	const struct option_command c = {
		.program = "demo",
		.synopsis = "[options] WORD [WORD]",
		.about = "Shows what a command line gives.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.min_words = 1,
		.max_words = 2,
	};
	int argc = 0;

	while (argv[argc])
		argc++;
	return option_parse(&c, argc, argv);
}

static int run(const void *argument)
{
	struct values v = { .rows = 7 };
	char *argv[10];
	int r;

	memcpy(argv, argument, sizeof(argv));
	r = parse(argv, &v);
	if (r == OPTION_ANSWERED)
		return 0;
	if (r < 0)
		return 2;
	printf("%d %s %llu", v.force, v.in ? v.in : "-", v.rows);
	for (size_t i = 0; i < v.set_count; i++)
		printf(" %s", v.set[i]);
	for (char **word = argv + r; *word; word++)
		printf(" (%s)", *word);
	return 0;
}

/* A command with a --version of its own: told once, and it takes its value. */
static int run_versioned(const void *argument)
{
	const char *version = "-";
	const struct option_row rows[] = {
		{ .name = "version", .argument = "V", .help = "of the model", .text = &version },
	};
	const struct option_command c = { .program = "demo",
		                          .synopsis = "[options]",
		                          .about = "Shows a version.",
		                          .rows = rows,
		                          .row_count = 1 };
	char *argv[10];
	int argc = 0, r;

	memcpy(argv, argument, sizeof(argv));
	while (argv[argc])
		argc++;
	r = option_parse(&c, argc, argv);
	if (r >= 0)
		printf("%s", version);
	return r < 0 && r != OPTION_ANSWERED ? 2 : 0;
}

static void command_lines(void **unused)
{
	static const struct {
		const char *argv[10];
		int status;
		const char *output;
	} cases[] = {
		{ { "demo", "w" }, 0, "0 - 7 (w)" },
		{ { "demo", "--force", "w", "x" }, 0, "1 - 7 (w) (x)" },
		{ { "demo", "w", "--in", "f", "--rows=12" }, 0, "0 f 12 (w)" },
		{ { "demo", "--set", "a=1", "w", "--set=b=2" }, 0, "0 - 7 a=1 b=2 (w)" },
		{ { "demo", "--", "--force" }, 0, "0 - 7 (--force)" },
		{ { "demo", "--in", "--force", "w" }, 0, "0 --force 7 (w)" },
		{ { "demo", "-" }, 0, "0 - 7 (-)" },
		{ { "demo", "--bad", "w" }, 2, "demo: unknown option \"--bad\"; see --help\n" },
		{ { "demo", "w", "x", "--bad" },
		  2,
		  "demo: unknown option \"--bad\"; see --help\n" },
		{ { "demo", "-xf", "w" }, 2, "demo: unknown option \"-x\"; see --help\n" },
		{ { "demo", "w", "-x" }, 2, "demo: unknown option \"-x\"; see --help\n" },
		{ { "demo", "w", "--in" }, 2, "demo: option \"--in\" needs a value; see --help\n" },
		{ { "demo", "--force=1", "w" },
		  2,
		  "demo: option \"--force=1\" takes no value; see --help\n" },
		{ { "demo", "--rows", "-1", "w" },
		  2,
		  "demo: --rows: \"-1\" is no whole number in range\n" },
		{ { "demo", "--rows", "1k", "w" },
		  2,
		  "demo: --rows: \"1k\" is no whole number in range\n" },
		{ { "demo", "--set", "a", "--set", "b", "--set", "c", "w" },
		  2,
		  "demo: --set: more than 2 times\n" },
		{ { "demo" },
		  2,
		  "demo: a word is missing: demo [options] WORD [WORD]; see --help\n" },
		{ { "demo", "w", "x", "y" }, 2, "demo: unexpected word \"y\"; see --help\n" },
		{ { "demo", "--version", "--bad" }, 0, "demo " FRAUDD_VERSION "\n" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char output[1024];
		int status = capture(run, cases[i].argv, output, sizeof(output));

		if (status != cases[i].status || strcmp(output, cases[i].output) != 0)
			fail_msg("case %zu: status %d, \"%s\"", i, status, output);
	}
}

static void help(void **unused)
{
	static const char *const argv[10] = { "demo", "--force", "--help" };
	static const char expected[] =
	        "usage: demo [options] WORD [WORD]\n"
	        "\n"
	        "Shows what a command line gives.\n"
	        "\n"
	        "  --force          do it whatever it takes\n"
	        "  --in FILE        what to read\n"
	        "  --rows N         how many rows to make; a help text that is too long for one\n"
	        "                   line of eighty columns goes on below its own beginning\n"
	        "  --set KEY=VALUE  a parameter of the training\n"
	        "  --a-name-longer-than-the-column SOMETHING\n"
	        "                   stands on a line of its own\n"
	        "  --help           say this and end\n"
	        "  --version        say the version and end\n";
	char output[2048];

	(void)unused;
	assert_int_equal(capture(run, argv, output, sizeof(output)), 0);
	assert_string_equal(output, expected);
}

static void own_version(void **unused)
{
	static const struct {
		const char *argv[10];
		int status;
		const char *output;
	} cases[] = {
		{ { "demo", "--version", "7" }, 0, "7" },
		{ { "demo", "--vers=7" }, 0, "7" },
		{ { "demo", "--version" },
		  2,
		  "demo: option \"--version\" needs a value; see --help\n" },
		{ { "demo", "--help" },
		  0,
		  "usage: demo [options]\n\nShows a version.\n\n  --version V  of the model\n"
		  "  --help       say this and end\n" },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char output[1024];
		int status = capture(run_versioned, cases[i].argv, output, sizeof(output));

		if (status != cases[i].status || strcmp(output, cases[i].output) != 0)
			fail_msg("case %zu: status %d, \"%s\"", i, status, output);
	}
}

/* glibc keeps its place between calls; a second command line must begin at its own start. */
static void twice_in_a_process(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < 2; i++) {
		struct values v = { 0 };
		char *argv[] = { "demo", "w", "--force", "--in", "f", NULL };

		assert_int_equal(parse(argv, &v), 4);
		assert_true(v.force);
		assert_string_equal(argv[4], "w");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines),
		cmocka_unit_test(help),
		cmocka_unit_test(own_version),
		cmocka_unit_test(twice_in_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
