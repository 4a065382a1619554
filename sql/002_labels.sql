-- What was found out about a transaction, and when: a training window may use a label only if it was
-- known before the window's end.
create table if not exists fraud_labels (
    transaction_seq  bigint primary key,
    is_fraud         boolean not null,
    known_at         timestamptz not null,
    source           text
);

create index if not exists fraud_labels_known_at on fraud_labels (known_at);
