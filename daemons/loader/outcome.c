/*
 * How a load ends: whoever asked is answered, the registry's state is told, the line moves on, and
 * what was refused is remembered. Called by load.c at every way out.
 *
 * Invariant: each ask is answered once, and only when nothing of its load runs any more.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/loop.h"
#include "loader.h"

#define MAX_POLLS_TO_WAIT 64

static bool is_for_one_version(const struct load *load)
{
	return load->wish.wish == RELOAD_VERSION || load->wish.wish == RELOAD_ROLLBACK;
}

static void answer(struct loader *l, uint64_t id, enum reload_outcome outcome, const char *words)
{
	struct msg_reload_done done = { .outcome = outcome, .generation = l->live.generation };
	const struct registry_version *wanted = &l->load.wanted;
	bool dry = outcome == RELOAD_DONE_VERIFIED; /* about a version that is not live */

	loader_text(done.version, sizeof(done.version), dry ? wanted->version : l->live.version);
	loader_text(done.registry_version, sizeof(done.registry_version),
	            dry ? wanted->registry_version : l->live.registry_version);
	loader_text(done.words, sizeof(done.words), words);
	if (channel_send(l->daemon->channel, MSG_RELOAD_LOADED, id, &done, -1) < 0)
		log_warning(0, "could not tell fraudd how the reload ended");
}

static void finish(struct loader *l, enum reload_outcome outcome, const char *words)
{
	/* Whatever became of the wanted version, the kept one is better than none. */
	publish_kept(l, MODEL_FROM_LAST_KNOWN_GOOD);
	/* Before the answer: who reads both has the newer state with it. */
	publish_state(l);
	if (l->load.cause != LOAD_KEPT)
		poll_note(l, l->load.away);
	if (l->load.cause == LOAD_ASKED)
		answer(l, l->load.id, outcome, words);
	registry_folder_done(&l->load.folder);
	l->load = (struct load){ .folder = { .fd = -1 } };
	loop_timer_arm(l->next_timer, 0);
}

void outcome_succeed(struct loader *l, enum reload_outcome outcome, const char *words)
{
	const struct load *load = &l->load;
	char pinned[MESSAGE_WORDS] = "";

	if (outcome != RELOAD_DONE_VERIFIED) {
		l->refusal = (struct refusal){ .times = 0 };
		loader_text(l->told.last_error, sizeof(l->told.last_error), load->alias_error.text);
	}
	if (!*words && load->wish.wish == RELOAD_ALIAS && *l->told.pinned)
		snprintf(pinned, sizeof(pinned), "pinned to \"%s\"; alias \"%s\" names \"%s\"",
		         l->told.pinned, l->told.alias, l->told.alias_version);
	finish(l, outcome, *words ? words : pinned);
}

static bool is_same(const struct registry_version *a, const struct registry_version *b)
{
	return strcmp(a->version, b->version) == 0 &&
	       strcmp(a->registry_version, b->registry_version) == 0 && a->stamp == b->stamp;
}

/* But for numbers: how often something was tried, how long it took. */
static bool says_the_same(const char *a, const char *b)
{
	static const char digits[] = "0123456789";

	for (;;) {
		size_t n = strspn(a, digits), m = strspn(b, digits);

		if (!n != !m || (n == 0 && *a != *b))
			return false;
		if (n == 0 && *a == '\0')
			return true;
		a += n ? n : 1;
		b += m ? m : 1;
	}
}

/* A wish for one version that fails is the asker's business; last_error is about what this host
 * should serve by itself. A poll that fails as the one before is not logged again. */
void outcome_refuse(struct loader *l, const char *words)
{
	const struct load *load = &l->load;
	/* Versions differ in numbers only, too. */
	bool known =
	        says_the_same(l->told.last_error, words) && is_same(&l->last_wanted, &load->wanted);
	char copy[MESSAGE_WORDS];

	/* The words may lie in what is freed here. */
	loader_text(copy, sizeof(copy), words);
	if (load->cause == LOAD_POLL && known)
		log_debug("%s", copy);
	else
		log_error(0, "%s", copy);
	if (!is_for_one_version(load) && !(load->wish.flags & RELOAD_DRY_RUN) && !l->draining) {
		loader_text(l->told.last_error, sizeof(l->told.last_error), copy);
		l->last_wanted = load->wanted;
	}
	finish(l, RELOAD_DONE_REFUSED, copy);
}

void outcome_skip(struct loader *l)
{
	finish(l, RELOAD_DONE_REFUSED, "");
}

void outcome_queue(struct loader *l, const struct msg_reload *wish, uint64_t id)
{
	if (wish->wish >= RELOAD_WISH_MAX || !message_text(wish->version, sizeof(wish->version))) {
		answer(l, id, RELOAD_DONE_REFUSED, "no such kind of reload");
	} else if (l->draining) {
		answer(l, id, RELOAD_DONE_REFUSED, "the loader is stopping");
	} else if (l->ask_count == LOADER_MAX_ASKS) {
		answer(l, id, RELOAD_DONE_REFUSED, "too many reloads are waiting for the loader");
	} else {
		l->asks[l->ask_count].wish = *wish;
		l->asks[l->ask_count++].id = id;
		loop_timer_arm(l->next_timer, 0);
	}
}

void outcome_note(struct loader *l, bool of_the_files)
{
	struct refusal *f = &l->refusal;

	if (!is_same(&f->version, &l->load.wanted))
		*f = (struct refusal){ .version = l->load.wanted };
	memcpy(f->recipe, l->load.recipe, sizeof(f->recipe));
	/* Without a stamp nobody can say that the files are the same. */
	f->of_the_files = of_the_files && l->load.wanted.stamp != 0;
	f->polls_to_wait = f->times < 6 ? 1u << f->times : MAX_POLLS_TO_WAIT;
	f->times++;
}

bool outcome_is_known(struct loader *l)
{
	struct refusal *f = &l->refusal;

	if (!is_same(&f->version, &l->load.wanted) || strcmp(f->recipe, l->load.recipe) != 0)
		return false;
	if (f->of_the_files)
		return true;
	if (f->polls_to_wait == 0)
		return false;
	f->polls_to_wait--;
	return true;
}
