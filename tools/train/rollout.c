/*
 * The alias has moved; now the hosts must follow. Others hear of it by NOTIFY and reload by
 * themselves; this one is asked over its control socket, which answers when all workers have it.
 * model_live_history tells who lives and what is served there.
 *
 * Called by promotion.c.
 */
#include "rollout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "daemon/control.h"
#include "db/db.h"

#define GRACE_MS 5000 /* the supervisor's own time-out comes first */
#define LOOK_MS 100   /* between two looks at the table */
#define SMALL_FILE 256

/* --- this host --- */

/* state_dir/pin is one line, "<model> <version>", written by the loader. */
static int read_pin_file(const struct settings *s, char ret[MESSAGE_NAME], struct errbuf *err)
{
	CLEANUP(free_p) char *text = NULL;
	char path[PATH_MAX];
	char *version;
	size_t n;
	int r;

	snprintf(path, sizeof(path), "%s/pin", s->state_dir);
	r = file_read(AT_FDCWD, path, SMALL_FILE, &text, &n);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return errbuf_set(err, r, "could not read \"%s\": %s", path, strerror(-r));
	text[strcspn(text, "\n")] = '\0';
	version = strchr(text, ' ');
	if (!version || strlen(version + 1) >= MESSAGE_NAME)
		return errbuf_set(err, -EBADMSG, "\"%s\" holds no pin: \"fraudctl unpin\" ends it",
		                  path);
	*version++ = '\0';
	if (strcmp(text, s->models.name) == 0)
		memcpy(ret, version, strlen(version) + 1);
	return 0;
}

int rollout_look(const struct settings *s, struct rollout_here *ret, struct errbuf *err)
{
	struct msg_status_child child;
	CLEANUP(close_p) int fd = -1;
	struct msg_status status;
	struct errbuf words;
	int r = control_connect(s->runtime_dir, &fd, &words);

	*ret = (struct rollout_here){ 0 };
	if (r == -ENOENT || r == -ECONNREFUSED)
		return read_pin_file(s, ret->pinned, err);
	if (r == 0)
		r = control_status(fd, &status, &child, 1, &words);
	if (r < 0) {
		*err = words;
		return r;
	}
	if (!message_text(status.registry.pinned, sizeof(status.registry.pinned)))
		return errbuf_set(err, -EBADMSG, "the supervisor's answer cannot be read");
	ret->runs = true;
	memcpy(ret->pinned, status.registry.pinned, sizeof(ret->pinned));
	return 0;
}

static int reload(const struct settings *s, const struct msg_reload *wish,
                  struct msg_reload_done *ret, struct errbuf *err)
{
	CLEANUP(close_p) int fd = -1;
	int r = control_connect(s->runtime_dir, &fd, err);

	if (r == 0)
		r = control_reload(fd, wish, (int)s->reload.timeout_seconds * 1000 + GRACE_MS, ret,
		                   err);
	if (r == 0 &&
	    (ret->outcome >= RELOAD_OUTCOME_MAX || !message_text(ret->words, sizeof(ret->words))))
		r = errbuf_set(err, -EBADMSG, "the supervisor's answer cannot be read");
	return r;
}

int rollout_try(const struct settings *s, const struct rollout_here *here, const char *version,
                struct errbuf *err)
{
	struct msg_reload wish = { .wish = RELOAD_VERSION, .flags = RELOAD_DRY_RUN };
	struct msg_reload_done done = { 0 };
	int r;

	if (!here->runs)
		return 0;
	snprintf(wish.version, sizeof(wish.version), "%s", version);
	r = reload(s, &wish, &done, err);
	if (r == 0 && done.outcome == RELOAD_DONE_REFUSED)
		r = errbuf_set(err, -EBADMSG, "the suite of this host refuses it: %s", done.words);
	else if (r == 0 && done.outcome == RELOAD_DONE_TIMEOUT)
		r = errbuf_set(err, -ETIMEDOUT, "the suite of this host did not verify it in time");
	return r;
}

static void reload_here(const struct settings *s, struct rollout *ret)
{
	const struct msg_reload wish = { .wish = RELOAD_ALIAS };
	struct msg_reload_done done = { 0 };

	if (reload(s, &wish, &done, &ret->words) < 0)
		return;
	ret->refused = done.outcome == RELOAD_DONE_REFUSED;
	if (done.outcome != RELOAD_DONE_RELOADED && done.outcome != RELOAD_DONE_UNCHANGED)
		errbuf_set(&ret->words, 0, "the suite of this host %s: %s",
		           ret->refused ? "refuses it" : "is late", done.words);
	else
		ret->words.text[0] = '\0';
}

/* --- all hosts --- */

static const char hosts_sql[] = "select host, model_version = $2 from model_live_history"
                                " where live_until is null and model_name = $1"
                                " and seen_at > clock_timestamp() - interval '30 s' order by host";

static void add_name(struct rollout *r, const char *host)
{
	size_t n = strlen(r->names);

	if (n + strlen(host) + 3 <= sizeof(r->names))
		snprintf(r->names + n, sizeof(r->names) - n, "%s%s", n ? ", " : "", host);
}

static int look_at_hosts(const struct settings *s, struct db *db, const char *version,
                         struct rollout *ret, struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	const struct db_param params[] = { DB_TEXT(s->models.name), DB_TEXT(version) };
	int r = db_query(db, hosts_sql, params, 2, &rows, err);

	if (r < 0)
		return r;
	ret->hosts = (unsigned)db_rows(rows);
	ret->missing = 0;
	ret->names[0] = '\0';
	for (size_t i = 0; i < db_rows(rows); i++) {
		if (db_bool(rows, i, 1))
			continue;
		ret->missing++;
		add_name(ret, db_text(rows, i, 0).p);
	}
	return 0;
}

static int wait_for_hosts(const struct settings *s, struct db *db, const char *version,
                          struct rollout *ret, struct errbuf *err)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	uint64_t end = clock_mono_ns() + s->promote.verify_seconds * UINT64_C(1000000000);
	int r = look_at_hosts(s, db, version, ret, err);

	while (r == 0 && ret->missing && clock_mono_ns() < end) {
		nanosleep(&pause, NULL);
		r = look_at_hosts(s, db, version, ret, err);
	}
	return r;
}

static int notify(struct db *db, const char *version, struct errbuf *err)
{
	const struct db_param params[] = { DB_TEXT(version) };

	return db_query(db, "select pg_notify('fraudd_model', $1)", params, 1, NULL, err);
}

int rollout_run(const struct settings *s, const struct rollout_here *here, struct db *db,
                const char *version, struct rollout *ret, struct errbuf *err)
{
	int r = db ? notify(db, version, err) : 0;

	*ret = (struct rollout){ .here = here->runs };
	if (here->runs)
		reload_here(s, ret);
	if (r < 0 || !db || ret->refused)
		return r;
	return wait_for_hosts(s, db, version, ret, err);
}
