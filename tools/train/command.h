/* The commands of fraud-train and what they share. */
#ifndef TRAIN_COMMAND_H
#define TRAIN_COMMAND_H

#include <stddef.h>

#include "base/errbuf.h"
#include "config/settings.h"

/* Exit statuses. */
#define EXIT_DONE 0   /* trained, or skipped with a warning */
#define EXIT_FAILED 1 /* it went wrong and may work later */
#define EXIT_USAGE 2
#define EXIT_DATA 65   /* the rows or the feature program cannot be used (EX_DATAERR) */
#define EXIT_CONFIG 78 /* the settings cannot be used (EX_CONFIG) */

/* argv[0] is the command's own name. Each returns an exit status. */
int command_train(int argc, char **argv);

/* --config's path, else $FRAUDD_CONFIG, else /etc/fraudd/fraudd.yaml if there is one; overrides are
 * "key=value". Faults go to stderr. */
int command_settings(const char *path, const char *const *overrides, size_t count,
                     struct settings **ret);
void command_settings_free_p(struct settings *const *s);

/*
 * Finds a file that comes with the suite ("config/features.yaml"): as named below the working
 * folder, in /etc/fraudd, in the installed data folder. *ret is `name` or static. -ENOENT.
 */
int command_find_file(const char *name, char *ret, size_t room, struct errbuf *err);

#endif
