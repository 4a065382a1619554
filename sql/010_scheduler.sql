-- Who schedules: one row a host, renewed every two seconds while its scheduler has the database.
create table scheduler_hosts (
    host        text primary key,                      -- host_name of its settings
    pid         integer not null,
    follow      boolean not null,                      -- wants to be told of new rows
    started_at  timestamptz not null default now(),
    seen_at     timestamptz not null default now()
);

-- What a leader knows of its partition, for whoever leads it next and for people. Partition 0 also
-- leads the retrains.
create table scheduler_state (
    partition        integer primary key,
    host             text not null,
    leads_since      timestamptz not null default now(),
    planned_at       timestamptz,                      -- start of the last planned batch
    batches          bigint not null default 0,        -- since the last retrain
    retrain_due      boolean not null default false,
    next_batch_at    timestamptz,                      -- null: it runs, or nothing is planned
    running          text[] not null default '{}',     -- "batch", "retrain"
    updated_at       timestamptz not null default now()
);

-- Which partitions are led now: the locks themselves, so it is true when a leader has just died, too.
create view scheduler_leads as
    select objid::bigint::integer as partition from pg_locks
     where locktype = 'advisory' and classid = 1718772085 and objsubid = 2 and granted
       and database = (select oid from pg_database where datname = current_database());

-- Tells followers of new rows when they are committed. Nobody follows: nothing is sent, because
-- transactions that notify commit one after the other. It runs with the rights of its owner: who
-- writes transactions need not read the scheduler's tables.
create function fraudd_announce() returns trigger
language plpgsql security definer set search_path from current as $$
begin
    if exists (select from scheduler_hosts
                where follow and seen_at > clock_timestamp() - interval '1 minute') then
        notify fraudd_new;
    end if;
    return null;
end $$;

-- In production `transactions` may be a view; then whoever fills its tables says `notify fraudd_new`.
do $$
begin
    if exists (select from pg_class where oid = 'transactions'::regclass and relkind in ('r', 'p')) then
        create trigger fraudd_announce after insert on transactions
            for each statement execute function fraudd_announce();
    end if;
end $$;
