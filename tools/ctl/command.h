/* The commands of fraudctl and what they share. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "base/errbuf.h"
#include "config/settings.h"

/* Exit statuses. */
#define EXIT_DONE 0
#define EXIT_FAILED 1 /* refused, or it went wrong: the words say what */
#define EXIT_USAGE 2

/* argv[0] is the command's own name. Each returns an exit status. */
int command_demo(int argc, char **argv);
int command_job(int argc, char **argv);
int command_jobs(int argc, char **argv);
int command_migrate(int argc, char **argv);
int command_reload(int argc, char **argv);
int command_rollback(int argc, char **argv);
int command_score(int argc, char **argv);
int command_status(int argc, char **argv);
int command_token(int argc, char **argv);
int command_unpin(int argc, char **argv);
int command_user(int argc, char **argv);
int command_versions(int argc, char **argv);

/* option_parse()'s negative value as an exit status. */
int command_usage(int r);
/* Says "fraudctl <command>: words" on stderr; returns EXIT_FAILED. */
int command_failed(const char *command, const struct errbuf *err);

/* The host's settings: `path` as given by --config, else /etc/fraudd/fraudd.yaml if there is one,
 * else environment and defaults alone. Faults go to stderr. */
int command_settings(const char *path, struct settings **ret);
void command_settings_free_p(struct settings *const *s);

/* The suite of this host. Its socket is asked although the settings have faults, for that is when
 * an operator needs it: they are told, and runtime_dir is what could be read of them. */
struct command_suite {
	const char *config, *runtime_dir; /* --config, --runtime-dir; NULL: not given */
	uint32_t reload_seconds;          /* reload.timeout_seconds: set by command_connect() */
};
#define COMMAND_SUITE_OPTIONS(suite)                                                               \
	{ .name = "config",                                                                        \
	  .argument = "FILE",                                                                      \
	  .text = &(suite)->config,                                                                \
	  .help = "settings file" },                                                               \
	{                                                                                          \
		.name = "runtime-dir", .argument = "DIR", .text = &(suite)->runtime_dir,           \
		.help = "where the socket is, instead of runtime_dir of the settings"              \
	}
int command_connect(struct command_suite *suite, int *ret_fd, struct errbuf *err);

/* The database URL: as given, else of the settings. Opened with a time-out for statements of 0. */
struct db;
int command_open_database(const char *url, const char *config, struct db **ret, struct errbuf *err);

#endif
