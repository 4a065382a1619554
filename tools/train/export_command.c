/*
 * fraud-train export: a version that lies in a folder goes to MLflow, be it one whose upload failed
 * or one of the local models folder. It is proven first, as a loader would: nobody shall download
 * what cannot be served.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/option.h"
#include "command.h"
#include "contender.h"
#include "export.h"
#include "report.h"
#include "json/writer.h"

struct options {
	struct command_source from;
	const char *path, *name;
	bool json, quiet;
};

static int parse_options(struct options *o, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "name", "NAME", "registered name of the model (models.name)", .text = &o->name },
		COMMAND_SOURCE_ROWS(&o->from),
		{ "json", NULL, "the outcome as one JSON object on stdout", .flag = &o->json },
		{ "quiet", NULL, "no progress", .flag = &o->quiet },
	};
	const struct option_command command = {
		.program = "fraud-train export",
		.synopsis = "FOLDER [OPTION]...",
		.about = "Uploads the version in FOLDER to MLflow and registers it. No alias "
		         "changes.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
		.min_words = 1,
		.max_words = 1,
	};
	int first = option_parse(&command, argc, argv);

	if (first < 0)
		return first;
	o->path = argv[first];
	return 0;
}

static int print(const struct options *o, const struct exported *x, const struct settings *s)
{
	struct strbuf out = { 0 };
	struct json_writer w = { .out = &out };

	if (o->json) {
		json_begin_object(&w);
		json_write_name(&w, "status");
		json_write_text(&w, STR("exported"));
		report_exported_json(&w, s->models.name, x);
		json_end_object(&w);
		strbuf_addc(&out, '\n');
	} else {
		report_exported_text(s->models.name, x, &out);
	}
	command_print(&out);
	return EXIT_DONE;
}

static int export(const struct options *o, const struct settings *s, struct registry *registry,
                  struct exported *ret, struct errbuf *err)
{
	struct export x = { .settings = s, .registry = registry, .quiet = o->quiet };
	char version[REGISTRY_TEXT];
	CLEANUP(free_p) char *path = realpath(o->path, NULL);
	int r;

	if (!path)
		return errbuf_set(err, -errno, "could not open \"%s\": %s", o->path,
		                  strerror(errno));
	r = contender_prove_folder(path, s, version, err);
	if (r == 0)
		r = export_prepare(&x, err);
	if (r == 0)
		r = export_version(&x, path, version, ret, err);
	if (r == 0)
		export_clear(&x, path);
	return r;
}

static int run(const struct options *o, const struct settings *s)
{
	struct registry *registry = NULL;
	struct exported exported;
	struct errbuf err = { "" };
	int r = registry_new(NULL, s, &registry, &err);

	if (r == 0)
		r = export(o, s, registry, &exported, &err);
	registry_free(registry);
	return r == 0 ? print(o, &exported, s) : command_failed("export", r, &err);
}

int command_export(int argc, char **argv)
{
	struct options o = { 0 };
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	struct settings named;
	int r = parse_options(&o, argc, argv);

	if (r < 0)
		return command_usage(r);
	if (command_settings(&o.from, &settings) < 0)
		return EXIT_CONFIG;
	r = command_want_mlflow("export", settings);
	if (r)
		return r;
	named = *settings;
	if (o.name)
		named.models.name = o.name;
	return run(&o, &named);
}
