/*
 * fraud-train compare: two versions on the rows that neither has seen, as a retrain compares them,
 * and nothing is changed.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/option.h"
#include "command.h"
#include "contender.h"
#include "judge.h"
#include "verdict_report.h"

struct options {
	struct command_source from;
	bool json;
	const char *live, *candidate; /* live NULL: the alias */
};

static int parse_options(struct options *o, int argc, char **argv)
{
	const struct option_row rows[] = {
		COMMAND_SOURCE_ROWS(&o->from),
		{ "json", NULL, "the comparison as one JSON object", .flag = &o->json },
	};
	const struct option_command command = {
		.program = "fraud-train compare",
		.synopsis = "[LIVE] CANDIDATE [OPTION]...",
		.about = "Compares two versions (or aliases) on the rows of both holdouts that "
		         "neither has seen. LIVE is models.alias unless it is given.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.min_words = 1,
		.max_words = 2,
	};
	int first = option_parse(&command, argc, argv);

	if (first < 0)
		return first;
	o->live = argc - first == 2 ? argv[first] : NULL;
	o->candidate = argv[argc - 1];
	return 0;
}

static int print(const struct options *o, const struct judgement *j, const struct settings *s)
{
	struct strbuf out = { 0 };

	if (o->json) {
		verdict_report_json(j, s, &out);
		strbuf_addc(&out, '\n');
	} else {
		verdict_report_text(j, s, &out);
	}
	command_print(&out);
	return j->verdict.winner == WINNER_NONE ? EXIT_NO_VERDICT : EXIT_DONE;
}

static int open_by_name(struct contender *c, struct registry *registry, const char *words,
                        const struct settings *s, struct errbuf *err)
{
	struct registry_version version;
	int r = contender_find(registry, words, &version, err);

	return r == 0 ? contender_open(c, registry, &version, s, err) : r;
}

static int compare(const struct options *o, const struct settings *s, struct registry *registry)
{
	CLEANUP(contender_close_p) struct contender live = CONTENDER_NONE;
	CLEANUP(contender_close_p) struct contender candidate = CONTENDER_NONE;
	struct judgement judgement;
	struct errbuf err = { "" };
	int r = open_by_name(&live, registry, o->live ? o->live : s->models.alias, s, &err);

	if (r == 0)
		r = open_by_name(&candidate, registry, o->candidate, s, &err);
	if (r == 0)
		r = judge_versions(&live, &candidate, s, &judgement, &err);
	if (r == 0)
		return print(o, &judgement, s);
	command_failed("compare", r, &err);
	return r == -ENODATA ? EXIT_NO_VERDICT : command_status(r);
}

int command_compare(int argc, char **argv)
{
	struct options o = { 0 };
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	struct registry *registry;
	struct errbuf err;
	int r = parse_options(&o, argc, argv);

	if (r < 0)
		return command_usage(r);
	if (command_settings(&o.from, &settings) < 0)
		return EXIT_CONFIG;
	r = registry_new(NULL, settings, &registry, &err);
	if (r < 0)
		return command_failed("compare", r, &err);
	r = compare(&o, settings, registry);
	registry_free(registry);
	return r;
}
