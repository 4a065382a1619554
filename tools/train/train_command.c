/*
 * fraud-train train: rows in, a model version out. A window that cannot teach anything is skipped
 * with a warning and status 0, because a retrain at night must not look like a failure.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/option.h"
#include "command.h"
#include "export.h"
#include "report.h"
#include "stages.h"
#include "json/writer.h"

struct options {
	struct stages_options stages;
	struct command_source from;
	bool from_database, json, mlflow;
};

static int parse_options(struct options *o, int argc, char **argv)
{
	struct stages_options *s = &o->stages;
	const struct option_row rows[] = {
		{ "data", "FILE", "CSV file with the inputs and the column label",
		  .text = &s->data },
		{ "from-database", NULL, "rows by the query of the training window",
		  .flag = &o->from_database },
		{ "from", "TIME", "begin of the window (until minus retrain.window_months)",
		  .text = &s->window.from },
		{ "until", "TIME", "labels end (now); rows, retrain.label_delay_seconds earlier",
		  .text = &s->window.until },
		{ "query", "FILE", "SQL of the window (retrain.source)", .text = &s->window.query },
		{ "fraud-seqs", "FILE", "CSV file with the keys of all frauds (retrain.fraud_seqs)",
		  .text = &s->window.fraud_seqs },
		{ "program", "FILE", "feature program (train.program)", .text = &s->program },
		{ "reasons", "FILE", "texts of reasons (reasons.yaml beside the program)",
		  .text = &s->reasons },
		{ "models", "DIR", "folder of all models (models.dir)", .text = &s->models },
		{ "name", "NAME", "name of the model (models.name)", .text = &s->name },
		{ "version", "V", "name of the version, YYYYMMDD-HHMMSS (the time, UTC)",
		  .text = &s->version },
		{ "mlflow", NULL, "end at once unless mlflow.tracking_uri is set",
		  .flag = &o->mlflow },
		COMMAND_SOURCE_ROWS(&o->from),
		{ "json", NULL, "the outcome as one JSON object on stdout", .flag = &o->json },
		{ "quiet", NULL, "no progress", .flag = &s->quiet },
	};
	const struct option_command command = {
		.program = "fraud-train train",
		.synopsis = "--data FILE | --from-database [OPTION]...",
		.about = "Trains a model version and writes it below the models folder, or, with "
		         "mlflow.tracking_uri and without --models, registers it in MLflow.",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
	};

	return option_parse(&command, argc, argv);
}

static int trained(const struct options *o, const struct stages *s, const struct exported *x)
{
	const struct training training = stages_training(s);
	const struct report_place place = { s->path, x };
	struct strbuf out = { 0 };

	if (o->json)
		report_outcome_json(&training, &place, &out);
	else
		report_outcome_text(&training, &place, &out);
	command_print(&out);
	return EXIT_DONE;
}

static int skipped(const struct options *o, const struct stages *s)
{
	struct strbuf out = { 0 };
	struct json_writer w = { .out = &out };

	log_warning(0, "training skipped: %s", s->err.text);
	if (!o->json)
		return EXIT_DONE;
	json_begin_object(&w);
	json_write_name(&w, "status");
	json_write_text(&w, STR("skipped"));
	json_write_name(&w, "reason");
	json_write_text(&w, str_of(s->err.text));
	json_end_object(&w);
	strbuf_addc(&out, '\n');
	command_print(&out);
	return EXIT_DONE;
}

/* x NULL: the version is where it shall be. */
static int train(const struct options *o, const struct settings *settings, struct export *x)
{
	struct stages_options options = o->stages;
	struct exported exported;
	struct stages s;
	int r;

	if (x) {
		options.folder = x->folder;
		options.is_taken = export_is_taken;
		options.taken_self = x;
	}
	stages_init(&s, &options, settings);
	r = stages_run(&s);
	if (r == 0 && x)
		r = export_version(x, s.path, s.version, &exported, &s.err);
	if (r == 0 && x)
		export_clear(x, s.path);
	if (r == 0)
		r = trained(o, &s, x ? &exported : NULL);
	else if (r == -ENODATA && !s.path)
		r = skipped(o, &s);
	else
		r = command_failed("train", r, &s.err);
	stages_done(&s);
	return r;
}

static int train_and_export(const struct options *o, const struct settings *s,
                            struct registry *registry)
{
	struct export x = { .settings = s, .registry = registry, .quiet = o->stages.quiet };
	struct errbuf err = { "" };
	int r = export_prepare(&x, &err);

	if (r < 0)
		return command_failed("train", r, &err);
	export_tidy(&x, UINT_MAX);
	return train(o, s, &x);
}

/* --models says that the version is wanted in a folder, whatever the registry is. */
static int run(const struct options *o, const struct settings *settings)
{
	struct settings named = *settings;
	struct registry *registry;
	struct errbuf err;
	int r;

	if (o->stages.models || !*settings->mlflow.tracking_uri)
		return train(o, settings, NULL);
	if (o->stages.name)
		named.models.name = o->stages.name;
	r = registry_new(NULL, &named, &registry, &err);
	if (r < 0)
		return command_failed("train", r, &err);
	r = train_and_export(o, &named, registry);
	registry_free(registry);
	return r;
}

int command_train(int argc, char **argv)
{
	struct options o = { 0 };
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	int r = parse_options(&o, argc, argv);

	if (r < 0)
		return command_usage(r);
	if (!o.stages.data == !o.from_database) {
		fputs("fraud-train train: give --data FILE or --from-database, one of them\n",
		      stderr);
		return EXIT_USAGE;
	}
	if (o.mlflow && o.stages.models) {
		fputs("fraud-train train: give --mlflow or --models DIR, not both\n", stderr);
		return EXIT_USAGE;
	}
	if (command_settings(&o.from, &settings) < 0)
		return EXIT_CONFIG;
	r = o.mlflow ? command_want_mlflow("train", settings) : 0;
	return r ? r : run(&o, settings);
}
