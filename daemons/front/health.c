/*
 * What a balancer, an orchestrator and a person ask: does the loop turn (livez), may traffic come
 * (readyz), which model serves and how the registry is doing (health). None asks a dependency.
 */
#include <stdio.h>

#include "answers.h"
#include "auth.h"
#include "base/civil.h"
#include "generation.h"
#include "handlers.h"
#include "http/exchange.h"
#include "query.h"

static void write_member(struct json_writer *w, const char *name, const char *text)
{
	if (!text[0])
		return;
	json_write_name(w, name);
	json_write_text(w, str_of(text));
}

/* Whoever may connect reads a public listener: there no words that name hosts, ports or files. */
static const char *trouble_words(const struct call *c)
{
	const char *words = c->front->registry.last_error;

	if (!words[0] || http_role(c->exchange) == LISTENER_OPERATOR)
		return words;
	return "the registry or the version that it names cannot be used";
}

static void write_registry(struct json_writer *w, const struct call *c)
{
	const struct msg_registry_state *r = &c->front->registry;
	char asked[21];

	write_member(w, "alias", r->alias);
	write_member(w, "alias_version", r->alias_version);
	write_member(w, "alias_registry_version", r->alias_registry_version);
	write_member(w, "pinned", r->pinned);
	if (!r->kind[0])
		return;
	json_write_name(w, "registry");
	json_begin_object(w);
	write_member(w, "kind", r->kind);
	if (r->asked_at_us) {
		civil_print_utc(r->asked_at_us, asked);
		write_member(w, "asked_at", asked);
	}
	write_member(w, "last_error", trouble_words(c));
	json_end_object(w);
}

static const char *unavailable_reason(const struct call *c)
{
	const char *words = trouble_words(c);

	return words[0] ? words : "no model is loaded yet";
}

static void write_health(struct json_writer *w, const struct call *c)
{
	const struct generation *g = c->front->current;

	json_begin_object(w);
	write_member(w, "status", g ? "ok" : "unavailable");
	if (g) {
		write_member(w, "model_version", g->about.version);
		write_member(w, "registry_version", g->about.registry_version);
		json_write_name(w, "generation");
		json_write_unsigned(w, g->about.generation);
		write_member(w, "verified",
		             g->about.verified == MODEL_VERIFIED_GOLDEN ? "golden" : "self");
		write_member(w, "source",
		             g->about.origin == MODEL_FROM_REGISTRY ? "registry"
		                                                    : "last-known-good");
	} else {
		write_member(w, "reason", unavailable_reason(c));
	}
	write_registry(w, c);
	json_end_object(w);
}

void handle_health(struct call *c)
{
	struct front *f = c->front;
	struct json_writer w = { .out = &f->out };

	strbuf_reset(&f->out);
	write_health(&w, c);
	answer_out(c, f->current ? 200 : 503, TYPE_JSON);
}

void handle_livez(struct call *c)
{
	answer(c, 200, "text/plain; charset=utf-8", STR("ok\n"));
}

static void check_line(struct strbuf *out, bool good, const char *name, const char *words)
{
	strbuf_addf(out, "[%s] %s: %s\n", good ? "+" : "-", name, words);
}

static const char *auth_words(const struct front *f)
{
	if (!f->auth)
		return "OFF: scoring and reload are open to everybody who can connect";
	if (auth_is_up(f->auth))
		return "the database of users and tokens answers";
	return auth_was_up(f->auth) ? "the database of users and tokens is away: tokens that are "
	                              "not remembered get 503"
	                            : "the database of users and tokens has not answered yet";
}

void handle_readyz(struct call *c)
{
	struct front *f = c->front;
	bool known = !f->auth || auth_was_up(f->auth);
	bool ready = f->current && known && !f->draining;

	strbuf_reset(&f->out);
	if (query_flag(c, NULL, "verbose", false)) {
		check_line(&f->out, f->current != NULL, "model",
		           f->current ? f->current->about.version : unavailable_reason(c));
		check_line(&f->out, !f->draining, "traffic",
		           f->draining ? "the suite is stopping" : "welcome");
		check_line(&f->out, known, "auth", auth_words(f));
	}
	strbuf_adds(&f->out, ready ? "ready\n" : "not ready\n");
	answer_out(c, ready ? 200 : 503, "text/plain; charset=utf-8");
}
