-- Work that outlives a request: batches, retrains, requests answered later; and requests that carry
-- an Idempotency-Key.
create table if not exists job_runs (
    id             uuid primary key default gen_random_uuid(),
    kind           text not null,                       -- batch, retrain, score
    status         text not null default 'running'
                   check (status in ('queued', 'running', 'succeeded', 'failed', 'skipped', 'cancelled')),
    host           text not null,
    pid            integer,
    user_id        bigint,
    created_at     timestamptz not null default now(),
    started_at     timestamptz,
    heartbeat_at   timestamptz,
    finished_at    timestamptz,
    planned        bigint,
    scored         bigint,
    failed         bigint,
    skipped        bigint,
    model_version  text,
    generation     bigint,
    message        text,
    detail         jsonb
);
create index if not exists job_runs_created_at on job_runs (created_at);
create index if not exists job_runs_open on job_runs (kind) where finished_at is null;

create table if not exists http_requests (
    user_id       bigint not null default 0,            -- 0: scoring without accounts
    key           text not null,
    body_sha256   bytea not null,
    status        integer,                              -- null: in progress
    content_type  text,
    answer        bytea,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null,
    primary key (user_id, key)
);
create index if not exists http_requests_expires_at on http_requests (expires_at);
