/* How a version that lies in a folder gets into a registry on another host: MLflow. */
#ifndef TRAIN_EXPORT_H
#define TRAIN_EXPORT_H

#include <limits.h>
#include <stdbool.h>

#include "base/errbuf.h"
#include "config/settings.h"
#include "exported.h"
#include "registry/registry.h"
#include "watch.h"

struct export
{
	const struct settings *settings;
	struct registry *registry;
	bool quiet;
	const struct watch *watch; /* or NULL */
	/* Staging: where versions of this model wait until they are uploaded; set by
	 * export_prepare(). */
	char folder[PATH_MAX];
};

/* False: versions of this registry are folders of this host, there is nothing to upload. */
bool export_is_wanted(const struct registry *r);

/* Before a training: says where the version will go and as whom, and makes the staging folder.
 * -ENOKEY: the words list what is missing. */
int export_prepare(struct export *x, struct errbuf *err);

/* Says how many versions of other trainings wait, and removes the oldest beyond `keep`: a job that
 * fails at each upload must not fill the disk. */
void export_tidy(const struct export *x, unsigned keep);

/* Has the registry a version of that name? x: struct export; as stages_options.is_taken. What
 * cannot be found out now the upload will tell. */
bool export_is_taken(void *x, const char *version);

/* Uploads the folder `path` as this version. On failure the folder is as it was, and stderr says
 * how to go on. */
int export_version(const struct export *x, const char *path, const char *version,
                   struct exported *ret, struct errbuf *err);

/* Removes a version that was uploaded, if it lies in staging. */
void export_clear(const struct export *x, const char *path);

#endif
