/*
 * `fraudctl versions`: the folders of <models.dir>/<name> with the figures of their manifests and
 * the marks of the alias files, newest first. A folder that cannot be read is listed with the
 * reason: an operator looks here when a version does not go live.
 *
 * Called by main.c through its table.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/option.h"
#include "command.h"
#include "json/value.h"
#include "json/writer.h"

#define MAX_VERSIONS 10000
#define MAX_ALIASES 64
#define MAX_MANIFEST (4 << 20)

struct version {
	const char *name;
	const char *trouble; /* NULL: the manifest was read */
	struct str trained_at;
	double pr_auc, roc_auc, threshold_low, threshold_high;
	int64_t train_size;
};

struct alias {
	const char *name;
	struct str version;
};

struct listing {
	struct arena arena;
	const char *dir; /* <models.dir>/<name> */
	struct version *versions;
	size_t version_count;
	struct alias aliases[MAX_ALIASES];
	size_t alias_count;
};

/* --- reading --- */

static void closedir_p(DIR *const *d)
{
	if (*d)
		closedir(*d);
}

struct names {
	const char **text;
	size_t count;
};

/* Names in the folder without those that begin with a dot. */
static int list_names(struct arena *a, const char *dir, size_t limit, struct names *ret)
{
	CLEANUP(closedir_p) DIR *d = opendir(dir);
	const struct dirent *e;

	*ret = (struct names){ NULL, 0 };
	if (!d)
		return -errno;
	ret->text = arena_calloc(a, limit, sizeof(*ret->text));
	while (ret->text && ret->count < limit && (e = readdir(d)))
		if (e->d_name[0] != '.')
			ret->text[ret->count++] = arena_strdup(a, e->d_name);
	return arena_failed(a) ? -ENOMEM : 0;
}

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

static void read_version(struct listing *l, struct version *v)
{
	const char *path =
	        arena_printf(&l->arena, "%s/%s/artifacts/manifest.json", l->dir, v->name);
	const struct cJSON *manifest = NULL;
	struct json_fault fault;
	CLEANUP(free_p) char *text = NULL;
	size_t size = 0;
	int r = path ? file_read(AT_FDCWD, path, MAX_MANIFEST, &text, &size) : -ENOMEM;

	v->pr_auc = v->roc_auc = v->threshold_low = v->threshold_high = NAN;
	if (r == -ENOENT) {
		v->trouble = "no manifest (logged from Python, or not a version)";
		return;
	}
	if (r == 0) {
		const char *kept = arena_memdup(&l->arena, text, size);

		r = kept ? json_parse((struct str){ kept, size }, &l->arena, &manifest, &fault)
		         : -ENOMEM;
	}
	if (r < 0 || json_type(manifest) != JSON_TYPE_OBJECT) {
		v->trouble = r < 0 && r != -EBADMSG ? strerror(-r) : "manifest.json cannot be read";
		return;
	}
	read_members(manifest, v);
}

static void read_alias(struct listing *l, const char *name)
{
	const char *path = arena_printf(&l->arena, "%s/aliases/%s", l->dir, name);
	CLEANUP(free_p) char *text = NULL;
	struct alias *a = &l->aliases[l->alias_count];
	struct str version;
	size_t size;

	if (!path || file_read(AT_FDCWD, path, 256, &text, &size) < 0)
		return;
	version = str_trim((struct str){ text, strcspn(text, "\r\n") });
	a->name = name;
	a->version = (struct str){ arena_strndup(&l->arena, version), version.n };
	if (a->version.p)
		l->alias_count++;
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(((const struct version *)b)->name, ((const struct version *)a)->name);
}

static int read_versions(struct listing *l, struct errbuf *err)
{
	struct names names;
	int r = list_names(&l->arena, l->dir, MAX_VERSIONS, &names);

	if (r < 0)
		return errbuf_set(err, r, "could not list \"%s\": %s", l->dir, strerror(-r));
	l->versions = arena_calloc(&l->arena, names.count + 1, sizeof(*l->versions));
	if (!l->versions)
		return errbuf_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < names.count; i++) {
		if (!strcmp(names.text[i], "aliases") || !strcmp(names.text[i], "tags"))
			continue;
		l->versions[l->version_count].name = names.text[i];
		read_version(l, &l->versions[l->version_count++]);
	}
	qsort(l->versions, l->version_count, sizeof(*l->versions), newest_first);
	return 0;
}

static int read_listing(struct listing *l, struct errbuf *err)
{
	const char *dir = arena_printf(&l->arena, "%s/aliases", l->dir);
	struct names names;
	int r = read_versions(l, err);

	if (r < 0)
		return r;
	r = dir ? list_names(&l->arena, dir, MAX_ALIASES, &names) : -ENOMEM;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return errbuf_set(err, r, "could not list the aliases of \"%s\": %s", l->dir,
		                  strerror(-r));
	for (size_t i = 0; i < names.count; i++)
		read_alias(l, names.text[i]);
	return 0;
}

/* --- printing --- */

static void print_number(double v)
{
	if (isnan(v))
		printf(" %8s", "-");
	else
		printf(" %8.4f", v);
}

static void print_text(const struct listing *l)
{
	size_t i, k;

	printf("%-18s %8s %8s %8s %8s  %s\n", "VERSION", "PR-AUC", "ROC-AUC", "LOW", "HIGH",
	       "MARKS");
	for (i = 0; i < l->version_count; i++) {
		const struct version *v = &l->versions[i];

		printf("%-18s", v->name);
		print_number(v->pr_auc);
		print_number(v->roc_auc);
		print_number(v->threshold_low);
		print_number(v->threshold_high);
		printf(" ");
		for (k = 0; k < l->alias_count; k++)
			if (str_is(l->aliases[k].version, v->name))
				printf(" %s", l->aliases[k].name);
		if (v->trouble)
			printf(" (%s)", v->trouble);
		putchar('\n');
	}
}

static void write_version(struct json_writer *w, const struct listing *l, const struct version *v)
{
	size_t k;

	json_begin_object(w);
	json_write_name(w, "version");
	json_write_text(w, str_of(v->name));
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
	json_write_name(w, "aliases");
	json_begin_array(w);
	for (k = 0; k < l->alias_count; k++)
		if (str_is(l->aliases[k].version, v->name))
			json_write_text(w, str_of(l->aliases[k].name));
	json_end_array(w);
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
	size_t i;

	json_begin_array(&w);
	for (i = 0; i < l->version_count; i++)
		write_version(&w, l, &l->versions[i]);
	json_end_array(&w);
	if (!strbuf_error(&text))
		puts(text.p);
	strbuf_done(&text);
}

static int run(const char *config, const char *models, const char *name, bool json)
{
	CLEANUP(command_settings_free_p) struct settings *settings = NULL;
	struct listing l = { 0 };
	struct errbuf err;
	int r = command_settings(config, &settings);

	if (r < 0)
		return EXIT_FAILED;
	l.dir = arena_printf(&l.arena, "%s/%s", models ? models : settings->models.dir,
	                     name ? name : settings->models.name);
	r = l.dir ? read_listing(&l, &err) : errbuf_set(&err, -ENOMEM, "out of memory");
	if (r < 0)
		command_failed("versions", &err);
	else if (json)
		print_json(&l);
	else
		print_text(&l);
	arena_done(&l.arena);
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

int command_versions(int argc, char **argv)
{
	const char *config = NULL, *models = NULL, *name = NULL;
	bool json = false;
	const struct option_row rows[] = {
		{ .name = "models", .argument = "DIR", .text = &models, .help = "models.dir" },
		{ .name = "name", .argument = "NAME", .text = &name, .help = "models.name" },
		{ .name = "config", .argument = "FILE", .text = &config, .help = "settings file" },
		{ .name = "json", .flag = &json, .help = "print them as JSON" },
	};
	const struct option_command c = {
		"fraudctl versions",
		"[--models DIR] [--name NAME] [--json]",
		"Lists the model versions of this host's registry folder with "
		"their figures and the aliases that name them.",
		rows,
		sizeof(rows) / sizeof(rows[0]),
		0,
		0
	};
	int r = option_parse(&c, argc, argv);

	return r < 0 ? command_usage(r) : run(config, models, name, json);
}
