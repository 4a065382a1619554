/*
 * `fraudctl user`: accounts. A change tells the workers in the statement that makes it: they forget
 * what they know of the user's tokens, and the first of each host logs what was done.
 *
 * Called by main.c through its table.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "accounts.h"
#include "auth/password.h"
#include "base/cleanup.h"
#include "command.h"
#include "password_prompt.h"

#define NAME_MIN 3
#define NAME_MAX_CHARACTERS 150
#define PASSWORD_MIN 8

static int check_length(const char *what, const char *text, size_t min, size_t max,
                        struct errbuf *err)
{
	size_t n = 0;

	if (!str_is_utf8(str_of(text)))
		return errbuf_set(err, -EINVAL, "the %s is no UTF-8", what);
	for (const char *p = text; *p; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	if (n < min || n > max)
		return errbuf_set(err, -EINVAL, "the %s must have %zu to %zu characters", what, min,
		                  max);
	return 0;
}

static int check_password(const char *text, struct errbuf *err)
{
	int r = check_length("password", text, PASSWORD_MIN, PASSWORD_MAX_BYTES, err);

	if (r == 0 && strlen(text) > PASSWORD_MAX_BYTES)
		r = errbuf_set(err, -EINVAL, "the password must have at most %d bytes in UTF-8",
		               PASSWORD_MAX_BYTES);
	return r;
}

static int read_hash(const struct accounts *a, char ret[PASSWORD_HASH_SIZE], struct errbuf *err)
{
	char password[PASSWORD_PROMPT_SIZE] = "";
	int r = password_prompt(password, err);

	if (r == 0)
		r = check_password(password, err);
	if (r == 0) {
		r = password_hash(str_of(password), a->hash_cost, ret);
		if (r < 0)
			errbuf_set(err, r, "could not hash the password: %s", strerror(-r));
	}
	explicit_bzero(password, sizeof(password));
	return r;
}

/* A statement whose first parameter is the name; no row: there is no such user. */
static int change(struct accounts *a, const char *sql, const struct db_param *params, size_t count,
                  struct errbuf *err)
{
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	int r = db_query(a->db, sql, params, count, &rows, err);

	if (r == 0 && db_rows(rows) == 0)
		r = errbuf_set(err, -ENOENT, "there is no user \"%s\"", (const char *)params[0].p);
	return r;
}

static int add(struct accounts *a, char **words, struct errbuf *err)
{
	static const char sql[] =
	        "with who as (insert into auth_users (username, password_hash, is_active,"
	        " created_at, roles) values ($1, $2, true, now(), $3)"
	        " on conflict (username) do nothing returning id)"
	        " select id, pg_notify('fraudd_auth', 'user ' || id || ' added' || $4::text)"
	        " from who";
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	char hash[PASSWORD_HASH_SIZE], buffer[ACCOUNTS_ROLES_SIZE];
	const char *roles = NULL;
	int r = check_length("name", words[0], NAME_MIN, NAME_MAX_CHARACTERS, err);

	if (r == 0 && words[1])
		r = accounts_parse_roles(words[1], buffer, &roles, err);
	if (r == 0)
		r = read_hash(a, hash, err);
	if (r == 0) {
		const struct db_param params[] = { DB_TEXT(words[0]), DB_TEXT(hash), DB_TEXT(roles),
			                           DB_TEXT(a->by) };

		r = db_query(a->db, sql, params, 4, &rows, err);
	}
	if (r == 0 && db_rows(rows) == 0)
		r = errbuf_set(err, -EEXIST, "there is a user \"%s\" already", words[0]);
	if (r == 0)
		printf("user \"%s\" is number %s\n", words[0], db_text(rows, 0, 0).p);
	return r;
}

static int disable(struct accounts *a, char **words, struct errbuf *err)
{
	const struct db_param params[] = { DB_TEXT(words[0]), DB_TEXT(a->by) };
	int r = change(a,
	               "with who as (update auth_users set is_active = false where username = $1"
	               " returning id) select pg_notify('fraudd_auth',"
	               " 'user ' || id || ' disabled' || $2::text) from who",
	               params, 2, err);

	if (r == 0)
		printf("user \"%s\" is disabled\n", words[0]);
	return r;
}

static int enable(struct accounts *a, char **words, struct errbuf *err)
{
	const struct db_param params[] = { DB_TEXT(words[0]), DB_TEXT(a->by) };
	int r = change(a,
	               "with who as (update auth_users set is_active = true where username = $1"
	               " returning id) select pg_notify('fraudd_auth',"
	               " 'user ' || id || ' enabled' || $2::text) from who",
	               params, 2, err);

	if (r == 0)
		printf("user \"%s\" is enabled\n", words[0]);
	return r;
}

static int set_password(struct accounts *a, char **words, struct errbuf *err)
{
	static const char sql[] =
	        "with who as (update auth_users set password_hash = $2 where username = $1"
	        " returning id), gone as (update auth_tokens t set revoked_at = now() from who"
	        " where t.user_id = who.id and t.revoked_at is null)"
	        " select pg_notify('fraudd_auth',"
	        " 'user ' || id || ' given a new password' || $3::text) from who";
	char hash[PASSWORD_HASH_SIZE];
	int r = read_hash(a, hash, err);

	if (r == 0) {
		const struct db_param params[] = { DB_TEXT(words[0]), DB_TEXT(hash),
			                           DB_TEXT(a->by) };

		r = change(a, sql, params, 3, err);
	}
	if (r == 0)
		printf("user \"%s\" has a new password; all tokens of before are revoked\n",
		       words[0]);
	return r;
}

static int set_roles(struct accounts *a, char **words, struct errbuf *err)
{
	static const char sql[] =
	        "with who as (update auth_users set roles = $2 where username = $1 returning id)"
	        " select pg_notify('fraudd_auth',"
	        " 'user ' || id || ' given the roles ' || $3::text || $4::text) from who";
	char buffer[ACCOUNTS_ROLES_SIZE];
	const char *roles;
	int r = accounts_parse_roles(words[1], buffer, &roles, err);

	if (r == 0) {
		const struct db_param params[] = { DB_TEXT(words[0]), DB_TEXT(roles),
			                           DB_TEXT(words[1]), DB_TEXT(a->by) };

		r = change(a, sql, params, 4, err);
	}
	if (r == 0)
		printf("user \"%s\" has the roles: %s\n", words[0], words[1]);
	return r;
}

static int list(struct accounts *a, char **words, struct errbuf *err)
{
	static const char sql[] =
	        "select u.id, case when u.is_active then 'active' else 'disabled' end as state,"
	        " coalesce(nullif(array_to_string(u.roles, ','), ''),"
	        " case when u.roles is null then 'all' else 'none' end) as roles,"
	        " case when u.password_hash like '$y$%' then 'yescrypt'"
	        " when u.password_hash like '$2_$%' then 'bcrypt' else 'unusable' end as hash,"
	        " (select count(*) from auth_tokens t where t.user_id = u.id"
	        " and t.revoked_at is null and t.expires_at > now()) as tokens,"
	        " to_char(u.created_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as created,"
	        " u.username from auth_users u order by u.id";
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	int r = db_query(a->db, sql, NULL, 0, &rows, err);

	(void)words;
	if (r == 0)
		accounts_show(a, rows);
	return r;
}

static const struct accounts_verb verbs[] = {
	{ "add", 1, 2, add },   { "disable", 1, 1, disable },       { "enable", 1, 1, enable },
	{ "list", 0, 0, list }, { "password", 1, 1, set_password }, { "roles", 2, 2, set_roles },
};

int command_user(int argc, char **argv)
{
	static const struct accounts_command c = {
		.name = "user",
		.program = "fraudctl user",
		.synopsis = "add NAME [ROLES] | disable NAME | enable NAME | password NAME | roles "
		            "NAME ROLES | list",
		.about = "Accounts. A password is asked for on the terminal, or read as one line "
		         "of standard input. ROLES: score, operate, admin with commas, all (as "
		         "without), none.",
		.verbs = verbs,
		.verb_count = sizeof(verbs) / sizeof(verbs[0]),
	};

	return accounts_run(&c, argc, argv);
}
