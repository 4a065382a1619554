-- Answers of the batch. Tables of the older service are adopted: what is new is nullable.
create table if not exists fraud_scores (
    transaction_seq  bigint primary key,
    score            real not null,
    decision         text not null
);
alter table fraud_scores
    add column if not exists threshold_low     real,
    add column if not exists threshold_high    real,
    add column if not exists model_version     text,
    add column if not exists registry_version  text,
    add column if not exists host              text,
    add column if not exists generation        bigint,
    add column if not exists scored_at         timestamptz default now();

create table if not exists fraud_explanations (
    transaction_seq  bigint not null,
    rank             integer not null,
    feature          text not null,
    value            text,
    primary key (transaction_seq, rank)
);
alter table fraud_explanations
    add column if not exists contribution  double precision,
    add column if not exists delta_score   double precision,
    add column if not exists direction     text,
    add column if not exists zscore        double precision;

create index if not exists fraud_scores_scored_at on fraud_scores (scored_at);
