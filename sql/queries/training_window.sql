-- Rows to train on: the inputs of the feature program and the column "label" (1 = fraud).
-- Variables (timestamps): :'from' and :'until', the window of rows is [from, until);
-- :'labels_until', which is :'until' or retrain.label_delay_seconds later.
-- A label counts only if it was known before that, so training never looks ahead.
select t.transaction_seq, t.create_dt, t.deposit_amount, t.receiving_country, t.country_code,
       t.id_type, t.stay_qualify, t.payment_method, t.register_date, t.first_transaction_date,
       t.birth_date, t.recheck_date, t.face_pin_date, t.visa_expire_date,
       t.transaction_count_24hour, t.transaction_count_1week, t.transaction_count_1month,
       t.transaction_amount_24hour, t.transaction_amount_1week, t.transaction_amount_1month,
       t.user_name, t.sender_name,
       coalesce(l.is_fraud, false)::integer as label
  from transactions t
  left join fraud_labels l
    on l.transaction_seq = t.transaction_seq and l.known_at < :'labels_until'::timestamptz
 where t.create_dt >= :'from'::timestamptz and t.create_dt < :'until'::timestamptz
 order by t.create_dt, t.transaction_seq
