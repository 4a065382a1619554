-- Where the batch stands. A window is (done, upto]: sequence numbers are given out before commit, so
-- "greater than the last one" loses rows; snapshots do not.
create table if not exists batch_cursor (
    partition  integer primary key,
    system_id  bigint not null,                         -- pg_control_system(): which cluster
    done       pg_snapshot not null,
    upto       pg_snapshot,                             -- null: no window is open
    last_xid   xid8 not null default '0',
    last_seq   bigint not null default 0,
    moved_at   timestamptz not null default now()
);

-- Rows that cannot be scored, each with its reason; they never stop the rest.
create table if not exists batch_rejects (
    transaction_seq  bigint primary key,
    input            text,
    reason           text not null,
    model_version    text,
    generation       bigint,
    host             text,
    job_run          uuid,
    rejected_at      timestamptz not null default now()
);
