/*
 * `fraudctl reload`, `rollback`, `unpin`: one wish to the supervisor and its outcome in words. The
 * answer comes when every worker of the host has the model (or when it was refused), so the exit
 * status can be believed; systemd's ExecReload= relies on that.
 *
 * Called by main.c through its table.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/option.h"
#include "command.h"
#include "daemon/control.h"
#include "json/writer.h"

#define GRACE_MS 5000 /* the supervisor's own time-out comes first */

struct outcome_row {
	const char *name; /* in JSON; the HTTP answer's status for the first two */
	int status;
};

static const struct outcome_row outcomes[RELOAD_OUTCOME_MAX] = {
	[RELOAD_DONE_RELOADED] = { "reloaded", EXIT_DONE },
	[RELOAD_DONE_UNCHANGED] = { "unchanged", EXIT_DONE },
	[RELOAD_DONE_VERIFIED] = { "verified", EXIT_DONE },
	[RELOAD_DONE_REFUSED] = { "refused", EXIT_FAILED },
	[RELOAD_DONE_TIMEOUT] = { "timeout", EXIT_FAILED },
	[RELOAD_DONE_BAD_SETTINGS] = { "bad_settings", EXIT_FAILED },
};

struct request {
	const char *command; /* "reload" */
	struct command_suite suite;
	struct msg_reload wish;
	bool json;
};

static void print_json(const struct msg_reload_done *done)
{
	struct strbuf text = { 0 };
	struct json_writer w = { &text, false };

	json_begin_object(&w);
	json_write_name(&w, "status");
	json_write_text(&w, str_of(outcomes[done->outcome].name));
	json_write_name(&w, "model_version");
	json_write_text(&w, str_of(done->version));
	json_write_name(&w, "registry_version");
	json_write_text(&w, str_of(done->registry_version));
	json_write_name(&w, "generation");
	json_write_unsigned(&w, done->generation);
	json_write_name(&w, "workers");
	json_write_unsigned(&w, done->workers);
	json_write_name(&w, "detail");
	json_write_text(&w, str_of(done->words));
	json_end_object(&w);
	if (!strbuf_error(&text))
		puts(text.p);
	strbuf_done(&text);
}

static void print_text(const struct request *q, const struct msg_reload_done *done)
{
	switch ((enum reload_outcome)done->outcome) {
	case RELOAD_DONE_RELOADED:
		printf("reloaded: version %s is generation %ju on %u workers\n", done->version,
		       (uintmax_t)done->generation, done->workers);
		break;
	case RELOAD_DONE_UNCHANGED:
		printf("unchanged: version %s was live already (generation %ju)\n", done->version,
		       (uintmax_t)done->generation);
		break;
	case RELOAD_DONE_VERIFIED:
		printf("verified: version %s could go live; nothing was changed\n", done->version);
		break;
	case RELOAD_DONE_TIMEOUT:
		fprintf(stderr, "fraudctl %s: not done in time; it goes live where it can%s%s\n",
		        q->command, *done->words ? ": " : "", done->words);
		return;
	case RELOAD_DONE_BAD_SETTINGS:
	case RELOAD_DONE_REFUSED:
	case RELOAD_OUTCOME_MAX:
		fprintf(stderr, "fraudctl %s: refused: %s\n", q->command, done->words);
		return;
	}
	if (*done->words)
		printf("%s\n", done->words);
}

static int check_answer(struct msg_reload_done *done, struct errbuf *err)
{
	if (done->outcome >= RELOAD_OUTCOME_MAX ||
	    !message_text(done->version, sizeof(done->version)) ||
	    !message_text(done->registry_version, sizeof(done->registry_version)) ||
	    !message_text(done->words, sizeof(done->words)))
		return errbuf_set(err, -EBADMSG, "the supervisor's answer cannot be read");
	return 0;
}

static int ask(struct request *q, struct msg_reload_done *ret, struct errbuf *err)
{
	CLEANUP(close_p) int fd = -1;
	int r = command_connect(&q->suite, &fd, err);

	if (r < 0)
		return r;
	/* Settings may come first, then the model: each has the time-out for itself. */
	r = control_reload(fd, &q->wish, (int)q->suite.reload_seconds * 2000 + GRACE_MS, ret, err);
	return r < 0 ? r : check_answer(ret, err);
}

static int run(struct request *q)
{
	struct msg_reload_done done;
	struct errbuf err;

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s: waiting for the workers ...\r", q->command);
	if (ask(q, &done, &err) < 0)
		return command_failed(q->command, &err);
	if (q->json)
		print_json(&done);
	else
		print_text(q, &done);
	return outcomes[done.outcome].status;
}

int command_reload(int argc, char **argv)
{
	struct request q = { .command = "reload", .wish = { .flags = RELOAD_SETTINGS } };
	bool dry_run = false, force = false;
	const char *version = NULL;
	const struct option_row rows[] = {
		{ .name = "dry-run", .flag = &dry_run, .help = "verify the model, change nothing" },
		{ .name = "force", .flag = &force, .help = "publish it anew even if it is live" },
		{ .name = "version",
		  .argument = "VERSION",
		  .text = &version,
		  .help = "this version, and pin it" },
		COMMAND_SUITE_OPTIONS(&q.suite),
		{ .name = "json", .flag = &q.json, .help = "print the outcome as JSON" },
	};
	const struct option_command c = { "fraudctl reload",
		                          "[--dry-run] [--force] [--version VERSION]",
		                          "Has the suite read its settings and the model again. "
		                          "Ends when every worker has them; "
		                          "exit status 1 with the reason when refused.",
		                          rows,
		                          sizeof(rows) / sizeof(rows[0]),
		                          0,
		                          0 };
	int r = option_parse(&c, argc, argv);

	if (r < 0)
		return command_usage(r);
	q.wish.wish = version ? RELOAD_VERSION : RELOAD_ALIAS;
	if (force)
		q.wish.flags |= RELOAD_FORCE;
	if (dry_run)
		q.wish.flags = (q.wish.flags & ~(uint32_t)RELOAD_SETTINGS) | RELOAD_DRY_RUN;
	if (version && strlen(version) >= sizeof(q.wish.version)) {
		fputs("fraudctl reload: --version is too long\n", stderr);
		return EXIT_USAGE;
	}
	if (version)
		snprintf(q.wish.version, sizeof(q.wish.version), "%s", version);
	return run(&q);
}

static int simple_wish(struct request *q, const char *program, const char *about, int argc,
                       char **argv)
{
	const struct option_row rows[] = {
		COMMAND_SUITE_OPTIONS(&q->suite),
		{ .name = "json", .flag = &q->json, .help = "print the outcome as JSON" },
	};
	const struct option_command c = {
		program, "[--json]", about, rows, sizeof(rows) / sizeof(rows[0]), 0, 0
	};
	int r = option_parse(&c, argc, argv);

	return r < 0 ? command_usage(r) : run(q);
}

int command_rollback(int argc, char **argv)
{
	struct request q = { .command = "rollback", .wish = { .wish = RELOAD_ROLLBACK } };

	return simple_wish(
	        &q, "fraudctl rollback",
	        "Goes back to the version that the alias \"previous\" names, moves the alias that "
	        "is served there and pins it: polls, reloads and promotions leave it alone until "
	        "\"fraudctl unpin\".",
	        argc, argv);
}

int command_unpin(int argc, char **argv)
{
	struct request q = { .command = "unpin", .wish = { .wish = RELOAD_UNPIN } };

	return simple_wish(&q, "fraudctl unpin",
	                   "Ends a pin: the version that the alias names goes live again.", argc,
	                   argv);
}
