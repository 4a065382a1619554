/*
 * The gate stands at the head of a request: what has no right to be answered is refused before its
 * body is read. A token that the cache knows costs a signature and a look-up; another one costs one
 * statement, for which the request waits.
 *
 * A remembered token is asked for again, beside its requests, when half of its time is over, so a
 * client that keeps sending waits for the database once and not every auth.cache_seconds.
 *
 * Invariant: what the database does not say is never a pass.
 *
 * Called by requests.c.
 */
#include "auth_gate.h"

#include <errno.h>

#include "answers.h"
#include "auth_asks.h"
#include "auth_state.h"
#include "base/clock.h"
#include "http/exchange.h"
#include "routes.h"

#define SECOND_NS UINT64_C(1000000000)

/* "Bearer <token>", as OAuth2's clients write it. -ENOENT: none, or another scheme. -EINVAL: two
 * fields, of which somebody else may have read the other. */
static int find_token(const struct http_exchange *x, struct str *ret)
{
	static const struct str scheme = STR_INIT("Bearer ");
	struct str found = { NULL, 0 }, name, value;

	for (size_t i = 0; i < http_field_count(x); i++) {
		http_field_at(x, i, &name, &value);
		if (!str_equal_nocase(name, STR("Authorization")))
			continue;
		if (found.p)
			return -EINVAL;
		found = value;
	}
	if (!found.p || found.n + 1 < scheme.n ||
	    !str_equal_nocase((struct str){ found.p, scheme.n - 1 }, STR("Bearer")) ||
	    (found.n >= scheme.n && found.p[scheme.n - 1] != ' '))
		return -ENOENT;
	*ret = found.n < scheme.n ? STR("")
	                          : (struct str){ found.p + scheme.n, found.n - scheme.n };
	return 0;
}

static enum gate refuse(struct call *c, const char *detail)
{
	auth_answer_unauthorized(c, detail);
	return GATE_CLOSED;
}

/* The last word about a token that the database knows and likes. */
static enum gate judge(struct call *c, const struct jwt_claims *claims,
                       const struct token_entry *entry)
{
	unsigned role = c->route->need & ROLE_ALL;

	if (entry->user != claims->user)
		return refuse(c, "Invalid token.");
	if (entry->expires_at <= clock_real_us() / 1000000 - JWT_SKEW_SECONDS)
		return refuse(c, "Token has expired.");
	if ((entry->roles & role) != role) {
		answer_error(c, 403, 0, "Not enough permissions.");
		return GATE_CLOSED;
	}
	c->caller = *entry;
	return GATE_OPEN;
}

/* What requests.c left to do when the head of a call that waited was in. */
static void proceed(struct call *c)
{
	c->gate = GATE_OPEN;
	if (c->route->body == BODY_STREAM) {
		http_resume_body(c->exchange); /* before the handler, which may end the call */
		c->route->handle(c);
	} else if (c->complete) {
		c->route->handle(c);
	}
}

static void on_standing(struct call *c, const struct jwt_claims *claims,
                        const struct auth_answer *answer)
{
	switch (answer->standing) {
	case TOKEN_GOOD:
		if (judge(c, claims, &answer->entry) == GATE_OPEN)
			proceed(c);
		return;
	case TOKEN_REVOKED:
		auth_answer_unauthorized(c, "Token has been revoked.");
		return;
	case TOKEN_DISABLED:
		answer_error(c, 403, 0, "Account has been disabled.");
		return;
	case TOKEN_UNKNOWN:
		break;
	}
	auth_answer_unavailable(c, answer->r);
}

static enum gate ask_for(struct call *c, const struct jwt_claims *claims)
{
	int r = auth_ask(c->front->auth, c, claims, on_standing);

	if (r < 0) {
		auth_answer_unavailable(c, r);
		return GATE_CLOSED;
	}
	return GATE_WAITS;
}

static enum gate look_up(struct call *c, const struct jwt_claims *claims)
{
	struct auth *a = c->front->auth;
	uint64_t max_age = front_settings(c->front)->auth.cache_seconds * SECOND_NS;
	uint64_t age;
	const struct token_entry *entry = token_cache_find(a->cache, claims->jti, auth_epoch(a),
	                                                   clock_mono_ns(), max_age, &age);

	if (!entry)
		return ask_for(c, claims);
	atomic_fetch_add_explicit(&c->front->slot->tokens_cached, 1, memory_order_relaxed);
	if (age > max_age / 2)
		auth_ask_again(a, claims->jti);
	return judge(c, claims, entry);
}

enum gate auth_gate(struct call *c)
{
	struct arena *arena = http_arena(c->exchange);
	struct auth *a = c->front->auth;
	struct jwt_claims claims;
	struct str token;
	int r;

	if (!a || c->route->need == NEED_NOTHING)
		return GATE_OPEN;
	r = find_token(c->exchange, &token);
	if (r == -ENOENT)
		return c->route->need & NEED_IF_GIVEN ? GATE_OPEN : refuse(c, "Not authenticated");
	if (r < 0)
		return refuse(c, "Invalid token.");
	switch (jwt_verify(token, a->keys, clock_real_us() / 1000000, arena, &claims, NULL)) {
	case JWT_GOOD:
		return look_up(c, &claims);
	case JWT_EXPIRED:
		return refuse(c, "Token has expired.");
	case JWT_INVALID:
	case JWT_VERDICT_MAX:
		break;
	}
	if (arena_failed(arena)) {
		auth_answer_unavailable(c, -ENOMEM);
		return GATE_CLOSED;
	}
	return refuse(c, "Invalid token.");
}
