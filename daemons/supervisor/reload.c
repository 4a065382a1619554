/*
 * One reload at a time, as a walk through steps: settings are read here and checked by every child,
 * then applied by all; the loader finds and publishes the model; the workers take it. Each step
 * ends by a message, by a child's end, or by reload.timeout_seconds. Who wishes the same joins the
 * line at the same place; who wishes something else waits.
 *
 * A wish that reads settings is joined only while it waits: one that runs may have read the file
 * before the asker wrote it.
 */
#include "reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "daemon/loop.h"
#include "daemon/sealed_settings.h"

static void drop_next(struct reload *r)
{
	settings_free(r->next);
	r->next = NULL;
}

/* Words, then the keys that wait for a restart; cut to the message's room at a whole character. */
static void set_words(struct reload *r, struct msg_reload_done *done, const char *words)
{
	const char *notes = r->notes.n ? r->notes.p : "";
	char text[2 * MESSAGE_WORDS];
	size_t n;

	snprintf(text, sizeof(text), "%s%s%s", words, *words && *notes ? "; " : "", notes);
	n = str_utf8_cut(str_of(text), MESSAGE_WORDS - 1);
	memset(done->words, 0, sizeof(done->words));
	memcpy(done->words, text, n);
}

static void answer(const struct reload_asker *a, const struct msg_reload_done *done)
{
	/* An asker that does not read or is gone has lost its answer, nothing else. */
	if (a->channel)
		channel_send(a->channel, MSG_RELOAD_DONE, a->id, done, -1);
}

/* What status tells until settings are read that can be used. */
static void note_settings(struct reload *r, const struct msg_reload_done *done)
{
	uint32_t flags = r->turns[0].wish.flags & (RELOAD_SETTINGS | RELOAD_DRY_RUN);

	if (flags != RELOAD_SETTINGS)
		return;
	if (done->outcome != RELOAD_DONE_BAD_SETTINGS && r->step != RELOAD_CHECKING)
		return;
	r->refused.at_us = clock_real_us();
	memcpy(r->refused.words, done->words, sizeof(r->refused.words));
}

static void finish(struct reload *r, enum reload_outcome outcome, const char *words)
{
	struct reload_turn *turn = &r->turns[0];
	struct msg_reload_done done = r->done;

	loop_timer_disarm(r->timer);
	drop_next(r);
	done.outcome = outcome;
	done.workers = model_workers(r->model).current;
	if (done.generation == 0)
		done.generation = r->model->info.generation;
	set_words(r, &done, words);
	note_settings(r, &done);
	for (unsigned i = 0; i < turn->asker_count; i++)
		answer(&turn->askers[i], &done);
	r->step = RELOAD_IDLE;
	r->hooks->ended(r->self, &turn->wish, &done);
	r->turn_count--;
	memmove(r->turns, r->turns + 1, r->turn_count * sizeof(r->turns[0]));
}

/* Settings that one kind of child may see, as the file that travels with MSG_SETTINGS_CHECK. */
static int send_check(struct reload *r, struct child *c)
{
	struct msg_settings m = { .instance = c->instance, .instances = c->instances };
	CLEANUP(close_p) int fd = -1;
	int n = sealed_settings_write(r->next, c->service->audience, &fd, &m.size);

	return n < 0 ? n : channel_send(c->channel, MSG_SETTINGS_CHECK, r->id, &m, fd);
}

static void check_with_children(struct reload *r)
{
	for (size_t i = 0; i < r->children->count; i++) {
		struct child *c = &r->children->list[i];
		int n;

		c->settings_asked = false;
		if (!c->channel)
			continue;
		n = send_check(r, c);
		if (n < 0 && n != -EPIPE)
			child_refuse(c, n, "could not be asked about the new settings");
		c->settings_asked = n == 0 && c->process.state == PROCESS_UP;
	}
}

static void add_note(void *self, const char *key, bool applies)
{
	struct reload *r = self;

	log_info("setting %s has changed%s", key, applies ? "" : ", which waits for a restart");
	if (applies)
		return;
	strbuf_addf(&r->notes, "%s%s", r->notes.n ? ", " : "waiting for a restart: ", key);
}

static void begin_settings(struct reload *r)
{
	struct strbuf words = { .limit = (size_t)16 * 1024 };
	int n = r->hooks->read(r->self, &r->next, &words);

	if (n == 0)
		n = settings_merge(r->children->settings, r->next, add_note, r);
	if (n < 0) {
		finish(r, RELOAD_DONE_BAD_SETTINGS, words.n ? words.p : strerror(-n));
	} else {
		r->step = RELOAD_CHECKING;
		check_with_children(r);
	}
	strbuf_done(&words);
}

static void begin_load(struct reload *r)
{
	struct child *loader = children_find(r->children, SERVICE_LOADER);
	struct msg_reload wish = r->turns[0].wish;
	bool settings = wish.flags & RELOAD_SETTINGS;

	wish.flags &= ~(uint32_t)RELOAD_SETTINGS;
	if (!loader) {
		finish(r, settings ? RELOAD_DONE_UNCHANGED : RELOAD_DONE_REFUSED,
		       "this suite runs no loader");
		return;
	}
	if (!loader->channel ||
	    channel_send(loader->channel, MSG_RELOAD_LOAD, r->id, &wish, -1) < 0) {
		finish(r, RELOAD_DONE_REFUSED, "the loader does not run");
		return;
	}
	r->loader = loader->pid;
	r->step = RELOAD_LOADING;
}

static bool everybody(const struct service *s)
{
	(void)s;
	return true;
}

/* All children have agreed. */
static void settings_agreed(struct reload *r)
{
	struct msg_nothing nothing = { 0 };
	struct settings *next = r->next;

	r->next = NULL;
	if (r->turns[0].wish.flags & RELOAD_DRY_RUN) {
		settings_free(next);
	} else {
		r->hooks->apply(r->self, next);
		memset(&r->refused, 0, sizeof(r->refused));
		children_send(r->children, everybody, MSG_SETTINGS_APPLY, &nothing, -1);
	}
	begin_load(r);
}

static void begin(struct reload *r)
{
	const struct msg_reload *wish = &r->turns[0].wish;
	uint64_t seconds = r->children->settings->reload.timeout_seconds;

	r->id++;
	r->done = (struct msg_reload_done){ 0 };
	strbuf_reset(&r->notes);
	loop_timer_arm(r->timer, seconds * 1000);
	r->hooks->begun(r->self, wish);
	if (wish->flags & RELOAD_SETTINGS)
		begin_settings(r);
	else
		begin_load(r);
}

static bool checks_are_due(const struct reload *r)
{
	for (size_t i = 0; i < r->children->count; i++)
		if (r->children->list[i].settings_asked && r->children->list[i].channel)
			return true;
	return false;
}

static void look_at_loader(struct reload *r)
{
	const struct child *loader = children_find(r->children, SERVICE_LOADER);

	if (loader->pid != r->loader)
		finish(r, RELOAD_DONE_REFUSED, "the loader ended before it answered");
}

static void look_at_workers(struct reload *r)
{
	struct model_workers w = model_workers(r->model);
	char words[MESSAGE_WORDS];

	if (w.current == w.up) {
		finish(r, (enum reload_outcome)r->done.outcome, r->done.words);
		return;
	}
	if (!w.failed)
		return;
	snprintf(words, sizeof(words), "worker %" PRIu32 " cannot use generation %" PRIu64 ": %s",
	         w.failed->instance, r->model->info.generation, strerror(-w.failed->model_result));
	finish(r, RELOAD_DONE_REFUSED, words);
}

static void look_once(struct reload *r)
{
	switch (r->step) {
	case RELOAD_CHECKING:
		if (!checks_are_due(r))
			settings_agreed(r);
		break;
	case RELOAD_LOADING:
		look_at_loader(r);
		break;
	case RELOAD_SPREADING:
		look_at_workers(r);
		break;
	case RELOAD_IDLE:
		break;
	}
}

/* Until nothing moves by itself any more: a step may be complete before it has begun. */
void reload_look(struct reload *r)
{
	enum reload_step step;
	uint64_t id;

	do {
		if (r->step == RELOAD_IDLE && r->turn_count > 0)
			begin(r);
		step = r->step;
		id = r->id;
		look_once(r);
	} while (r->step != step || r->id != id || (r->step == RELOAD_IDLE && r->turn_count > 0));
}

static void on_timeout(void *self)
{
	struct reload *r = self;
	struct model_workers w = model_workers(r->model);
	char words[MESSAGE_WORDS] = "the loader did not answer in time";

	if (r->step == RELOAD_IDLE)
		return;
	if (r->step == RELOAD_CHECKING)
		snprintf(words, sizeof(words), "not all children checked the settings in time");
	if (r->step == RELOAD_SPREADING)
		snprintf(words, sizeof(words),
		         "%" PRIu32 " of %" PRIu32 " workers serve generation %" PRIu64, w.current,
		         w.up, r->model->info.generation);
	finish(r, RELOAD_DONE_TIMEOUT, words);
	reload_look(r);
}

int reload_init(struct reload *r, struct children *children, struct model *model,
                const struct reload_hooks *hooks, void *self)
{
	*r = (struct reload){ .children = children, .model = model, .hooks = hooks, .self = self };
	r->notes.limit = MESSAGE_WORDS;
	return loop_timer_new(children->base, on_timeout, r, &r->timer);
}

void reload_done(struct reload *r)
{
	loop_timer_free(r->timer);
	drop_next(r);
	strbuf_done(&r->notes);
}

static bool makes_sense(const struct msg_reload *w)
{
	const uint32_t known = RELOAD_FORCE | RELOAD_DRY_RUN | RELOAD_SETTINGS;

	if (w->wish >= RELOAD_WISH_MAX || (w->flags & ~known))
		return false;
	if (!message_text(w->version, sizeof(w->version)))
		return false;
	return w->wish != RELOAD_VERSION || w->version[0];
}

static bool joins(const struct reload *r, unsigned i, const struct msg_reload *w)
{
	const struct msg_reload *other = &r->turns[i].wish;

	if (other->wish != w->wish || other->flags != w->flags ||
	    strcmp(other->version, w->version) != 0)
		return false;
	if (i == 0 && r->step != RELOAD_IDLE && (w->flags & RELOAD_SETTINGS))
		return false;
	return r->turns[i].asker_count < RELOAD_MAX_ASKERS;
}

/* The place in line, or -1 when it is full. */
static int find_turn(struct reload *r, const struct msg_reload *wish)
{
	for (unsigned i = 0; i < r->turn_count; i++)
		if (joins(r, i, wish))
			return (int)i;
	if (r->turn_count == RELOAD_MAX_TURNS)
		return -1;
	r->turns[r->turn_count] = (struct reload_turn){ .wish = *wish };
	return (int)r->turn_count++;
}

static void refuse(struct channel *channel, uint64_t id, const char *words)
{
	struct msg_reload_done done = { .outcome = RELOAD_DONE_REFUSED };
	struct reload_asker asker = { channel, id };

	snprintf(done.words, sizeof(done.words), "%s", words);
	answer(&asker, &done);
}

void reload_ask(struct reload *r, const struct msg_reload *wish, struct channel *channel,
                uint64_t id)
{
	struct reload_turn *turn;
	int i;

	if (!makes_sense(wish)) {
		refuse(channel, id, "no such kind of reload");
		return;
	}
	i = find_turn(r, wish);
	if (i < 0) {
		refuse(channel, id, "too many reloads are waiting");
		return;
	}
	turn = &r->turns[i];
	turn->askers[turn->asker_count++] = (struct reload_asker){ channel, id };
	reload_look(r);
}

void reload_forget(struct reload *r, const struct channel *channel)
{
	for (unsigned i = 0; i < r->turn_count; i++)
		for (unsigned j = 0; j < r->turns[i].asker_count; j++)
			if (r->turns[i].askers[j].channel == channel)
				r->turns[i].askers[j].channel = NULL;
}

void reload_introduce(struct reload *r, struct child *c)
{
	int n = r->step == RELOAD_CHECKING ? send_check(r, c) : 0;

	if (n < 0)
		child_refuse(c, n, "could not be told of the new settings");
}

void reload_checked(struct reload *r, struct child *c, uint64_t id,
                    const struct msg_settings_checked *m)
{
	char words[MESSAGE_WORDS + 64];

	if (r->step != RELOAD_CHECKING || id != r->id || !c->settings_asked)
		return;
	c->settings_asked = false;
	if (m->result < 0) {
		snprintf(words, sizeof(words), "%s %" PRIu32 ": %s", c->service->name, c->instance,
		         m->words[0] ? m->words : strerror(-m->result));
		finish(r, RELOAD_DONE_BAD_SETTINGS, words);
	}
	reload_look(r);
}

void reload_loaded(struct reload *r, uint64_t id, const struct msg_reload_done *m)
{
	if (r->step != RELOAD_LOADING || id != r->id)
		return;
	r->done = *m;
	if (m->outcome != RELOAD_DONE_RELOADED && m->outcome != RELOAD_DONE_UNCHANGED)
		finish(r, (enum reload_outcome)m->outcome, m->words);
	else if (r->model->fd < 0 || m->generation > r->model->info.generation)
		finish(r, RELOAD_DONE_REFUSED, "the model that the loader made was not accepted");
	else
		r->step = RELOAD_SPREADING;
	reload_look(r);
}
