/*
 * fraudd, the supervisor: its command line. It reads and checks the settings, answers the questions
 * about them (--check, --print-config, …) and runs the suite. A bad configuration ends with status
 * 78, which a service manager does not restart, after all mistakes were told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address.h"
#include "base/log.h"
#include "base/option.h"
#include "base/strbuf.h"
#include "daemon/daemon.h"
#include "runtime.h"
#include "supervisor.h"

#define DEFAULT_CONFIG "/etc/fraudd/fraudd.yaml"
#define MAX_OVERRIDES 64
#define MAX_GIVEN 32

struct arguments {
	const char *config;
	const char *overrides[MAX_OVERRIDES];
	size_t override_count;
	bool check, foreground, print_config, print_sample, print_manual;
};

static int parse(int argc, char **argv, struct arguments *a)
{
	const struct option_row rows[] = {
		{ .name = "config",
		  .argument = "FILE",
		  .text = &a->config,
		  .help = "settings file (default: " DEFAULT_CONFIG ", if it is there)" },
		{ .name = "set",
		  .argument = "KEY=VALUE",
		  .repeat = a->overrides,
		  .repeat_room = MAX_OVERRIDES,
		  .repeat_count = &a->override_count,
		  .help = "a setting that wins over file and environment; may be repeated" },
		{ .name = "check", .flag = &a->check, .help = "check the settings and end" },
		{ .name = "foreground",
		  .flag = &a->foreground,
		  .help = "do not detach; this is always so, the word is for scripts that say it" },
		{ .name = "print-config",
		  .flag = &a->print_config,
		  .help = "print the settings in force, secrets hidden" },
		{ .name = "print-sample",
		  .flag = &a->print_sample,
		  .help = "print a settings file with the defaults" },
		{ .name = "print-manual",
		  .flag = &a->print_manual,
		  .help = "print the list of settings in scdoc" },
	};
	const struct option_command command = {
		.program = "fraudd",
		.synopsis = "[--config FILE] [--set KEY=VALUE]…",
		.about = "Runs the fraud scoring suite: workers, loader, scheduler. See fraudd(8).",
		.rows = rows,
		.row_count = sizeof(rows) / sizeof(rows[0]),
	};

	return option_parse(&command, argc, argv);
}

static void print_error(void *self, const char *text)
{
	(void)self;
	fprintf(stderr, "fraudd: %s\n", text);
}

/* r: what filling it gave. Returns the exit status; ends the buffer. */
static int print(struct strbuf *out, int r)
{
	if (r == 0)
		r = strbuf_error(out);
	if (r == 0 && (fwrite(out->p, 1, out->n, stdout) != out->n || fflush(stdout) != 0))
		r = -EIO;
	strbuf_done(out);
	if (r < 0)
		print_error(NULL, strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int load(const struct settings_sources *sources, struct supervisor_options *o)
{
	struct errbuf err = { "" };
	struct address address;
	int r = settings_load(sources, print_error, NULL, &o->settings);

	if (r < 0)
		return r;
	r = service_select(o->settings->services, o->selected, &err);
	if (r < 0)
		print_error(NULL, err.text);
	for (unsigned i = 0; i < o->settings->listener_count; i++) {
		if (address_parse(o->settings->listener[i].address, &address) == 0)
			continue;
		r = errbuf_set(
		        &err, -EINVAL,
		        "listeners: \"%s\" is none of ADDRESS:PORT, [ADDRESS]:PORT, unix:/PATH",
		        o->settings->listener[i].address);
		print_error(NULL, err.text);
	}
	return r;
}

static int run(struct supervisor_options *o, struct sdnotify_fd *given, size_t count)
{
	o->given = given;
	o->given_count = count;
	log_open("fraudd", LOG_LEVEL_INFO);
	return supervisor_run(o);
}

int main(int argc, char **argv)
{
	struct sdnotify_fd given[MAX_GIVEN];
	struct supervisor_options o = { 0 };
	struct arguments a = { 0 };
	struct strbuf out = { 0 };
	struct errbuf err = { "" };
	int r = parse(argc, argv, &a);
	int count;

	if (r < 0)
		return r == OPTION_ANSWERED ? EXIT_SUCCESS : 2;
	if (a.print_sample)
		return print(&out, settings_print_sample(&out));
	if (a.print_manual)
		return print(&out, settings_print_manual(&out));
	count = runtime_inherit(given, MAX_GIVEN, &err);
	if (count < 0) {
		print_error(NULL, err.text);
		return EXIT_FAILURE;
	}
	if (!a.config && access(DEFAULT_CONFIG, F_OK) == 0)
		a.config = DEFAULT_CONFIG;
	o.sources = (struct settings_sources){
		.yaml_path = a.config,
		.environ = environ,
		.overrides = a.overrides,
		.override_count = a.override_count,
		.suite = !a.print_config,
	};
	r = load(&o.sources, &o);
	if (r == 0 && !a.check && !a.print_config)
		return run(&o, given, (size_t)count);
	if (r == 0 && a.print_config)
		r = print(&out, settings_print_yaml(o.settings, &out));
	else if (r == 0)
		puts("the settings are good");
	else
		r = DAEMON_EXIT_CONFIG;
	settings_free(o.settings);
	return r;
}
