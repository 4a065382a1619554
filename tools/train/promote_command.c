/*
 * fraud-train promote: a version by hand in the place of the live one. The same rules as for a
 * retrain hold; --force goes over the comparison and its guards with a reason that is kept.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/option.h"
#include "command.h"
#include "contender.h"
#include "promotion.h"
#include "verdict_report.h"

#define MAX_REASON 120

struct options {
	struct command_source from;
	const char *force, *version;
	bool dry_run, json;
};

static int parse_options(struct options *o, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "force", "REASON", "promote whatever the comparison says; the reason is kept",
		  .text = &o->force },
		{ "dry-run", NULL, "say what would come of it, change no alias",
		  .flag = &o->dry_run },
		COMMAND_SOURCE_ROWS(&o->from),
		{ "json", NULL, "the outcome as one JSON object", .flag = &o->json },
	};
	const struct option_command command = {
		.program = "fraud-train promote",
		.synopsis = "VERSION [OPTION]...",
		.about = "Has the alias name this version, if it wins against the live one and no "
		         "guard speaks against it, and waits until all hosts serve it.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.min_words = 1,
		.max_words = 1,
	};
	int first = option_parse(&command, argc, argv);

	if (first < 0)
		return first;
	o->version = argv[first];
	return 0;
}

static int exit_status(const struct promotion *p)
{
	switch (p->outcome) {
	case PROMOTION_DONE:
		return p->followed ? EXIT_DONE : EXIT_NOT_LIVE;
	case PROMOTION_POSSIBLE:
	case PROMOTION_UNCHANGED:
		return EXIT_DONE;
	case PROMOTION_NO_VERDICT:
		return EXIT_NO_VERDICT;
	case PROMOTION_KEPT:
	case PROMOTION_REFUSED:
	case PROMOTION_PINNED:
	case PROMOTION_OUTCOME_MAX:
		break;
	}
	return EXIT_REFUSED;
}

static int print(const struct options *o, const struct promotion *p, const struct settings *s)
{
	struct strbuf out = { 0 };

	if (o->json) {
		promotion_report_json(p, s, &out);
		strbuf_addc(&out, '\n');
	} else {
		promotion_report_text(p, s, &out);
	}
	command_print(&out);
	return exit_status(p);
}

static int promote(const struct options *o, const struct settings *s, struct registry *registry)
{
	struct registry_version version;
	struct promotion_request q = { .settings = s,
		                       .registry = registry,
		                       .candidate = &version,
		                       .force = o->force,
		                       .judge_only = o->dry_run };
	struct promotion outcome;
	struct errbuf err = { "" };
	int r = contender_find(registry, o->version, &version, &err);

	if (r == 0)
		r = promotion_run(&q, &outcome, &err);
	return r == 0 ? print(o, &outcome, s) : command_failed("promote", r, &err);
}

int command_promote(int argc, char **argv)
{
	struct options o = { 0 };
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	struct registry *registry;
	struct errbuf err;
	int r = parse_options(&o, argc, argv);

	if (r < 0)
		return command_usage(r);
	if (o.force && (!*o.force || strlen(o.force) > MAX_REASON)) {
		fputs("fraud-train promote: --force wants a reason of 1 to 120 bytes\n", stderr);
		return EXIT_USAGE;
	}
	if (command_settings(&o.from, &settings) < 0)
		return EXIT_CONFIG;
	r = registry_new(NULL, settings, &registry, &err);
	if (r < 0)
		return command_failed("promote", r, &err);
	r = promote(&o, settings, registry);
	registry_free(registry);
	return r;
}
