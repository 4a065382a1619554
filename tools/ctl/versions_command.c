/*
 * `fraudctl versions`: what the registry has of the model, newest first, with the aliases that name
 * each, and for versions of a folder the figures of their manifests. One that cannot be read is
 * listed with the reason: an operator looks here when a version does not go live. Figures of an
 * MLflow server's versions are shown by the server itself: here they would cost a download each.
 *
 * Called by main.c through its table.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/civil.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/option.h"
#include "command.h"
#include "registry/registry.h"
#include "json/value.h"
#include "json/writer.h"

#define MAX_VERSIONS 10000
#define MAX_MANIFEST (4 << 20)
#define TIME_SIZE 21

struct version {
	const struct registry_entry *entry;
	const char *trouble; /* NULL: the manifest was read, or nobody asked for it */
	struct str trained_at;
	double pr_auc, roc_auc, threshold_low, threshold_high;
	int64_t train_size;
};

struct listing {
	struct arena arena;
	struct registry *registry;
	struct registry_result list;
	struct version *versions;
	bool figures; /* of the manifests */
};

/* --- reading --- */

static double number_at(const struct cJSON *object, const char *name)
{
	const struct cJSON *v = object ? json_member(object, name) : NULL;

	/* A metric is a number, or an object with its interval beside the value. */
	if (v && json_type(v) == JSON_TYPE_OBJECT)
		v = json_member(v, "value");
	return v && json_type(v) == JSON_TYPE_NUMBER ? json_number(v) : NAN;
}

static void read_members(const struct cJSON *manifest, struct version *v)
{
	const struct cJSON *metrics = json_member(manifest, "metrics");
	const struct cJSON *thresholds = json_member(manifest, "thresholds");

	(void)json_get_text(manifest, "trained_at", &v->trained_at, NULL);
	(void)json_get_integer(manifest, "train_size", &v->train_size, NULL);
	v->pr_auc = number_at(metrics, "pr_auc");
	v->roc_auc = number_at(metrics, "roc_auc");
	v->threshold_low = number_at(thresholds, "threshold_low");
	v->threshold_high = number_at(thresholds, "threshold_high");
}

static void read_manifest(struct listing *l, int folder, struct version *v)
{
	const struct cJSON *manifest = NULL;
	struct json_fault fault;
	CLEANUP(free_p) char *text = NULL;
	size_t size = 0;
	int r = file_read(folder, "artifacts/manifest.json", MAX_MANIFEST, &text, &size);

	if (r == -ENOENT) {
		v->trouble = "no manifest (logged from Python, or not a version)";
		return;
	}
	if (r == 0) {
		const char *kept = arena_memdup(&l->arena, text, size);

		r = kept ? json_parse((struct str){ kept, size }, &l->arena, &manifest, &fault)
		         : -ENOMEM;
	}
	if (r < 0 || json_type(manifest) != JSON_TYPE_OBJECT)
		v->trouble = r < 0 && r != -EBADMSG ? strerror(-r) : "manifest.json cannot be read";
	else
		read_members(manifest, v);
}

static void read_figures(struct listing *l, struct version *v)
{
	const struct registry_request q = { .verb = REGISTRY_FETCH, .found = &v->entry->version };
	struct registry_result r;

	if (registry_call(l->registry, &q, &r) < 0)
		v->trouble = arena_strdup(&l->arena, r.err.text);
	else
		read_manifest(l, r.folder.fd, v);
	registry_result_done(&r);
}

static int read_listing(struct listing *l, const struct settings *s, struct errbuf *err)
{
	const struct registry_request q = { .verb = REGISTRY_LIST, .limit = MAX_VERSIONS };
	int r = registry_new(NULL, s, &l->registry, err);

	if (r < 0)
		return r;
	r = registry_call(l->registry, &q, &l->list);
	if (r < 0) {
		*err = l->list.err;
		return r;
	}
	l->figures = strcmp(registry_kind(l->registry), "local") == 0;
	l->versions = arena_calloc(&l->arena, l->list.count + 1, sizeof(*l->versions));
	if (!l->versions)
		return errbuf_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < l->list.count; i++) {
		struct version *v = &l->versions[i];

		v->entry = &l->list.entries[i];
		v->pr_auc = v->roc_auc = v->threshold_low = v->threshold_high = NAN;
		if (l->figures)
			read_figures(l, v);
	}
	return 0;
}

static void listing_done(struct listing *l)
{
	registry_result_done(&l->list);
	registry_free(l->registry);
	arena_done(&l->arena);
}

/* --- printing --- */

static void print_number(double v)
{
	if (isnan(v))
		printf(" %8s", "-");
	else
		printf(" %8.4f", v);
}

static void print_created(const struct version *v)
{
	char created[TIME_SIZE];

	civil_print_utc(v->entry->created_at_us, created);
	printf(" %8s %s", v->entry->version.registry_version, created);
}

static void print_figures(const struct version *v)
{
	print_number(v->pr_auc);
	print_number(v->roc_auc);
	print_number(v->threshold_low);
	print_number(v->threshold_high);
}

/* "previous, production" without its commas */
static void print_aliases(const char *text)
{
	for (; *text; text++)
		if (*text != ',')
			putchar(*text);
}

static void print_text(const struct listing *l)
{
	if (l->figures)
		printf("%-18s %8s %8s %8s %8s  %s\n", "VERSION", "PR-AUC", "ROC-AUC", "LOW", "HIGH",
		       "MARKS");
	else
		printf("%-18s %8s %-20s  %s\n", "VERSION", "NUMBER", "CREATED", "MARKS");
	for (size_t i = 0; i < l->list.count; i++) {
		const struct version *v = &l->versions[i];

		printf("%-18s", v->entry->version.version);
		if (l->figures)
			print_figures(v);
		else
			print_created(v);
		printf("%s", *v->entry->aliases ? "  " : " ");
		print_aliases(v->entry->aliases);
		if (v->trouble)
			printf(" (%s)", v->trouble);
		putchar('\n');
	}
}

static void write_aliases(struct json_writer *w, const char *text)
{
	json_write_name(w, "aliases");
	json_begin_array(w);
	while (*text) {
		size_t n = strcspn(text, ",");

		json_write_text(w, (struct str){ text, n });
		text += n + strspn(text + n, ", ");
	}
	json_end_array(w);
}

static void write_figures(struct json_writer *w, const struct version *v)
{
	json_write_name(w, "trained_at");
	json_write_text(w, v->trained_at);
	json_write_name(w, "train_size");
	json_write_integer(w, v->train_size);
	json_write_name(w, "pr_auc");
	json_write_double(w, v->pr_auc);
	json_write_name(w, "roc_auc");
	json_write_double(w, v->roc_auc);
	json_write_name(w, "threshold_low");
	json_write_double(w, v->threshold_low);
	json_write_name(w, "threshold_high");
	json_write_double(w, v->threshold_high);
}

static void write_version(struct json_writer *w, const struct listing *l, const struct version *v)
{
	char created[TIME_SIZE];

	json_begin_object(w);
	json_write_name(w, "version");
	json_write_text(w, str_of(v->entry->version.version));
	if (*v->entry->version.registry_version) {
		json_write_name(w, "registry_version");
		json_write_text(w, str_of(v->entry->version.registry_version));
	}
	civil_print_utc(v->entry->created_at_us, created);
	json_write_name(w, "created_at");
	json_write_text(w, str_of(created));
	if (l->figures)
		write_figures(w, v);
	write_aliases(w, v->entry->aliases);
	json_write_name(w, "trouble");
	if (v->trouble)
		json_write_text(w, str_of(v->trouble));
	else
		json_write_null(w);
	json_end_object(w);
}

static void print_json(const struct listing *l)
{
	struct strbuf text = { 0 };
	struct json_writer w = { &text, false };

	json_begin_array(&w);
	for (size_t i = 0; i < l->list.count; i++)
		write_version(&w, l, &l->versions[i]);
	json_end_array(&w);
	if (!strbuf_error(&text))
		puts(text.p);
	strbuf_done(&text);
}

static int run(const char *config, const char *models, const char *name, bool json)
{
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	struct listing l = { .list = { .folder = { .fd = -1 } } };
	struct errbuf err;
	int r = command_settings(config, &settings);

	if (r < 0)
		return EXIT_FAILED;
	if (name)
		settings->models.name = name;
	/* A folder that is named is what is looked at, whatever the suite follows. */
	if (models) {
		settings->models.dir = models;
		settings->mlflow.tracking_uri = "";
	}
	r = read_listing(&l, settings, &err);
	if (r < 0)
		command_failed("versions", &err);
	else if (json)
		print_json(&l);
	else
		print_text(&l);
	listing_done(&l);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int command_versions(int argc, char **argv)
{
	const char *config = NULL, *models = NULL, *name = NULL;
	bool json = false;
	const struct option_row rows[] = {
		{ .name = "models",
		  .argument = "DIR",
		  .text = &models,
		  .help = "this folder, not the registry" },
		{ .name = "name", .argument = "NAME", .text = &name, .help = "models.name" },
		{ .name = "config", .argument = "FILE", .text = &config, .help = "settings file" },
		{ .name = "json", .flag = &json, .help = "print them as JSON" },
	};
	const struct option_command c = {
		"fraudctl versions",
		"[--models DIR] [--name NAME] [--json]",
		"Lists the versions of the model in the registry, newest first, with the "
		"aliases that name\nthem and, of a folder, their figures.",
		rows,
		sizeof(rows) / sizeof(rows[0]),
		0,
		0
	};
	int r = option_parse(&c, argc, argv);

	return r < 0 ? command_usage(r) : run(config, models, name, json);
}
