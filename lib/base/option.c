/*
 * Every program of the suite reads its command line here, so that --help looks the same and a
 * misspelt word is refused the same way everywhere. The table is turned into getopt_long's array on
 * the stack; nothing is kept. Called once by each main().
 */
#include "base/option.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "base/str.h"

#define WIDTH 80
/* The texts begin here, or further right if all names are longer; a longer name has its own line.
 */
#define HELP_COLUMN_MAX 32
#define ROWS_MAX 64

/* getopt_long's values: the index of a row, or one of these. */
enum { VALUE_ROW = 0x100, VALUE_HELP = 0x1000, VALUE_VERSION = 0x1001 };

static int name_width(const struct option_row *row)
{
	size_t n = 4 + strlen(row->name) + (row->argument ? 1 + strlen(row->argument) : 0);

	return (int)n;
}

/* Words from column `column` on; the caller has printed `at` columns of the line. */
static void print_wrapped(const char *text, int column, int at)
{
	while (*text) {
		int n = (int)strcspn(text, " \n");

		if (at > column && at + 1 + n > WIDTH) {
			putchar('\n');
			at = 0;
		}
		if (at > column) {
			putchar(' ');
			at++;
		}
		printf("%*s%.*s", at < column ? column - at : 0, "", n, text);
		at = (at < column ? column : at) + n;
		text += n;
		text += strspn(text, " \n");
	}
	putchar('\n');
}

static void print_row(const struct option_row *row, int column)
{
	int at = printf("  --%s%s%s", row->name, row->argument ? " " : "",
	                row->argument ? row->argument : "");

	if (at + 2 > column) {
		putchar('\n');
		at = 0;
	}
	print_wrapped(row->help, column, at);
}

/* --version is a command's own where its rows have one: that of a model, say. */
static bool has_own_version(const struct option_command *c)
{
	for (size_t i = 0; i < c->row_count; i++) {
		if (strcmp(c->rows[i].name, "version") == 0)
			return true;
	}
	return false;
}

static void print_help(const struct option_command *c)
{
	static const struct option_row help = { .name = "help", .help = "say this and end" };
	static const struct option_row version = { .name = "version",
		                                   .help = "say the version and end" };
	int column = name_width(&version) + 2;

	for (size_t i = 0; i < c->row_count; i++) {
		int width = name_width(&c->rows[i]) + 2;

		if (width > column && width <= HELP_COLUMN_MAX)
			column = width;
	}
	printf("usage: %s %s\n\n", c->program, c->synopsis);
	print_wrapped(c->about, 0, 0);
	putchar('\n');
	for (size_t i = 0; i < c->row_count; i++)
		print_row(&c->rows[i], column);
	print_row(&help, column);
	if (!has_own_version(c))
		print_row(&version, column);
}

static void answer(const struct option_command *c, int value)
{
	if (value == VALUE_HELP)
		print_help(c);
	else
		printf("%s %s\n", c->program, FRAUDD_VERSION);
}

static int fill(const struct option_command *c, struct option *ret)
{
	struct option *o = ret;

	if (c->row_count > ROWS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < c->row_count; i++) {
		int argument = c->rows[i].argument ? required_argument : no_argument;

		*o++ = (struct option){ c->rows[i].name, argument, NULL, VALUE_ROW + (int)i };
	}
	*o++ = (struct option){ "help", no_argument, NULL, VALUE_HELP };
	if (!has_own_version(c))
		*o++ = (struct option){ "version", no_argument, NULL, VALUE_VERSION };
	*o = (struct option){ 0 };
	return 0;
}

static int store(const struct option_command *c, const struct option_row *row, const char *value)
{
	if (row->flag)
		*row->flag = true;
	if (row->text)
		*row->text = value;
	if (row->number && str_to_u64(str_of(value), row->number) < 0) {
		fprintf(stderr, "%s: --%s: \"%s\" is no whole number in range\n", c->program,
		        row->name, value);
		return -EINVAL;
	}
	if (row->repeat) {
		if (*row->repeat_count == row->repeat_room) {
			fprintf(stderr, "%s: --%s: more than %zu times\n", c->program, row->name,
			        row->repeat_room);
			return -EINVAL;
		}
		row->repeat[(*row->repeat_count)++] = value;
	}
	return 0;
}

/* There are no short options, so a refused one is known by its letter; of a long one getopt_long
 * tells nothing, but has moved just past it. */
static int refuse(const struct option_command *c, char **argv, int value)
{
	const char *word = argv[optind - 1];

	if (value == ':')
		fprintf(stderr, "%s: option \"%s\" needs a value; see --help\n", c->program, word);
	else if (optopt >= VALUE_ROW)
		fprintf(stderr, "%s: option \"%s\" takes no value; see --help\n", c->program, word);
	else if (optopt)
		fprintf(stderr, "%s: unknown option \"-%c\"; see --help\n", c->program, optopt);
	else
		fprintf(stderr, "%s: unknown option \"%s\"; see --help\n", c->program, word);
	return -EINVAL;
}

static int check_words(const struct option_command *c, int count, char **words)
{
	if ((size_t)count < c->min_words) {
		fprintf(stderr, "%s: a word is missing: %s %s; see --help\n", c->program,
		        c->program, c->synopsis);
		return -EINVAL;
	}
	if ((size_t)count > c->max_words) {
		fprintf(stderr, "%s: unexpected word \"%s\"; see --help\n", c->program,
		        words[c->max_words]);
		return -EINVAL;
	}
	return 0;
}

int option_parse(const struct option_command *c, int argc, char **argv)
{
	struct option options[ROWS_MAX + 3];
	int value, r;

	r = fill(c, options);
	if (r < 0)
		return r;
	optind = 0; /* glibc: begin anew, a program may parse twice */
	opterr = 0;
	while ((value = getopt_long(argc, argv, ":", options, NULL)) >= 0) {
		if (value == '?' || value == ':')
			return refuse(c, argv, value);
		if (value == VALUE_HELP || value == VALUE_VERSION) {
			answer(c, value);
			return OPTION_ANSWERED;
		}
		r = store(c, &c->rows[value - VALUE_ROW], optarg);
		if (r < 0)
			return r;
	}
	r = check_words(c, argc - optind, argv + optind);
	return r < 0 ? r : optind;
}
