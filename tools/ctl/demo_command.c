/*
 * `fraudctl demo`: generator, sink, progress and a summary, each of which stands for itself. The
 * summary names the ceiling, so that a model's figures can be judged: nobody can do better on these
 * rows than the generator's own probabilities.
 *
 * Called by main.c through its table.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/option.h"
#include "base/progress.h"
#include "command.h"
#include "db/db.h"
#include "db/migrate.h"
#include "demo_ceiling.h"
#include "demo_csv.h"
#include "demo_database.h"
#include "demo_follow.h"
#include "demo_generate.h"
#include "json/writer.h"

struct demo_totals {
	uint64_t rows, frauds, labels;
	uint64_t kind_rows[DEMO_KIND_MAX], kind_frauds[DEMO_KIND_MAX];
	int64_t first_us, last_us;
	struct demo_ceiling ceiling;
	double seconds;
};

struct demo_request {
	struct demo_options options;
	unsigned long long rate;
	const char *csv, *database, *config, *until;
	bool json, quiet, follow;
};

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
	(void)number;
	stop_wanted = 1;
}

static void count_row(struct demo_totals *t, const struct demo_row *row)
{
	if (t->rows == 0)
		t->first_us = row->create_us;
	t->last_us = row->create_us;
	t->rows++;
	t->frauds += row->fraud;
	t->labels += row->labelled;
	t->kind_rows[row->kind]++;
	t->kind_frauds[row->kind] += row->fraud;
	demo_ceiling_add(&t->ceiling, row->risk, row->fraud);
}

/* One of the two is set. */
struct sink {
	struct demo_csv *csv;
	struct demo_database *database;
};

static int write_row(const struct sink *s, const struct demo_row *row, struct errbuf *err)
{
	return s->csv ? demo_csv_write(s->csv, row, err)
	              : demo_database_write(s->database, row, err);
}

static int generate(const struct demo_request *q, const struct sink *s, struct demo_totals *t,
                    struct errbuf *err)
{
	CLEANUP(demo_free_p) struct demo *demo = NULL;
	struct demo_row row;
	struct progress progress;
	int r = demo_new(&q->options, &demo);

	if (r < 0)
		return errbuf_set(err, r, "could not start the generator: %s", strerror(-r));
	progress_start(&progress, "demo rows", "rows", q->options.rows, q->quiet);
	while ((r = demo_next(demo, &row)) > 0) {
		count_row(t, &row);
		r = write_row(s, &row, err);
		if (r < 0)
			return r;
		progress_at(&progress, t->rows);
	}
	progress_end(&progress, t->rows);
	return r < 0 ? errbuf_set(err, r, "out of memory") : 0;
}

static int to_csv(const struct demo_request *q, struct demo_totals *t, struct errbuf *err)
{
	struct sink s = { 0 };
	int r = demo_csv_open(q->csv, &s.csv, err);

	if (r < 0)
		return r;
	r = generate(q, &s, t, err);
	if (r < 0) {
		demo_csv_abort(s.csv);
		return r;
	}
	return demo_csv_finish(s.csv, err);
}

static int open_tables(const struct demo_request *q, struct db **ret, struct errbuf *err)
{
	const struct migrate_options files = { embedded_migrations, embedded_migration_count, NULL,
		                               NULL };
	int r = command_open_database(q->database, q->config, ret, err);

	return r < 0 ? r : migrate_run(*ret, &files, err);
}

static void on_row(void *self, const struct demo_row *row)
{
	count_row(self, row);
}

/* Ctrl-C ends it well: what was inserted is summed up. */
static int follow(const struct demo_request *q, struct demo_totals *t, struct errbuf *err)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	const struct demo_follow f = { .rows = q->options.rows,
		                       .seed = q->options.seed,
		                       .rate = (unsigned)q->rate,
		                       .quiet = q->quiet,
		                       .stop = &stop_wanted };
	CLEANUP(db_close_p) struct db *db = NULL;
	int r = open_tables(q, &db, err);

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return r < 0 ? r : demo_follow(db, &f, on_row, t, err);
}

static int to_database(const struct demo_request *q, struct demo_totals *t, struct errbuf *err)
{
	CLEANUP(db_close_p) struct db *db = NULL;
	struct sink s = { 0 };
	int r = open_tables(q, &db, err);

	if (r >= 0)
		r = demo_database_open(db, &s.database, err);
	if (r < 0)
		return r;
	r = generate(q, &s, t, err);
	if (r < 0) {
		demo_database_abort(s.database);
		return r;
	}
	return demo_database_finish(s.database, err);
}

/* --- the summary --- */

static void print_text(const struct demo_request *q, const struct demo_totals *t)
{
	FILE *out = q->csv && !strcmp(q->csv, "-") ? stderr : stdout;
	char from[21], until[21];
	int k;

	civil_print_utc(t->first_us, from);
	civil_print_utc(t->last_us, until);
	fprintf(out, "%ju rows from %s to %s in %.1f s, seed %ju\n", (uintmax_t)t->rows, from,
	        until, t->seconds, (uintmax_t)q->options.seed);
	fprintf(out, "%ju frauds (%.2f %%), %ju labels\n\n", (uintmax_t)t->frauds,
	        100.0 * (double)t->frauds / (double)t->rows, (uintmax_t)t->labels);
	fprintf(out, "%-14s %10s %10s\n", "kind", "rows", "fraud");
	for (k = 0; k < DEMO_KIND_MAX; k++)
		fprintf(out, "%-14s %10ju %10ju\n", demo_kind_names[k], (uintmax_t)t->kind_rows[k],
		        (uintmax_t)t->kind_frauds[k]);
	fprintf(out, "\nceiling of any model: ROC-AUC %.4f, average precision %.4f\n",
	        demo_ceiling_roc_auc(&t->ceiling), demo_ceiling_average_precision(&t->ceiling));
}

static void write_kinds(struct json_writer *w, const struct demo_totals *t)
{
	int k;

	json_begin_object(w);
	for (k = 0; k < DEMO_KIND_MAX; k++) {
		json_write_name(w, demo_kind_names[k]);
		json_begin_object(w);
		json_write_name(w, "rows");
		json_write_unsigned(w, t->kind_rows[k]);
		json_write_name(w, "frauds");
		json_write_unsigned(w, t->kind_frauds[k]);
		json_end_object(w);
	}
	json_end_object(w);
}

static void write_summary(struct json_writer *w, const struct demo_request *q,
                          const struct demo_totals *t)
{
	char from[21], until[21];

	civil_print_utc(t->first_us, from);
	civil_print_utc(t->last_us, until);
	json_begin_object(w);
	json_write_name(w, "rows");
	json_write_unsigned(w, t->rows);
	json_write_name(w, "seed");
	json_write_unsigned(w, q->options.seed);
	json_write_name(w, "first");
	json_write_text(w, str_of(from));
	json_write_name(w, "last");
	json_write_text(w, str_of(until));
	json_write_name(w, "frauds");
	json_write_unsigned(w, t->frauds);
	json_write_name(w, "labels");
	json_write_unsigned(w, t->labels);
	json_write_name(w, "kinds");
	write_kinds(w, t);
	json_write_name(w, "ceiling_roc_auc");
	json_write_double(w, demo_ceiling_roc_auc(&t->ceiling));
	json_write_name(w, "ceiling_average_precision");
	json_write_double(w, demo_ceiling_average_precision(&t->ceiling));
	json_write_name(w, "seconds");
	json_write_double(w, t->seconds);
	json_end_object(w);
}

static int print_json(const struct demo_request *q, const struct demo_totals *t)
{
	struct strbuf text = { 0 };
	struct json_writer w = { &text, false };
	int r;

	write_summary(&w, q, t);
	strbuf_addc(&text, '\n');
	r = strbuf_error(&text);
	if (r == 0)
		fputs(text.p, q->csv && !strcmp(q->csv, "-") ? stderr : stdout);
	strbuf_done(&text);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

/* --- the command line --- */

/* "2026-11-22" as the instant it begins; none: today. */
static int parse_until(const char *text, int64_t *ret)
{
	int year, month, day, end = 0;

	if (!text) {
		*ret = clock_real_us() / CIVIL_DAY_US * CIVIL_DAY_US;
		return 0;
	}
	if (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &end) != 3 || text[end] ||
	    year < 1980 || year > 9000 || month < 1 || day < 1 ||
	    !civil_is_date(year, (unsigned)month, (unsigned)day))
		return -EINVAL;
	*ret = civil_to_days(year, (unsigned)month, (unsigned)day) * CIVIL_DAY_US;
	return 0;
}

static int check_request(const struct demo_request *q)
{
	if (q->csv && q->database)
		fputs("fraudctl demo: --csv and --database exclude each other\n", stderr);
	else if (q->csv && q->follow)
		fputs("fraudctl demo: --csv and --follow exclude each other\n", stderr);
	else if (q->until && q->follow)
		fputs("fraudctl demo: --until and --follow exclude each other\n", stderr);
	else if (q->options.rows == 0 || q->options.rows > DEMO_MAX_ROWS)
		fprintf(stderr, "fraudctl demo: --rows must be 1 to %ju\n",
		        (uintmax_t)DEMO_MAX_ROWS);
	else if (q->rate == 0 || q->rate > DEMO_MAX_RATE)
		fprintf(stderr, "fraudctl demo: --rate must be 1 to %d\n", DEMO_MAX_RATE);
	else if (parse_until(q->until, &(int64_t){ 0 }) < 0)
		fprintf(stderr, "fraudctl demo: --until \"%s\" is no date (2026-11-22)\n",
		        q->until);
	else
		return 0;
	return -EINVAL;
}

static int make_rows(const struct demo_request *q, struct demo_totals *t, struct errbuf *err)
{
	if (q->follow)
		return follow(q, t, err);
	return q->csv ? to_csv(q, t, err) : to_database(q, t, err);
}

static int run(const struct demo_request *q, struct demo_totals *t)
{
	uint64_t began = clock_mono_ns();
	struct errbuf err;
	int r = make_rows(q, t, &err);

	if (r < 0)
		return command_failed("demo", &err);
	t->seconds = (double)(clock_mono_ns() - began) / 1e9;
	if (t->rows == 0) /* stopped before the first */
		return EXIT_DONE;
	if (q->json)
		return print_json(q, t);
	print_text(q, t);
	return EXIT_DONE;
}

static int parse(int argc, char **argv, struct demo_request *q)
{
	unsigned long long rows = 100000, seed = 1;
	const struct option_row options[] = {
		{ .name = "rows",
		  .argument = "N",
		  .number = &rows,
		  .help = "remittances to make (100000)" },
		{ .name = "seed",
		  .argument = "S",
		  .number = &seed,
		  .help = "same seed, same rows (1)" },
		{ .name = "until",
		  .argument = "DATE",
		  .text = &q->until,
		  .help = "the year of data ends here (today)" },
		{ .name = "csv",
		  .argument = "FILE",
		  .text = &q->csv,
		  .help = "write a CSV file with the column label, - for standard output" },
		{ .name = "database",
		  .argument = "URL",
		  .text = &q->database,
		  .help = "fill this database (database.url of the settings)" },
		{ .name = "follow",
		  .flag = &q->follow,
		  .help = "add rows that happen now to those that are there" },
		{ .name = "rate",
		  .argument = "N",
		  .number = &q->rate,
		  .help = "with --follow: so many a second (10)" },
		{ .name = "config",
		  .argument = "FILE",
		  .text = &q->config,
		  .help = "settings file" },
		{ .name = "json", .flag = &q->json, .help = "print the summary as JSON" },
		{ .name = "quiet", .flag = &q->quiet, .help = "no progress" },
	};
	const struct option_command c = {
		.program = "fraudctl demo",
		.synopsis = "[--rows N] [--seed S] [--csv FILE | [--follow] --database URL]",
		.about = "Makes a year of remittances by a seeded population, "
		         "five kinds of fraud among them.",
		.rows = options,
		.row_count = sizeof(options) / sizeof(options[0]),
	};
	int r = option_parse(&c, argc, argv);

	q->options.rows = rows;
	q->options.seed = seed;
	return r;
}

int command_demo(int argc, char **argv)
{
	struct demo_request q = { .rate = 10 };
	struct demo_totals *totals;
	int r = parse(argc, argv, &q);

	if (r < 0)
		return command_usage(r);
	if (check_request(&q) < 0)
		return EXIT_USAGE;
	(void)parse_until(q.until, &q.options.until_us);
	totals = calloc(1, sizeof(*totals));
	r = totals ? run(&q, totals) : EXIT_FAILED;
	free(totals);
	return r;
}
