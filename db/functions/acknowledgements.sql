-- Derived, so that it can neither lag behind an upload's final state nor be downgraded by a late redelivery. A branch for
-- each kind of key, so that a condition on transaction_id, or on mchid and out_trade_no, is one on an index.
-- A security barrier: a reader's own function in WHERE is not run on rows that are not final. `=` and `= ANY (…)` still
-- use an index; a join looks up no key by key, so ask for the keys with `= ANY`.
CREATE OR REPLACE VIEW fahuo.acknowledgements WITH (security_barrier = true) AS
SELECT
  u.appid,
  u.payment AS transaction_id,
  NULL::text AS mchid,
  NULL::text AS out_trade_no,
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
WHERE u.state IN ('acknowledged', 'rejected', 'superseded') AND strpos(u.payment, ':') = 0
UNION ALL
SELECT
  u.appid,
  NULL::text,
  split_part(u.payment, ':', 1),
  split_part(u.payment, ':', 2),
  u.version,
  u.event_id,
  u.state,
  u.errcode,
  u.errmsg,
  u.rid,
  u.attempts,
  u.upload_time,
  u.finished_at
FROM fahuo.upload u
WHERE u.state IN ('acknowledged', 'rejected', 'superseded') AND strpos(u.payment, ':') > 0;
--> statement-breakpoint
GRANT SELECT ON fahuo.acknowledgements TO fahuo_writer;
