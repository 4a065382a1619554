/* The commands of fraud-train and what they share. */
#ifndef TRAIN_COMMAND_H
#define TRAIN_COMMAND_H

#include <stddef.h>

#include "base/errbuf.h"
#include "base/strbuf.h"
#include "config/settings.h"

/* Exit statuses. */
#define EXIT_DONE 0   /* done, or skipped with a warning: the words say which */
#define EXIT_FAILED 1 /* it went wrong and may work later */
#define EXIT_USAGE 2
#define EXIT_NO_VERDICT 3 /* the versions cannot be compared; nothing was promoted */
#define EXIT_REFUSED 4    /* a guard, a pin or the comparison forbids it; nothing was promoted */
#define EXIT_NOT_LIVE 5   /* promoted, but some host does not serve it in time */
#define EXIT_DATA 65      /* the rows or the feature program cannot be used (EX_DATAERR) */
#define EXIT_BUSY 75      /* another one is under way (EX_TEMPFAIL) */
#define EXIT_CONFIG 78    /* the settings cannot be used (EX_CONFIG) */

/* argv[0] is the command's own name. Each returns an exit status. */
int command_compare(int argc, char **argv);
int command_export(int argc, char **argv);
int command_fetch_window(int argc, char **argv);
int command_promote(int argc, char **argv);
int command_retrain(int argc, char **argv);
int command_train(int argc, char **argv);

/* --- what they do the same way --- */

#define COMMAND_MAX_OVERRIDES 64

/* Where a command takes its settings from. */
struct command_source {
	const char *config;
	const char *set[COMMAND_MAX_OVERRIDES];
	size_t set_count;
};

/* Its two options, for the command's table. */
#define COMMAND_SOURCE_ROWS(source)                                                                \
	{ "config", "FILE", "settings (/etc/fraudd/fraudd.yaml)", .text = &(source)->config },     \
	{                                                                                          \
		"set", "KEY=VALUE", "one setting, e.g. train.rounds=200; may be repeated",         \
		        .repeat = (source)->set, .repeat_room = COMMAND_MAX_OVERRIDES,             \
		        .repeat_count = &(source)->set_count                                       \
	}

/* --config's path, else /etc/fraudd/fraudd.yaml if there is one, else environment and defaults
 * alone. Faults go to stderr. */
int command_settings(const struct command_source *from, struct settings **ret);
void command_settings_free_p(struct settings *const *s);

/* For --mlflow: 0, or an exit status after words on stderr. */
int command_want_mlflow(const char *command, const struct settings *s);

/* option_parse()'s negative value as an exit status. */
int command_usage(int r);
/* -errno as an exit status. */
int command_status(int r);
/* Says "fraud-train <command>: words" on stderr; returns command_status(r). */
int command_failed(const char *command, int r, const struct errbuf *err);
/* To stdout; the text is freed. */
void command_print(struct strbuf *text);

/*
 * Finds a file that comes with the suite ("config/features.yaml"): as named below the working
 * folder, in /etc/fraudd, in the installed data folder. *ret is `name` or static. -ENOENT.
 */
int command_find_file(const char *name, char *ret, size_t room, struct errbuf *err);

#endif
