/*
 * One load, step by step: what does the alias name → which version is wanted → is it live already →
 * its files → the compile child → publish. Each step ends in a callback from the loop; every way
 * out is one of outcome.c's. Loads never overlap: loader.c begins the next.
 *
 * Invariant: a refusal at any step changes nothing but words; what is live stays live. The pin is
 * on disk before the model that it pins is published.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/settings.h"
#include "kept.h"
#include "loader.h"
#include "state.h"

static const char *state_dir(const struct loader *l)
{
	return l->daemon->settings->state_dir;
}

static const char *model_name(const struct loader *l)
{
	return l->daemon->settings->models.name;
}

static bool is_dry(const struct load *load)
{
	return load->wish.flags & RELOAD_DRY_RUN;
}

static bool pins(const struct load *load)
{
	return load->wish.wish == RELOAD_VERSION || load->wish.wish == RELOAD_ROLLBACK;
}

/* --- publish --- */

static void tell_alias(struct loader *l, const struct registry_version *v)
{
	loader_text(l->told.alias_version, sizeof(l->told.alias_version),
	            *v->version ? v->version : v->registry_version);
	loader_text(l->told.alias_registry_version, sizeof(l->told.alias_registry_version),
	            v->registry_version);
}

static void on_alias_moved(void *self, struct registry_result *result)
{
	struct loader *l = self;
	char words[MESSAGE_WORDS];

	if (result->result == 0) {
		tell_alias(l, &l->load.wanted);
		snprintf(words, sizeof(words),
		         "pinned until \"fraudctl unpin\"; alias \"%s\" names it for all hosts now",
		         l->told.alias);
		outcome_succeed(l, RELOAD_DONE_RELOADED, words);
		return;
	}
	snprintf(words, sizeof(words), "rolled back and pinned, but %s", result->err.text);
	log_warning(0, "%s", words);
	outcome_succeed(l, RELOAD_DONE_RELOADED, words);
}

/* The rollback of this host is done; the others follow the alias. */
static int move_alias(struct loader *l)
{
	const struct registry_version *wanted = &l->load.wanted;
	const struct registry_request q = {
		.verb = REGISTRY_SET_ALIAS,
		.alias = l->told.alias,
		.version = *wanted->registry_version ? wanted->registry_version : wanted->version,
	};

	l->load.step = LOAD_MOVING;
	return registry_start(l->registry, &q, on_alias_moved, l);
}

static int write_pin(struct loader *l, struct errbuf *err)
{
	int r;

	if (!pins(&l->load))
		return 0;
	r = state_write_pin(state_dir(l), model_name(l), l->load.wanted.version, err);
	if (r < 0)
		return r;
	loader_text(l->told.pinned, sizeof(l->told.pinned), l->load.wanted.version);
	/* Before the model: who writes down why it is live knows of the pin then. */
	publish_state(l);
	return 0;
}

static void settle_wish(struct loader *l, enum reload_outcome outcome)
{
	if (l->load.wish.wish != RELOAD_ROLLBACK ||
	    strcmp(l->told.alias_version, l->load.wanted.version) == 0 || move_alias(l) < 0)
		outcome_succeed(l, outcome, "");
}

static void confirm_live(struct loader *l)
{
	struct errbuf err = { "" };

	l->live.stamp = l->load.wanted.stamp;
	publish_origin(l);
	if (write_pin(l, &err) < 0)
		outcome_refuse(l, err.text);
	else
		settle_wish(l, RELOAD_DONE_UNCHANGED);
}

static void fill_record(const struct loader *l, const struct child_result *child,
                        struct record *ret)
{
	*ret = (struct record){
		.stamp = l->load.wanted.stamp,
		.size = child->size,
		.verified = child->verified,
	};
	memcpy(ret->name, child->name, sizeof(ret->name));
	memcpy(ret->version, child->version, sizeof(ret->version));
	memcpy(ret->registry_version, l->load.wanted.registry_version,
	       sizeof(ret->registry_version));
	memcpy(ret->recipe, l->load.recipe, sizeof(ret->recipe));
	memcpy(ret->digest, child->digest, sizeof(ret->digest));
}

static void publish_compiled(struct loader *l, struct compiler_outcome *o)
{
	enum model_origin origin =
	        l->load.cause == LOAD_KEPT ? MODEL_FROM_LAST_KNOWN_GOOD : MODEL_FROM_REGISTRY;
	struct record record;
	int r;

	fill_record(l, &o->child, &record);
	r = publish_number(l, &record, &o->err);
	if (r == 0)
		r = write_pin(l, &o->err);
	if (r == 0)
		r = publish(l, &record, &o->fd, origin, &o->err);
	if (r < 0) {
		outcome_refuse(l, o->err.text);
		return;
	}
	log_info("version \"%s\" is generation %" PRIu64 ": %s, verified by %s", record.version,
	         record.generation, o->child.note.text,
	         record.verified == MODEL_VERIFIED_GOLDEN ? "its golden rows" : "the reference");
	keeper_keep(&l->keeper, l->daemon->settings, &record, &l->load.folder, l->live_fd);
	settle_wish(l, RELOAD_DONE_RELOADED);
}

/* --- compile --- */

/* A folder that says another name than the registry's would be live under a name that no pin and no
 * alias can say. */
static int check_version(const struct loader *l, const struct child_result *child,
                         struct errbuf *err)
{
	const struct registry_version *wanted = &l->load.wanted;

	if (!*wanted->version || *wanted->registry_version ||
	    strcmp(wanted->version, child->version) == 0)
		return 0;
	return errbuf_set(err, -EBADMSG, "the folder holds version \"%s\"", child->version);
}

static void on_compiled(void *self, struct compiler_outcome *o)
{
	struct loader *l = self;
	struct load *load = &l->load;
	char words[MESSAGE_WORDS];

	load->compiler = NULL;
	if (l->draining) {
		outcome_refuse(l, "the loader is stopping");
		return;
	}
	if (o->result == 0) {
		o->result = check_version(l, &o->child, &o->err);
		o->of_the_files = o->result < 0;
	}
	if (o->result < 0) {
		outcome_note(l, o->of_the_files);
		snprintf(words, sizeof(words), "version \"%s\" was refused: %s",
		         load->wanted.version, o->err.text);
		outcome_refuse(l, words);
	} else if (is_dry(load)) {
		loader_text(load->wanted.version, sizeof(load->wanted.version), o->child.version);
		outcome_succeed(l, RELOAD_DONE_VERIFIED, o->child.note.text);
	} else if (o->child.unchanged) {
		confirm_live(l);
	} else {
		publish_compiled(l, o);
	}
}

/* The live image was made of this version with these settings; only the files may differ. */
static bool is_live_version(const struct loader *l)
{
	const struct load *load = &l->load;
	const struct record *live = &l->live;

	return live->generation != 0 && loader_is_version(live, &load->wanted) &&
	       strcmp(live->recipe, load->recipe) == 0;
}

static bool may_be_unchanged(const struct loader *l)
{
	return !(l->load.wish.flags & (RELOAD_FORCE | RELOAD_DRY_RUN)) && is_live_version(l);
}

static void compile(struct loader *l)
{
	const struct compiler_request q = {
		.base = l->daemon->base,
		.settings = l->daemon->settings,
		.version = l->load.wanted.version,
		.folder_fd = l->load.folder.fd,
		.unless = may_be_unchanged(l) ? l->live.digest : NULL,
	};
	char words[MESSAGE_WORDS];
	int r;

	l->load.step = LOAD_COMPILING;
	r = compiler_start(&q, on_compiled, l, &l->load.compiler);
	if (r < 0) {
		snprintf(words, sizeof(words), "could not start the compile child: %s",
		         strerror(-r));
		outcome_refuse(l, words);
	}
}

/* Not at all there, as opposed to: there, and wrong. */
static bool is_away(int result)
{
	return result == -EHOSTUNREACH || result == -ETIMEDOUT || result == -EPROTO ||
	       result == -EACCES;
}

/* Once for each change: as whom the storage is asked. */
static void note_storage(struct loader *l)
{
	const char *storage = registry_storage(l->registry);

	if (!storage || strcmp(storage, l->storage) == 0)
		return;
	loader_text(l->storage, sizeof(l->storage), storage);
	log_info("files of the registry come from Azure, by %s", storage);
}

static void on_folder(void *self, struct registry_result *result)
{
	struct loader *l = self;

	note_storage(l);
	if (result->result < 0) {
		l->load.away = is_away(result->result);
		/* Another try would end alike: not at every poll. */
		if (!l->load.away)
			outcome_note(l, false);
		outcome_refuse(l, result->err.text);
		return;
	}
	l->load.folder = result->folder;
	result->folder = (struct registry_folder){ .fd = -1 };
	compile(l);
}

/* --- which version --- */

static void ask(struct loader *l, const struct registry_request *q, enum load_step step,
                registry_fn *on_result)
{
	l->load.step = step;
	if (registry_start(l->registry, q, on_result, l) < 0)
		outcome_refuse(l, "no memory to ask the registry");
}

/* The kept version waits for this: is it the wanted one? */
static void offer_kept(struct loader *l)
{
	const struct load *load = &l->load;
	const struct record *kept = &l->kept;
	bool same = loader_is_version(kept, &load->wanted) &&
	            strcmp(kept->recipe, load->recipe) == 0 && kept->stamp == load->wanted.stamp &&
	            kept->stamp != 0;

	publish_kept(l, same ? MODEL_FROM_REGISTRY : MODEL_FROM_LAST_KNOWN_GOOD);
}

static void on_wanted(struct loader *l, const struct registry_version *wanted)
{
	struct load *load = &l->load;
	const struct registry_request q = { .verb = REGISTRY_FETCH, .found = wanted };

	load->wanted = *wanted;
	offer_kept(l);
	if (may_be_unchanged(l) && wanted->stamp != 0 && wanted->stamp == l->live.stamp)
		confirm_live(l);
	else if (load->cause == LOAD_POLL && outcome_is_known(l))
		outcome_skip(l);
	else
		ask(l, &q, LOAD_FETCHING, on_folder);
}

static void on_found(void *self, struct registry_result *result)
{
	struct loader *l = self;

	if (result->result == 0) {
		on_wanted(l, &result->version);
		return;
	}
	l->load.away = is_away(result->result);
	if (l->load.wish.wish == RELOAD_ROLLBACK)
		errbuf_precede(&result->err, "cannot roll back");
	outcome_refuse(l, result->err.text);
}

/* True if another version than the alias's is wanted, and how to find that. */
static bool wants_other(const struct loader *l, struct registry_request *ret)
{
	const struct load *load = &l->load;

	if (load->wish.wish == RELOAD_ROLLBACK)
		*ret = (struct registry_request){ .verb = REGISTRY_RESOLVE,
			                          .alias = REGISTRY_PREVIOUS };
	else if (load->wish.wish == RELOAD_VERSION)
		*ret = (struct registry_request){ .verb = REGISTRY_FIND,
			                          .version = load->wish.version };
	else if (load->wish.wish == RELOAD_ALIAS && *l->told.pinned)
		*ret = (struct registry_request){ .verb = REGISTRY_FIND,
			                          .version = l->told.pinned };
	else
		return false;
	return true;
}

static void on_alias(void *self, struct registry_result *result)
{
	struct loader *l = self;
	struct registry_request q;

	l->told.asked_at_us = clock_real_us();
	l->load.alias_error = result->err;
	/* What it named last is worth more than nothing. */
	if (is_away(result->result))
		l->load.away = true;
	else
		tell_alias(l, &result->version);
	if (wants_other(l, &q))
		ask(l, &q, LOAD_FINDING, on_found);
	else
		on_found(l, result);
}

/* --- the beginning --- */

static int renew_pin(struct loader *l, struct errbuf *err)
{
	const struct load *load = &l->load;
	bool ends = load->wish.wish == RELOAD_UNPIN;

	if (ends && !is_dry(load)) {
		memset(l->told.pinned, 0, sizeof(l->told.pinned));
		return state_write_pin(state_dir(l), model_name(l), "", err);
	}
	return state_read_pin(state_dir(l), model_name(l), l->told.pinned, err);
}

static void begin(struct loader *l, const struct load *load)
{
	const struct registry_request q = { .verb = REGISTRY_RESOLVE,
		                            .alias = l->daemon->settings->models.alias };
	struct errbuf err = { "" };

	l->load = *load;
	l->load.folder.fd = -1;
	l->load.step = LOAD_RESOLVING;
	record_recipe(l->daemon->settings, l->load.recipe);
	if (renew_pin(l, &err) < 0)
		outcome_refuse(l, err.text);
	else
		ask(l, &q, LOAD_RESOLVING, on_alias);
}

static void begin_kept(struct loader *l)
{
	struct load *load = &l->load;
	int r;

	*load = (struct load){ .cause = LOAD_KEPT, .folder = { .fd = -1 } };
	record_recipe(l->daemon->settings, load->recipe);
	memcpy(load->wanted.version, l->kept.version, sizeof(load->wanted.version));
	memcpy(load->wanted.registry_version, l->kept.registry_version,
	       sizeof(load->wanted.registry_version));
	load->wanted.stamp = l->kept.stamp;
	r = kept_open_bundle(state_dir(l), &load->folder.fd);
	if (r < 0)
		outcome_refuse(l, "the kept version cannot be opened");
	else
		compile(l);
}

void load_begin(struct loader *l, enum load_cause cause)
{
	if (cause == LOAD_KEPT)
		begin_kept(l);
	else
		begin(l, &(struct load){ .cause = cause });
}

void load_begin_ask(struct loader *l, const struct msg_reload *wish, uint64_t id)
{
	begin(l, &(struct load){ .cause = LOAD_ASKED, .wish = *wish, .id = id });
}

void load_stop(struct loader *l)
{
	if (l->load.compiler) {
		compiler_stop(l->load.compiler);
	} else if (l->load.step != LOAD_IDLE) {
		/* It waits for the registry, which may take long and is not needed any more. */
		registry_free(take_ptr(&l->registry));
		outcome_refuse(l, "the loader is stopping");
	}
}
