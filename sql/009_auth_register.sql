-- The first user needs no token, and two that race give one: who comes second waits for the lock and
-- then sees, because each statement of a volatile function has a snapshot of its own, that there is
-- a user. No row: it was not the first.
create function auth_register_first(name text, hash text) returns setof bigint
language sql volatile as $$
    select pg_advisory_xact_lock(hashtext('fraudd.auth_register_first'));
    insert into auth_users (username, password_hash, is_active, created_at)
    select name, hash, true, now() where not exists (select from auth_users)
    returning id::bigint;
$$;

-- A hash of ours is longer than one of the older service, whose column may be limited.
alter table auth_users alter column password_hash type text;

-- What the janitor looks for.
create index if not exists auth_tokens_revoked_at on auth_tokens (revoked_at)
    where revoked_at is not null;
