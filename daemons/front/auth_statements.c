/*
 * The statements of users and tokens in one place. The tables may be those of the older service:
 * ids integer or bigint, jti uuid or text, times with or without zone (the session's zone is UTC).
 * So no parameter is cast to a type of ours where a column decides: PostgreSQL takes the type of
 * what a bare parameter is compared with, and jsonb_populate_record() that of the column it fills.
 *
 * A revocation notifies in the statement that makes it, so it is told when, and only if, it counts.
 */
#include "auth_statements.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

const char *const auth_statements[AUTH_STATEMENT_MAX] = {
	[AUTH_TOKEN] =
	        "select u.id, u.is_active,"
	        " case when u.roles is null then 7 else ('score' = any (u.roles))::int"
	        " + 2 * ('operate' = any (u.roles))::int + 4 * ('admin' = any (u.roles))::int end,"
	        " t.revoked_at is not null, extract(epoch from t.expires_at)::bigint"
	        " from auth_tokens t join auth_users u on u.id = t.user_id where t.token_jti = $1",

	[AUTH_REVOKE] = "with gone as (update auth_tokens set revoked_at = now()"
	                " where token_jti = $1 and revoked_at is null returning token_jti)"
	                " select pg_notify('" AUTH_CHANNEL "', 'jti ' || token_jti) from gone",

	[AUTH_USER] = "select id, password_hash, is_active from auth_users where username = $1",

	/* Only if the account is still what the password was compared with. */
	[AUTH_ISSUE] =
	        "with who as (select id from auth_users"
	        " where id = $1 and is_active and password_hash = $2),"
	        " rehash as (update auth_users u set password_hash = $3 from who"
	        " where u.id = who.id and $3::text is not null)"
	        " insert into auth_tokens (token_jti, user_id, issued_at, expires_at)"
	        " select r.token_jti, who.id, r.issued_at, r.expires_at from who,"
	        " jsonb_populate_record(null::auth_tokens, jsonb_build_object('token_jti', "
	        "$4::text,"
	        " 'issued_at', to_timestamp($5::float8), 'expires_at', to_timestamp($6::float8))) r"
	        " returning 1",

	[AUTH_IS_FIRST] = "select not exists (select from auth_users)",

	[AUTH_REGISTER_FIRST] = "select auth_register_first($1, $2)",

	[AUTH_REGISTER] = "insert into auth_users (username, password_hash, is_active, created_at)"
	                  " values ($1, $2, true, now()) on conflict (username) do nothing"
	                  " returning id",

	/* A token counts for a minute after its end (JWT_SKEW_SECONDS); a row that is not there
	 * refuses its token as one that is revoked does. Other hosts sweep, too. */
	[AUTH_SWEEP] = "delete from auth_tokens where token_jti = any (array("
	               "select token_jti from auth_tokens where expires_at < now() - interval"
	               " '10 minutes' or revoked_at < now() - interval '10 minutes'"
	               " limit " TEXT(AUTH_SWEEP_ROWS) " for update skip locked))",
};
