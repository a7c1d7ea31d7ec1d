-- Derived, so that it can neither lag behind an upload's final state nor be downgraded by a late redelivery.
-- A security barrier: a reader's own function in WHERE is not run on rows that are not final. `=` and `= ANY (…)` still
-- use an index; a join looks up no key by key, so ask for the keys with `= ANY`.
CREATE OR REPLACE VIEW fahuo.acknowledgements WITH (security_barrier = true) AS
SELECT
  u.appid,
  CASE WHEN strpos(u.payment, ':') = 0 THEN u.payment END AS transaction_id,
  CASE WHEN strpos(u.payment, ':') > 0 THEN split_part(u.payment, ':', 1) END AS mchid,
  CASE WHEN strpos(u.payment, ':') > 0 THEN split_part(u.payment, ':', 2) END AS out_trade_no,
  u.version,
  u.event_id,
  u.state,
  u.errcode,
  u.errmsg,
  u.rid,
  u.attempts,
  u.upload_time AS uploaded_at,
  u.finished_at AS acknowledged_at
FROM fahuo.upload u
WHERE u.state IN ('acknowledged', 'rejected', 'superseded');
--> statement-breakpoint
GRANT SELECT ON fahuo.acknowledgements TO fahuo_writer;
