/*
 * `fraudctl status`: what the supervisor says about its children, the model and the registry, for a
 * person or as JSON. Exit status 0 only while the newest model is served by every worker, so that a
 * script may ask.
 *
 * Called by main.c through its table.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/civil.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/option.h"
#include "command.h"
#include "daemon/control.h"
#include "json/writer.h"

#define MAX_CHILDREN 2048

struct answer {
	struct msg_status status;
	struct msg_status_child children[MAX_CHILDREN];
	int child_count;
};

static const char *const verified_names[] = { "self", "golden" };
static const char *const origin_names[] = { "registry", "last-known-good" };

/* Every array that came is a text; a peer of another build may have sent anything. */
static int check_answer(struct answer *a, struct errbuf *err)
{
	const struct msg_registry_state *g = &a->status.registry;
	const struct msg_status *s = &a->status;
	bool good = message_text(s->build_version, sizeof(s->build_version)) &&
	            message_text(s->name, sizeof(s->name)) &&
	            message_text(s->version, sizeof(s->version)) &&
	            message_text(s->registry_version, sizeof(s->registry_version)) &&
	            message_text(g->kind, sizeof(g->kind)) &&
	            message_text(g->alias, sizeof(g->alias)) &&
	            message_text(g->alias_version, sizeof(g->alias_version)) &&
	            message_text(g->alias_registry_version, sizeof(g->alias_registry_version)) &&
	            message_text(g->pinned, sizeof(g->pinned)) &&
	            message_text(g->last_error, sizeof(g->last_error)) &&
	            message_text(s->settings_error, sizeof(s->settings_error)) && s->verified < 2 &&
	            s->origin < 2;
	int i;

	for (i = 0; good && i < a->child_count; i++)
		good = message_text(a->children[i].service, sizeof(a->children[i].service)) &&
		       message_text(a->children[i].state, sizeof(a->children[i].state));
	return good ? 0 : errbuf_set(err, -EBADMSG, "the supervisor's answer cannot be read");
}

static void print_ago(char *ret, size_t room, int64_t since_us)
{
	long long s = (clock_real_us() - since_us) / 1000000;

	if (s < 0)
		s = 0;
	if (s < 120)
		snprintf(ret, room, "%lld s", s);
	else if (s < 7200)
		snprintf(ret, room, "%lld min", s / 60);
	else if (s < 172800)
		snprintf(ret, room, "%lld h", s / 3600);
	else
		snprintf(ret, room, "%lld days", s / 86400);
}

static void print_last_end(char *ret, size_t room, const struct msg_status_child *c)
{
	int status = (int)c->last_status;

	if (c->restarts == 0)
		snprintf(ret, room, "-");
	else if (WIFSIGNALED(status))
		snprintf(ret, room, "signal %d", WTERMSIG(status));
	else
		snprintf(ret, room, "status %d", WEXITSTATUS(status));
}

static void print_model(const struct msg_status *s)
{
	if (s->generation == 0) {
		puts("model      none yet");
		return;
	}
	printf("model      %s %s, generation %ju, verified: %s, from: %s\n", s->name, s->version,
	       (uintmax_t)s->generation, verified_names[s->verified], origin_names[s->origin]);
	printf("workers    %u of %u serve it\n", s->workers_current, s->workers);
}

static void print_registry(const struct msg_registry_state *g)
{
	char ago[32] = "never";

	if (g->asked_at_us)
		print_ago(ago, sizeof(ago), g->asked_at_us);
	printf("registry   %s, alias %s = %s", *g->kind ? g->kind : "none",
	       *g->alias ? g->alias : "-", *g->alias_version ? g->alias_version : "-");
	if (*g->alias_registry_version)
		printf(" (number %s)", g->alias_registry_version);
	printf(", asked %s%s\n", ago, g->asked_at_us ? " ago" : "");
	if (*g->pinned)
		printf("pinned     %s (fraudctl unpin ends it)\n", g->pinned);
	if (*g->last_error)
		printf("trouble    %s\n", g->last_error);
}

static void print_settings(const struct msg_status *s)
{
	char ago[32];

	if (!*s->settings_error)
		return;
	print_ago(ago, sizeof(ago), s->settings_refused_at_us);
	printf("settings   refused %s ago, the old ones are in force: %s\n", ago,
	       s->settings_error);
}

static void print_text(const struct answer *a)
{
	const struct msg_status_child *c;
	char ago[32], end[32];
	int i;

	print_ago(ago, sizeof(ago), a->status.started_at_us);
	printf("fraudd     %s, up %s\n", a->status.build_version, ago);
	print_model(&a->status);
	print_registry(&a->status.registry);
	print_settings(&a->status);
	printf("\n%-12s %-10s %8s %10s %9s %s\n", "SERVICE", "STATE", "PID", "SINCE", "RESTARTS",
	       "LAST END");
	for (i = 0; i < a->child_count; i++) {
		c = &a->children[i];
		print_ago(ago, sizeof(ago), c->since_us);
		print_last_end(end, sizeof(end), c);
		printf("%-9.40s %-2u %-10s %8d %10s %9u %s\n", c->service, c->instance, c->state,
		       (int)c->pid, ago, c->restarts, end);
	}
}

static void write_member(struct json_writer *w, const char *name, const char *text)
{
	json_write_name(w, name);
	if (*text)
		json_write_text(w, str_of(text));
	else
		json_write_null(w);
}

static void write_time(struct json_writer *w, const char *name, int64_t us)
{
	char text[21] = "";

	if (us)
		civil_print_utc(us, text);
	write_member(w, name, text);
}

static void write_model(struct json_writer *w, const struct msg_status *s)
{
	json_write_name(w, "model");
	json_begin_object(w);
	write_member(w, "name", s->name);
	write_member(w, "version", s->version);
	write_member(w, "registry_version", s->registry_version);
	json_write_name(w, "generation");
	json_write_unsigned(w, s->generation);
	write_member(w, "verified", s->generation ? verified_names[s->verified] : "");
	write_member(w, "origin", s->generation ? origin_names[s->origin] : "");
	json_write_name(w, "workers");
	json_write_unsigned(w, s->workers);
	json_write_name(w, "workers_current");
	json_write_unsigned(w, s->workers_current);
	json_end_object(w);
}

static void write_registry(struct json_writer *w, const struct msg_registry_state *g)
{
	json_write_name(w, "registry");
	json_begin_object(w);
	write_member(w, "kind", g->kind);
	write_member(w, "alias", g->alias);
	write_member(w, "alias_version", g->alias_version);
	write_member(w, "alias_registry_version", g->alias_registry_version);
	write_member(w, "pinned", g->pinned);
	write_time(w, "asked_at", g->asked_at_us);
	write_member(w, "last_error", g->last_error);
	json_end_object(w);
}

static void write_child(struct json_writer *w, const struct msg_status_child *c)
{
	json_begin_object(w);
	write_member(w, "service", c->service);
	json_write_name(w, "instance");
	json_write_unsigned(w, c->instance);
	write_member(w, "state", c->state);
	json_write_name(w, "pid");
	json_write_integer(w, c->pid);
	json_write_name(w, "restarts");
	json_write_unsigned(w, c->restarts);
	json_write_name(w, "last_status");
	json_write_unsigned(w, c->last_status);
	write_time(w, "since", c->since_us);
	json_end_object(w);
}

static void print_json(const struct answer *a)
{
	struct strbuf text = { 0 };
	struct json_writer w = { &text, false };
	int i;

	json_begin_object(&w);
	write_member(&w, "build_version", a->status.build_version);
	write_time(&w, "started_at", a->status.started_at_us);
	write_model(&w, &a->status);
	write_registry(&w, &a->status.registry);
	write_time(&w, "settings_refused_at", a->status.settings_refused_at_us);
	write_member(&w, "settings_error", a->status.settings_error);
	json_write_name(&w, "children");
	json_begin_array(&w);
	for (i = 0; i < a->child_count; i++)
		write_child(&w, &a->children[i]);
	json_end_array(&w);
	json_end_object(&w);
	if (!strbuf_error(&text))
		puts(text.p);
	strbuf_done(&text);
}

static int ask(int fd, struct answer *ret, struct errbuf *err)
{
	int r = control_status(fd, &ret->status, ret->children, MAX_CHILDREN, err);

	if (r < 0)
		return r;
	ret->child_count = r;
	return check_answer(ret, err);
}

static int run(struct command_suite *suite, bool json)
{
	CLEANUP(free_p) struct answer *answer = NULL;
	CLEANUP(close_p) int fd = -1;
	struct errbuf err;

	if (command_connect(suite, &fd, &err) < 0)
		return command_failed("status", &err);
	answer = malloc(sizeof(*answer));
	if (!answer) {
		errbuf_set(&err, -ENOMEM, "out of memory");
		return command_failed("status", &err);
	}
	if (ask(fd, answer, &err) < 0)
		return command_failed("status", &err);
	if (json)
		print_json(answer);
	else
		print_text(answer);
	return answer->status.generation > 0 &&
	                       answer->status.workers_current == answer->status.workers
	               ? EXIT_DONE
	               : EXIT_FAILED;
}

int command_status(int argc, char **argv)
{
	struct command_suite suite = { 0 };
	bool json = false;
	const struct option_row rows[] = {
		COMMAND_SUITE_OPTIONS(&suite),
		{ .name = "json", .flag = &json, .help = "print it as JSON" },
	};
	const struct option_command c = { "fraudctl status",
		                          "[--json]",
		                          "Says what runs on this host and which model it serves. "
		                          "Exit status 0 when a model is live "
		                          "and every worker serves the newest one.",
		                          rows,
		                          sizeof(rows) / sizeof(rows[0]),
		                          0,
		                          0 };
	int r = option_parse(&c, argc, argv);

	return r < 0 ? command_usage(r) : run(&suite, json);
}
