-- How many parts the work was split into when the cursor was written: with another number the hash
-- sends rows elsewhere, so the partition begins anew.
alter table batch_cursor add column if not exists partitions integer not null default 1;
