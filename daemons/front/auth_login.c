/*
 * POST /auth/login. The way of a sign-in: form, throttle, account, hash, token. Each step that
 * waits rides on the arena of its exchange, so a client that goes away takes its sign-in along.
 *
 * What a stranger may learn is the same whether the name is unknown, the password wrong or the hash
 * of the old kind: the same words, after the same time. A refusal is held until the slowest kind of
 * stored hash would have been through.
 *
 * Every try counts before it is hashed, or many at once would all be let in; a good one is taken
 * back.
 */
#include <errno.h>
#include <stdio.h>

#include "answers.h"
#include "auth_state.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "daemon/loop.h"
#include "handlers.h"
#include "http/exchange.h"
#include "http/form.h"

#define MS_NS UINT64_C(1000000)
#define EPOCH_TEXT_SIZE 24

struct login {
	struct call *call;
	struct str name, password;
	char peer[HTTP_ADDRESS_SIZE], source[HTTP_ADDRESS_SIZE];
	int64_t user;     /* 0: there is none of this name */
	const char *hash; /* stored; in the arena */
	const char *new_hash;
	bool active;
	bool has_place;           /* among those who hash */
	struct password_job *job; /* under way */
	struct loop_timer *hold;
	char token[JWT_MAX];
};

static struct login *login_of(const struct call *c)
{
	return c->work;
}

static void end_login(void *login)
{
	struct login *l = login;

	password_job_forget(l->job);
	loop_timer_free(l->hold);
	auth_leave_place(l->call->front->auth, &l->has_place);
}

/* --- the form --- */

static bool is_missing(const struct form *form, const char *name)
{
	return form_get(form, name).n == 0;
}

static void check_required(struct faults *f, const struct form *form, const char *name)
{
	const struct fault_place at = { .source = "body", .member = str_of(name) };

	if (is_missing(form, name))
		faults_add(f, &at,
		           &(struct field_fault){ .type = "missing", .message = "Field required" },
		           &(struct fault_input){ 0 });
}

static void check_grant(struct faults *f, const struct form *form)
{
	const struct fault_place at = { .source = "body", .member = STR("grant_type") };
	struct str grant = form_get(form, "grant_type");

	if (grant.n > 0 && !str_is(grant, "password"))
		faults_add(f, &at,
		           &(struct field_fault){
		                   .type = "string_pattern_mismatch",
		                   .message = "String should match pattern '^password$'",
		                   .ctx = STR("{\"pattern\":\"^password$\"}") },
		           &(struct fault_input){ .text = grant });
}

static int parse_form(struct call *c, struct form *ret)
{
	struct str type = http_field(c->exchange, "Content-Type");

	/* As FastAPI sees it: a body of another type is a form without fields. */
	*ret = (struct form){ 0 };
	if (!type.p || !form_is_type(type))
		return 0;
	return form_parse(http_body(c->exchange), http_arena(c->exchange), ret, NULL);
}

/* False: the call has ended. */
static bool read_form(struct login *l)
{
	struct call *c = l->call;
	struct faults *f = faults_new(c);
	struct form form;
	int r = f ? parse_form(c, &form) : -ENOMEM;

	if (r == -ENOMEM) {
		answer_error(c, 503, 1, "out of memory");
		return false;
	}
	if (r < 0) {
		answer_error(c, 400, 0, "%s",
		             r == -EEXIST ? "A field of the form comes twice."
		                          : "There was an error parsing the body");
		return false;
	}
	check_grant(f, &form);
	check_required(f, &form, "username");
	check_required(f, &form, "password");
	if (f->count > 0) {
		answer_faults(c, f);
		return false;
	}
	l->name = form_get(&form, "username");
	l->password = form_get(&form, "password");
	return true;
}

/* --- the throttle --- */

/* One more try, of the account and of the source, or the seconds until there may be one. */
static uint32_t count_try(struct login *l)
{
	struct auth *a = l->call->front->auth;
	uint64_t now = clock_mono_ns();
	uint32_t account, source = throttle_take(&a->sources, str_of(l->source), now);

	if (source > 0) /* one who may not try must not fill the table with names either */
		return source;
	account = throttle_take(&a->accounts, l->name, now);
	if (account > 0)
		throttle_give_back(&a->sources, str_of(l->source));
	return account;
}

/* It came to nothing for a reason of ours. */
static void uncount_try(struct login *l)
{
	struct auth *a = l->call->front->auth;

	throttle_give_back(&a->accounts, l->name);
	throttle_give_back(&a->sources, str_of(l->source));
}

/* The right password clears the account, but only this try of the source: one who has an account
 * must not be able to wash away his tries at others'. */
static void count_success(struct login *l)
{
	struct auth *a = l->call->front->auth;

	throttle_forgive(&a->accounts, l->name);
	throttle_give_back(&a->sources, str_of(l->source));
}

/* --- ends --- */

static void fail(struct login *l, int r)
{
	uncount_try(l);
	auth_answer_unavailable(l->call, r);
}

static void on_held(void *self)
{
	struct login *l = self;

	auth_answer_unauthorized(l->call, "Invalid username or password");
}

static void refuse(struct login *l, uint64_t hold_ns)
{
	struct call *c = l->call;

	if (l->user)
		log_info("audit: sign-in of user %lld refused, from %s, request %s",
		         (long long)l->user, l->peer, c->request_id);
	else
		log_info("audit: sign-in of an unknown name refused, from %s, request %s", l->peer,
		         c->request_id);
	auth_leave_place(c->front->auth, &l->has_place);
	loop_timer_arm(l->hold, (hold_ns + MS_NS - 1) / MS_NS);
}

static void answer_token(struct login *l)
{
	struct call *c = l->call;
	struct strbuf *out = &c->front->out;
	struct json_writer w = { .out = out };

	strbuf_reset(out);
	json_begin_object(&w);
	json_write_name(&w, "access_token");
	json_write_text(&w, str_of(l->token));
	json_write_name(&w, "token_type");
	json_write_text(&w, STR("bearer"));
	json_write_name(&w, "expires_in");
	json_write_unsigned(&w, front_settings(c->front)->jwt.access_expire_minutes * UINT64_C(60));
	json_write_name(&w, "username");
	json_write_text(&w, l->name);
	json_end_object(&w);
	http_set_header(c->exchange, "Cache-Control", "no-store");
	answer_out(c, 200, TYPE_JSON);
}

/* --- the token --- */

static void on_issued(struct call *c, int r, const struct pg_result *rows)
{
	struct login *l = login_of(c);

	if (r < 0) {
		fail(l, r);
		return;
	}
	if (db_rows(rows) == 0) { /* disabled, or another password, while it was hashed */
		refuse(l, 0);
		return;
	}
	count_success(l);
	log_info("audit: user %lld signed in from %s, request %s%s", (long long)l->user, l->peer,
	         c->request_id, l->new_hash ? ", old hash replaced" : "");
	answer_token(l);
}

static int make_token(struct login *l, struct jwt_claims *claims)
{
	struct front *f = l->call->front;
	int64_t now_us = clock_real_us();
	int r;

	claims->user = l->user;
	claims->issued_at = now_us / 1000000;
	claims->expires_at =
	        claims->issued_at + (int64_t)front_settings(f)->jwt.access_expire_minutes * 60;
	r = uuid7(now_us / 1000, claims->jti);
	return r < 0 ? r : jwt_sign(claims, f->auth->keys, l->token);
}

static void issue(struct login *l)
{
	char user[EPOCH_TEXT_SIZE], issued[EPOCH_TEXT_SIZE], expires[EPOCH_TEXT_SIZE];
	struct jwt_claims claims;
	int r = make_token(l, &claims);

	if (r == 0) {
		const struct db_param params[] = { DB_TEXT(user),        DB_TEXT(l->hash),
			                           DB_TEXT(l->new_hash), DB_TEXT(claims.jti),
			                           DB_TEXT(issued),      DB_TEXT(expires) };

		snprintf(user, sizeof(user), "%lld", (long long)l->user);
		snprintf(issued, sizeof(issued), "%lld", (long long)claims.issued_at);
		snprintf(expires, sizeof(expires), "%lld", (long long)claims.expires_at);
		r = auth_run(l->call, AUTH_ISSUE, params, 6, on_issued);
	}
	if (r < 0)
		fail(l, r);
}

/* --- the hash --- */

static void on_rehashed(void *self, int r, const char *hash)
{
	struct login *l = self;

	l->job = NULL;
	/* The old hash does for another day. */
	if (r == 0)
		l->new_hash = arena_strdup(http_arena(l->call->exchange), hash);
	issue(l);
}

static void on_verified(void *self, enum password_verdict verdict, uint64_t hold_ns)
{
	struct login *l = self;
	struct password_pool *pool = l->call->front->auth->passwords;

	l->job = NULL;
	if (verdict == PASSWORD_WRONG) {
		refuse(l, hold_ns);
	} else if (!l->active) {
		log_info("audit: sign-in of user %lld refused, the account is disabled, from %s, "
		         "request %s",
		         (long long)l->user, l->peer, l->call->request_id);
		answer_error(l->call, 403, 0, "Account has been disabled.");
	} else if (verdict != PASSWORD_RIGHT_REHASH ||
	           password_pool_hash(pool, l->password, on_rehashed, l, &l->job) < 0) {
		issue(l);
	}
}

static void on_user(struct call *c, int r, const struct pg_result *rows)
{
	struct login *l = login_of(c);

	if (r == 0 && db_rows(rows) > 0) {
		l->user = db_integer(rows, 0, 0);
		l->hash = arena_strndup(http_arena(c->exchange), db_text(rows, 0, 1));
		l->active = db_bool(rows, 0, 2);
		r = l->hash ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = password_pool_verify(c->front->auth->passwords, l->password, l->hash,
		                         on_verified, l, &l->job);
	if (r < 0)
		fail(l, r);
}

static void begin(struct login *l)
{
	struct call *c = l->call;
	const char *name = arena_strndup(http_arena(c->exchange), l->name);
	const struct db_param params[] = { DB_TEXT(name) };
	int r = name ? auth_run(c, AUTH_USER, params, 1, on_user) : -ENOMEM;

	if (r < 0)
		fail(l, r);
}

static struct login *new_login(struct call *c)
{
	struct arena *a = http_arena(c->exchange);
	struct login *l = arena_calloc(a, 1, sizeof(*l));

	if (!l)
		return NULL;
	l->call = c;
	if (arena_on_free(a, end_login, l) < 0 ||
	    loop_timer_new(c->front->daemon->base, on_held, l, &l->hold) < 0)
		return NULL;
	http_address_print(http_peer(c->exchange), l->peer);
	auth_source(c, l->source);
	c->work = l;
	return l;
}

/* At most one line in ten seconds: whoever tries without end must not fill the log. */
static void tell_throttled(struct login *l)
{
	struct auth *a = l->call->front->auth;
	uint64_t now = clock_mono_ns();

	a->throttled++;
	if (now < a->throttled_next_ns)
		return;
	log_info("audit: sign-ins throttled: %u, the last from %s, request %s", a->throttled,
	         l->peer, l->call->request_id);
	a->throttled = 0;
	a->throttled_next_ns = now + UINT64_C(10000) * MS_NS;
}

void handle_login(struct call *c)
{
	struct login *l = new_login(c);
	uint32_t seconds;

	if (!l) {
		answer_error(c, 503, 1, "out of memory");
		return;
	}
	if (!read_form(l))
		return;
	seconds = count_try(l);
	if (seconds > 0) {
		tell_throttled(l);
		answer_error(c, 429, seconds, "Too many sign-in attempts.");
	} else if (!auth_take_place(c->front->auth, &l->has_place)) {
		fail(l, -EAGAIN);
	} else {
		begin(l);
	}
}
