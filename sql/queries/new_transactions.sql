-- Where the batch reads from: the inputs of the serving model's feature program, and ingested_xid
-- (xid8 default pg_current_xact_id()) if the source has one. The batch adds its own window around
-- this query. A source without ingested_xid is compared with fraud_scores over batch.lookback_days.
select transaction_seq, create_dt, deposit_amount, receiving_country, country_code, id_type,
       stay_qualify, payment_method, register_date, first_transaction_date, birth_date,
       recheck_date, face_pin_date, visa_expire_date,
       transaction_count_24hour, transaction_count_1week, transaction_count_1month,
       transaction_amount_24hour, transaction_amount_1week, transaction_amount_1month,
       user_name, sender_name, ingested_xid
  from transactions
