/*
 * POST /reload. The worker only carries the wish to the supervisor and the outcome back: the answer
 * comes when every worker of the host serves the generation, or says why not.
 */
#include "reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "answers.h"
#include "generation.h"
#include "handlers.h"
#include "http/exchange.h"
#include "query.h"

struct waiting {
	LIST_ENTRY(waiting) entry;
	struct call *call;
	uint64_t id;
};

struct reloads {
	LIST_HEAD(, waiting) list;
	uint64_t last_id;
};

int reloads_new(struct reloads **ret)
{
	struct reloads *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	LIST_INIT(&r->list);
	*ret = r;
	return 0;
}

void reloads_free(struct reloads *r)
{
	free(r);
}

static void forget(void *waiting)
{
	struct waiting *w = waiting;

	LIST_REMOVE(w, entry);
}

/* False: the call has ended. */
static bool read_wish(struct call *c, struct msg_reload *wish)
{
	struct str version;
	struct faults *f = faults_new(c);

	if (!f) {
		answer_error(c, 503, 1, "out of memory");
		return false;
	}
	*wish = (struct msg_reload){ .wish = RELOAD_ALIAS };
	if (query_flag(c, f, "force", false))
		wish->flags |= RELOAD_FORCE;
	if (query_flag(c, f, "dry_run", false))
		wish->flags |= RELOAD_DRY_RUN;
	if (http_parameter(c->exchange, "version", &version)) {
		if (version.n == 0 || version.n >= sizeof(wish->version) || !str_is_utf8(version)) {
			struct fault_place at = { .source = "query", .member = STR("version") };

			faults_add(f, &at,
			           &(struct field_fault){
			                   .type = "value_error",
			                   .message = "Input should be the name of a version" },
			           &(struct fault_input){ .text = version });
		} else {
			wish->wish = RELOAD_VERSION;
			memcpy(wish->version, version.p, version.n);
		}
	}
	if (f->count > 0)
		answer_faults(c, f);
	return f->count == 0;
}

void handle_reload(struct call *c)
{
	struct reloads *list = c->front->reloads;
	struct arena *a = http_arena(c->exchange);
	struct msg_reload wish;
	struct waiting *w;

	if (!read_wish(c, &wish))
		return;
	w = arena_calloc(a, 1, sizeof(*w));
	if (!w) {
		answer_error(c, 503, 1, "out of memory");
		return;
	}
	w->call = c;
	w->id = ++list->last_id;
	LIST_INSERT_HEAD(&list->list, w, entry);
	if (arena_on_free(a, forget, w) < 0 ||
	    channel_send(c->front->daemon->channel, MSG_RELOAD_WANTED, w->id, &wish, -1) < 0)
		answer_error(c, 503, 1, "the supervisor does not answer");
}

static void write_done(struct json_writer *w, const struct msg_reload_done *done)
{
	static const char *const status[RELOAD_OUTCOME_MAX] = {
		[RELOAD_DONE_RELOADED] = "reloaded",
		[RELOAD_DONE_UNCHANGED] = "unchanged",
		[RELOAD_DONE_VERIFIED] = "verified",
	};

	json_begin_object(w);
	json_write_name(w, "status");
	json_write_text(w, str_of(status[done->outcome]));
	json_write_name(w, "model_version");
	json_write_text(w, str_of(done->version));
	json_write_name(w, "registry_version");
	if (done->registry_version[0])
		json_write_text(w, str_of(done->registry_version));
	else
		json_write_null(w);
	json_write_name(w, "generation");
	json_write_unsigned(w, done->generation);
	json_write_name(w, "workers");
	json_write_unsigned(w, done->workers);
	if (done->words[0]) {
		json_write_name(w, "note");
		json_write_text(w, str_of(done->words));
	}
	json_end_object(w);
}

static void answer_done(struct call *c, const struct msg_reload_done *done)
{
	struct strbuf *out = &c->front->out;
	struct json_writer w = { .out = out };

	switch ((enum reload_outcome)done->outcome) {
	case RELOAD_DONE_RELOADED:
	case RELOAD_DONE_UNCHANGED:
	case RELOAD_DONE_VERIFIED:
		strbuf_reset(out);
		write_done(&w, done);
		answer_out(c, 200, TYPE_JSON);
		return;
	case RELOAD_DONE_TIMEOUT:
		answer_error(c, 504, 0, "%s", done->words);
		return;
	case RELOAD_DONE_REFUSED:
	case RELOAD_DONE_BAD_SETTINGS:
	case RELOAD_OUTCOME_MAX:
		break;
	}
	answer_error(c, 409, 0, "%s", done->words);
}

void reloads_on_done(struct front *f, uint64_t id, const struct msg_reload_done *done)
{
	struct waiting *w;

	LIST_FOREACH(w, &f->reloads->list, entry)
	{
		if (w->id == id) {
			answer_done(w->call, done);
			return; /* the end of the exchange takes it off the list */
		}
	}
}
