/*
 * The parts of `fraudctl user` and `fraudctl token` that are the same. Both work on the database
 * alone and tell the workers of all hosts by NOTIFY within the statement that changes something:
 * what it is about, then what was done and by whom, which a suite writes into its log. So they need
 * no running suite.
 *
 * Called by user_command.c and token_command.c.
 */
#include "accounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/option.h"
#include "base/strbuf.h"
#include "command.h"
#include "json/writer.h"

/* url: as given, else of the settings (config as for command_settings()). */
static int open_session(struct accounts *a, const char *url, const char *config, struct errbuf *err)
{
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	int r = command_settings(config, &settings);

	if (r < 0)
		return errbuf_set(err, r, "the settings cannot be used");
	a->hash_cost = settings->auth.hash_cost;
	snprintf(a->by, sizeof(a->by), " by uid %u with fraudctl", (unsigned)getuid());
	return command_open_database(url, config, &a->db, err);
}

static void close_session(struct accounts *a)
{
	db_close(a->db);
}

static const struct accounts_verb *find_verb(const struct accounts_verb *verbs, size_t count,
                                             char **words, struct errbuf *err)
{
	unsigned given = 0;

	while (words[given + 1])
		given++;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(verbs[i].name, words[0]) != 0)
			continue;
		if (given >= verbs[i].min_words && given <= verbs[i].max_words)
			return &verbs[i];
		errbuf_set(err, 0, "\"%s\" takes %u to %u words; see --help", words[0],
		           verbs[i].min_words, verbs[i].max_words);
		return NULL;
	}
	errbuf_set(err, 0, "there is no \"%s\"; see --help", words[0]);
	return NULL;
}

/* --- roles --- */

static bool is_role(struct str word)
{
	return str_is(word, "score") || str_is(word, "operate") || str_is(word, "admin");
}

int accounts_parse_roles(const char *text, char buffer[ACCOUNTS_ROLES_SIZE], const char **ret,
                         struct errbuf *err)
{
	const char *at = text;

	*ret = NULL;
	if (strcmp(text, "all") == 0)
		return 0;
	for (; strcmp(text, "none") != 0;) {
		struct str word = { at, strcspn(at, ",") };

		if (!is_role(word))
			return errbuf_set(err, -EINVAL,
			                  "\"%.*s\" is no role; there are score, operate and admin "
			                  "(with commas), all, none",
			                  STR_ARGS(word));
		if (!at[word.n])
			break;
		at += word.n + 1;
	}
	if (strlen(text) + 3 > ACCOUNTS_ROLES_SIZE)
		return errbuf_set(err, -EINVAL, "too many roles");
	snprintf(buffer, ACCOUNTS_ROLES_SIZE, "{%s}", strcmp(text, "none") ? text : "");
	*ret = buffer;
	return 0;
}

/* --- rows --- */

static void show_json(const struct pg_result *rows, size_t row)
{
	struct strbuf line = { 0 };
	struct json_writer w = { .out = &line };

	json_begin_object(&w);
	for (size_t i = 0; i < db_columns(rows); i++) {
		json_write_name(&w, db_column_name(rows, i));
		if (db_is_null(rows, row, i))
			json_write_null(&w);
		else
			json_write_text(&w, db_text(rows, row, i));
	}
	json_end_object(&w);
	if (!strbuf_error(&line))
		puts(line.p);
	strbuf_done(&line);
}

static size_t width_of(const struct pg_result *rows, size_t column)
{
	size_t width = strlen(db_column_name(rows, column));

	for (size_t i = 0; i < db_rows(rows); i++) {
		size_t n = db_text(rows, i, column).n;

		width = n > width ? n : width;
	}
	return width;
}

/* A name may hold anything; a terminal must not obey it. */
static void show_cell(struct str text, size_t width)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		putchar(c < 0x20 || c == 0x7f ? '?' : c);
	}
	for (size_t i = text.n; i < width; i++)
		putchar(' ');
}

static void show_table(const struct pg_result *rows)
{
	size_t columns = db_columns(rows);

	for (size_t i = 0; i < columns; i++) {
		bool last = i + 1 == columns;

		show_cell(str_of(db_column_name(rows, i)), last ? 0 : width_of(rows, i) + 2);
	}
	putchar('\n');
	for (size_t row = 0; row < db_rows(rows); row++) {
		for (size_t i = 0; i < columns; i++) {
			bool last = i + 1 == columns;

			show_cell(db_text(rows, row, i), last ? 0 : width_of(rows, i) + 2);
		}
		putchar('\n');
	}
}

void accounts_show(const struct accounts *a, const struct pg_result *rows)
{
	if (!a->json) {
		show_table(rows);
		return;
	}
	for (size_t i = 0; i < db_rows(rows); i++)
		show_json(rows, i);
}

/* Of the verb with the most words, and the verb itself. */
static size_t max_words(const struct accounts_command *c)
{
	size_t most = 0;

	for (size_t i = 0; i < c->verb_count; i++)
		most = c->verbs[i].max_words > most ? c->verbs[i].max_words : most;
	return most + 1;
}

int accounts_run(const struct accounts_command *c, int argc, char **argv)
{
	CLEANUP(close_session) struct accounts a = { 0 };
	const char *url = NULL, *config = NULL;
	const struct option_row rows[] = {
		{ .name = "database",
		  .argument = "URL",
		  .text = &url,
		  .help = "this database (database.url of the settings)" },
		{ .name = "config", .argument = "FILE", .text = &config, .help = "settings file" },
		{ .name = "json", .flag = &a.json, .help = "list as one JSON object a line" },
	};
	const struct option_command command = {
		.program = c->program,
		.synopsis = c->synopsis,
		.about = c->about,
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.min_words = 1,
		.max_words = max_words(c),
	};
	const struct accounts_verb *verb;
	struct errbuf err;
	int first = option_parse(&command, argc, argv);
	int r;

	if (first < 0)
		return command_usage(first);
	verb = find_verb(c->verbs, c->verb_count, argv + first, &err);
	if (!verb) {
		command_failed(c->name, &err);
		return EXIT_USAGE;
	}
	r = open_session(&a, url, config, &err);
	if (r == 0)
		r = verb->run(&a, argv + first + 1, &err);
	return r < 0 ? command_failed(c->name, &err) : EXIT_DONE;
}
