/*
 * POST /auth/register. The first user needs no token, and only the database says who is first: it
 * is asked before any hashing (so that strangers cannot have us hash), and again by the statement
 * that makes the user, which takes a lock. Later ones need a token with the role admin, which the
 * gate has seen to.
 */
#include <errno.h>

#include "answers.h"
#include "auth_state.h"
#include "base/log.h"
#include "handlers.h"
#include "http/exchange.h"
#include "rows.h"
#include "json/value.h"

struct registration {
	struct call *call;
	struct str name, password;
	bool has_place;           /* among those who hash */
	struct password_job *job; /* under way */
};

static struct registration *registration_of(const struct call *c)
{
	return c->work;
}

static void end_registration(void *registration)
{
	struct registration *g = registration;

	password_job_forget(g->job);
	auth_leave_place(g->call->front->auth, &g->has_place);
}

/* --- the body --- */

struct member {
	const char *name;
	unsigned min, max; /* characters */
	const char *short_message, *short_ctx, *long_message, *long_ctx;
	bool hidden;
};

static const struct member members[] = {
	{ "username", 3, 150, "String should have at least 3 characters", "{\"min_length\":3}",
	  "String should have at most 150 characters", "{\"max_length\":150}", false },
	{ "password", 8, 128, "String should have at least 8 characters", "{\"min_length\":8}",
	  "String should have at most 128 characters", "{\"max_length\":128}", true },
};

static size_t count_characters(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* The text, or .p NULL after a fault was told. */
static struct str read_member(const struct cJSON *body, const struct member *m, struct faults *f)
{
	const struct fault_place at = { .source = "body", .member = str_of(m->name) };
	const struct cJSON *v = json_member(body, m->name);
	struct field_fault what = { .type = "string_type",
		                    .message = "Input should be a valid string" };
	struct str text = { NULL, 0 };
	size_t n;

	if (!v) {
		faults_add(f, &at,
		           &(struct field_fault){ .type = "missing", .message = "Field required" },
		           &(struct fault_input){ .value = body });
		return text;
	}
	if (json_type(v) == JSON_TYPE_TEXT) {
		text = json_text(v);
		n = count_characters(text);
		if (n >= m->min && n <= m->max)
			return text;
		what.type = n < m->min ? "string_too_short" : "string_too_long";
		what.message = n < m->min ? m->short_message : m->long_message;
		what.ctx = str_of(n < m->min ? m->short_ctx : m->long_ctx);
	}
	faults_add(f, &at, &what, &(struct fault_input){ .value = v, .hidden = m->hidden });
	return (struct str){ NULL, 0 };
}

static void read_members(struct registration *g, const struct cJSON *body, struct faults *f)
{
	if (json_type(body) != JSON_TYPE_OBJECT) {
		faults_add(f, &(struct fault_place){ .source = "body" },
		           &(struct field_fault){
		                   .type = "model_attributes_type",
		                   .message = "Input should be a valid dictionary or object to "
		                              "extract fields from" },
		           &(struct fault_input){ .hidden = true });
		return;
	}
	g->name = read_member(body, &members[0], f);
	g->password = read_member(body, &members[1], f);
}

static int parse_body(struct call *c, struct faults *f, const struct cJSON **ret)
{
	struct json_fault fault;
	int r;

	if (!rows_have_body(c, f))
		return -EBADMSG;
	r = json_parse(http_body(c->exchange), http_arena(c->exchange), ret, &fault);
	if (r == -EBADMSG)
		faults_add_json(f, &fault);
	return r;
}

/* False: the call has ended. */
static bool read_body(struct registration *g)
{
	struct call *c = g->call;
	struct faults *f = faults_new(c);
	const struct cJSON *body;
	int r = -ENOMEM;

	if (f) {
		f->secret = "password";
		r = parse_body(c, f, &body);
	}
	if (r == 0)
		read_members(g, body, f);
	if (r == -ENOMEM || arena_failed(http_arena(c->exchange)))
		answer_error(c, 503, 1, "out of memory");
	else if (f->count > 0)
		answer_faults(c, f);
	else if (g->password.n > PASSWORD_MAX_BYTES)
		answer_error(c, 400, 0, "Password must not be longer than 72 bytes in UTF-8.");
	else
		return true;
	return false;
}

/* --- the user --- */

static void refuse_stranger(struct call *c)
{
	answer_error(c, 403, 0, "Registration is disabled for unauthenticated users.");
}

static void answer_made(struct registration *g, int64_t id)
{
	struct call *c = g->call;
	struct strbuf *out = &c->front->out;
	struct json_writer w = { .out = out };
	char peer[HTTP_ADDRESS_SIZE];

	http_address_print(http_peer(c->exchange), peer);
	if (c->caller.user)
		log_info("audit: user %lld registered by user %lld from %s, request %s",
		         (long long)id, (long long)c->caller.user, peer, c->request_id);
	else
		log_info("audit: user %lld registered as the first one from %s, request %s",
		         (long long)id, peer, c->request_id);
	strbuf_reset(out);
	json_begin_object(&w);
	json_write_name(&w, "id");
	json_write_integer(&w, id);
	json_write_name(&w, "username");
	json_write_text(&w, g->name);
	json_end_object(&w);
	answer_out(c, 201, TYPE_JSON);
}

static void on_made(struct call *c, int r, const struct pg_result *rows)
{
	if (r < 0)
		auth_answer_unavailable(c, r);
	else if (db_rows(rows) > 0)
		answer_made(registration_of(c), db_integer(rows, 0, 0));
	else if (c->caller.user)
		answer_error(c, 409, 0, "Username has been taken.");
	else
		refuse_stranger(c);
}

static void on_hashed(void *self, int r, const char *hash)
{
	struct registration *g = self;
	struct call *c = g->call;
	const char *name = arena_strndup(http_arena(c->exchange), g->name);
	const struct db_param params[] = { DB_TEXT(name), DB_TEXT(hash) };

	g->job = NULL;
	if (r == 0)
		r = name ? auth_run(c, c->caller.user ? AUTH_REGISTER : AUTH_REGISTER_FIRST, params,
		                    2, on_made)
		         : -ENOMEM;
	if (r < 0)
		auth_answer_unavailable(c, r);
}

static void hash(struct registration *g)
{
	int r = password_pool_hash(g->call->front->auth->passwords, g->password, on_hashed, g,
	                           &g->job);

	if (r < 0)
		auth_answer_unavailable(g->call, r);
}

static void on_is_first(struct call *c, int r, const struct pg_result *rows)
{
	if (r < 0)
		auth_answer_unavailable(c, r);
	else if (!db_bool(rows, 0, 0))
		refuse_stranger(c);
	else
		hash(registration_of(c));
}

void handle_register(struct call *c)
{
	struct arena *a = http_arena(c->exchange);
	struct registration *g = arena_calloc(a, 1, sizeof(*g));
	int r;

	if (g)
		g->call = c;
	if (!g || arena_on_free(a, end_registration, g) < 0) {
		answer_error(c, 503, 1, "out of memory");
		return;
	}
	c->work = g;
	if (!rows_check_type(c) || !read_body(g))
		return;
	if (!auth_take_place(c->front->auth, &g->has_place)) {
		auth_answer_unavailable(c, -EAGAIN);
		return;
	}
	if (c->caller.user) {
		hash(g);
		return;
	}
	r = auth_run(c, AUTH_IS_FIRST, NULL, 0, on_is_first);
	if (r < 0)
		auth_answer_unavailable(c, r);
}
