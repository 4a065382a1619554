/*
 * Three ways to a model, and the log says which it was: scores carry the generation of the suite
 * that serves it, so a batch beside a suite judges as the suite does. A version that the batch
 * compiles itself is checked as the loader checks it and has no generation.
 *
 * Called by main.c.
 */
#include "intake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "bundle/bundle.h"
#include "daemon/control.h"
#include "daemon/jail.h"
#include "daemon/job_input.h"
#include "registry/registry.h"

#define DEFAULT_CONFIG "/etc/fraudd/fraudd.yaml"

extern char **environ;

const char *const intake_origin_names[] = {
	[INTAKE_SCHEDULER] = "scheduler",
	[INTAKE_SUITE] = "suite",
	[INTAKE_BUNDLE] = "bundle",
};

/* --- settings --- */

static int from_scheduler(struct intake *in, struct errbuf *err)
{
	struct job_input input;
	int r = job_input_read(&input, err);

	if (r < 0)
		return r;
	in->is_job = true;
	in->settings = take_ptr(&input.settings);
	in->job_model_fd = take_fd(&input.model_fd);
	in->generation = input.model.generation;
	snprintf(in->registry_version, sizeof(in->registry_version), "%s",
	         input.model.registry_version);
	job_input_done(&input);
	return jail_child_defaults(in->settings);
}

static void on_settings_error(void *self, const char *text)
{
	(void)self;
	fprintf(stderr, "fraud-batch: %s\n", text);
}

int intake_settings(struct intake *in, const char *config, const char *const *overrides,
                    size_t count, struct errbuf *err)
{
	struct settings_sources from = {
		.yaml_path = config,
		.environ = environ,
		.overrides = overrides,
		.override_count = count,
	};
	int r;

	in->job_model_fd = -1;
	r = from_scheduler(in, err);
	if (r != -ENOENT)
		return r;
	if (!from.yaml_path)
		from.yaml_path = getenv("FRAUDD_CONFIG");
	if (!from.yaml_path && access(DEFAULT_CONFIG, F_OK) == 0)
		from.yaml_path = DEFAULT_CONFIG;
	if (settings_load(&from, on_settings_error, NULL, &in->settings) < 0)
		return errbuf_set(err, -EINVAL, "the settings cannot be used");
	return 0;
}

/* --- a sealed image --- */

static int map_image(int fd, struct intake *in, struct errbuf *err)
{
	struct stat st;

	if (!memfd_is_sealed(fd) || fstat(fd, &st) < 0 || st.st_size <= 0)
		return errbuf_set(err, -EPERM, "the model's memory is not there or not sealed");
	/* A private mapping: some kernels refuse shared ones of a write-sealed file. */
	in->image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (in->image == MAP_FAILED) {
		in->image = NULL;
		return errbuf_set(err, -errno, "could not map the model");
	}
	in->mapped = (size_t)st.st_size;
	return score_open(in->image, in->mapped, true, &in->arena, &in->model, err);
}

static void drop_image(struct intake *in)
{
	if (in->mapped)
		munmap(in->image, in->mapped);
	else
		free(in->image);
	in->image = NULL;
	in->mapped = 0;
	arena_done(&in->arena);
}

static int from_suite(struct intake *in, struct errbuf *err)
{
	CLEANUP(close_p) int control = -1;
	CLEANUP(close_p) int fd = -1;
	struct msg_model about;
	int r = control_connect(in->settings->runtime_dir, &control, err);

	if (r == 0)
		r = control_model(control, &about, &fd, err);
	if (r == 0)
		r = map_image(fd, in, err);
	if (r != 0) {
		drop_image(in);
		return r;
	}
	in->origin = INTAKE_SUITE;
	in->generation = about.generation;
	snprintf(in->registry_version, sizeof(in->registry_version), "%s", about.registry_version);
	return 0;
}

/* --- compiled here --- */

static int resolve(struct registry *registry, const char *alias, struct registry_version *ret,
                   struct registry_folder *ret_folder, struct errbuf *err)
{
	struct registry_request q = { .verb = REGISTRY_RESOLVE, .alias = alias };
	struct registry_result found;
	int r = registry_call(registry, &q, &found);

	if (r == 0)
		*ret = found.version;
	else
		errbuf_set(err, r, "%s", found.err.text);
	registry_result_done(&found);
	if (r < 0)
		return r;
	q = (struct registry_request){ .verb = REGISTRY_FETCH, .found = ret };
	r = registry_call(registry, &q, &found);
	if (r < 0) {
		errbuf_set(err, r, "%s", found.err.text);
	} else {
		*ret_folder = found.folder;
		found.folder = (struct registry_folder){ .fd = -1 };
	}
	registry_result_done(&found);
	return r;
}

static int compile(struct intake *in, int folder, struct errbuf *err)
{
	const struct settings *s = in->settings;
	const struct bundle_options o = {
		.max_bytes = s->models.max_bytes,
		.name = str_of(s->models.name),
		.version = str_of(in->registry_version),
		.default_threshold_low = (float)s->models.default_threshold_low,
		.default_threshold_high = (float)s->models.default_threshold_high,
	};
	enum forest_trees trees =
	        !strcmp(s->models.trees, "all") ? FOREST_TREES_ALL : FOREST_TREES_BEST;
	enum score_verified verified;
	struct bundle_image image;
	struct arena reading = { 0 };
	struct bundle *bundle;
	int r = bundle_read(folder, ".", &o, &reading, &bundle, err);

	if (r == 0)
		r = bundle_build_image(bundle, BUNDLE_MODEL, trees, &image, err);
	if (r == 0) {
		in->image = image.bytes;
		r = bundle_verify(bundle, image.bytes, image.size, &verified, err);
	}
	if (r == 0)
		r = score_open(image.bytes, image.size, true, &in->arena, &in->model, err);
	arena_done(&reading);
	return r;
}

static int from_bundle(struct intake *in, struct errbuf *err)
{
	const struct settings *s = in->settings;
	struct registry_folder folder = { .fd = -1 };
	struct registry_version version;
	struct registry *registry;
	int r = registry_new(NULL, s, &registry, err);

	if (r < 0)
		return r;
	r = resolve(registry, s->models.alias, &version, &folder, err);
	if (r == 0) {
		/* Until the image says its own: the name of a model logged from Python. */
		snprintf(in->registry_version, sizeof(in->registry_version), "%s", version.version);
		r = compile(in, folder.fd, err);
		registry_folder_done(&folder);
	}
	registry_free(registry);
	if (r < 0)
		return r;
	in->origin = INTAKE_BUNDLE;
	snprintf(in->registry_version, sizeof(in->registry_version), "%s",
	         version.registry_version);
	return 0;
}

/* --- whichever --- */

static int any_model(struct intake *in, struct errbuf *err)
{
	int r;

	if (in->is_job && in->job_model_fd < 0)
		return errbuf_set(err, -ENODATA, "the suite has none yet");
	if (in->is_job)
		return map_image(in->job_model_fd, in, err);
	r = from_suite(in, err);
	if (r == 0)
		return 0;
	log_info("%s; compiling the version that alias \"%s\" names", err->text,
	         in->settings->models.alias);
	return from_bundle(in, err);
}

int intake_model(struct intake *in, struct errbuf *err)
{
	int r = any_model(in, err);

	if (r < 0)
		return errbuf_prefix(err, r, "no model to score with");
	in->version = arena_strndup(&in->arena, in->model.version);
	if (!in->version)
		return errbuf_set(err, -ENOMEM, "out of memory");
	log_info("model %s from the %s, generation %llu", in->version,
	         intake_origin_names[in->origin], (unsigned long long)in->generation);
	return 0;
}

void intake_done(struct intake *in)
{
	drop_image(in);
	close_p(&in->job_model_fd);
	settings_free(in->settings);
}
