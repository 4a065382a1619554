/*
 * `fraudctl token`: what was issued, and ending it. The tokens themselves are nowhere to be shown:
 * the database knows their ids only.
 *
 * Called by main.c through its table.
 */
#include <errno.h>
#include <stdio.h>

#include "accounts.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "command.h"

/* words: [NAME] */
static int list(struct accounts *a, char **words, struct errbuf *err)
{
	static const char sql[] =
	        "select t.token_jti::text as token,"
	        " to_char(t.issued_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as issued,"
	        " to_char(t.expires_at, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as expires,"
	        " case when t.revoked_at is not null then 'revoked'"
	        " when t.expires_at <= now() then 'expired' else 'valid' end as state,"
	        " u.username from auth_tokens t left join auth_users u on u.id = t.user_id"
	        " where $1::text is null or u.username = $1::text order by t.issued_at, 1";
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	const struct db_param params[] = { DB_TEXT(words[0]) };
	int r = db_query(a->db, sql, params, 1, &rows, err);

	if (r == 0)
		accounts_show(a, rows);
	return r;
}

static int revoke_one(struct accounts *a, const char *jti, struct errbuf *err)
{
	static const char sql[] =
	        "with gone as (update auth_tokens set revoked_at = coalesce(revoked_at, now())"
	        " where token_jti = $1 returning token_jti)"
	        " select pg_notify('fraudd_auth', 'jti ' || token_jti || ' revoked' || $2::text)"
	        " from gone";
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	const struct db_param params[] = { DB_TEXT(jti), DB_TEXT(a->by) };
	int r = db_query(a->db, sql, params, 2, &rows, err);

	if (r == 0 && db_rows(rows) == 0)
		r = errbuf_set(err, -ENOENT, "there is no token \"%s\"", jti);
	if (r == 0)
		printf("token %s is revoked\n", jti);
	return r;
}

static int revoke_all(struct accounts *a, const char *name, struct errbuf *err)
{
	static const char sql[] =
	        "with who as (select id from auth_users where username = $1),"
	        " gone as (update auth_tokens t set revoked_at = now() from who"
	        " where t.user_id = who.id and t.revoked_at is null returning 1)"
	        " select (select count(*) from gone), pg_notify('fraudd_auth',"
	        " 'user ' || id || ' deprived of all tokens' || $2::text) from who";
	CLEANUP(db_result_free_p) struct pg_result *rows = NULL;
	const struct db_param params[] = { DB_TEXT(name), DB_TEXT(a->by) };
	int r = db_query(a->db, sql, params, 2, &rows, err);

	if (r == 0 && db_rows(rows) == 0)
		r = errbuf_set(err, -ENOENT, "there is no user \"%s\"", name);
	if (r == 0)
		printf("%s tokens of user \"%s\" are revoked\n", db_text(rows, 0, 0).p, name);
	return r;
}

/* words: a token's id, or the name of a user whose tokens all end */
static int revoke_what(struct accounts *a, char **words, struct errbuf *err)
{
	if (uuid_is_valid(str_of(words[0])))
		return revoke_one(a, words[0], err);
	return revoke_all(a, words[0], err);
}

static const struct accounts_verb verbs[] = {
	{ "list", 0, 1, list },
	{ "revoke", 1, 1, revoke_what },
};

int command_token(int argc, char **argv)
{
	static const struct accounts_command c = {
		.name = "token",
		.program = "fraudctl token",
		.synopsis = "list [NAME] | revoke ID | revoke NAME",
		.about = "Issued tokens, by their ids; revoke ends one, or all of a user, on every "
		         "host within 100 ms.",
		.verbs = verbs,
		.verb_count = sizeof(verbs) / sizeof(verbs[0]),
	};

	return accounts_run(&c, argc, argv);
}
