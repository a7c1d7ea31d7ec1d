-- Derived, so that it can neither lag behind an upload's final state nor be downgraded by a late redelivery. What never
-- became an upload and is answered all the same (fahuo.events) is here, too: as rejected, without an errcode. A branch for
-- each kind of key, so that a condition on transaction_id, or on mchid and out_trade_no, is one on an index.
-- Security barriers: a reader's own function in WHERE is not run on rows that are not final. Each branch has its own,
-- since Postgres flattens a UNION ALL and lets the barrier of the whole go. `=` and `= ANY (…)` still use an index; a join
-- looks up no key by key, so ask for the keys with `= ANY`.
CREATE OR REPLACE VIEW fahuo.acknowledged_by_transaction WITH (security_barrier = true) AS
SELECT
  u.appid,
  u.payment AS transaction_id,
  NULL::text AS mchid,
  NULL::text AS out_trade_no,
  u.version,
  u.event_id,
  u.source,
  u.state,
  u.errcode,
  u.errmsg,
  u.rid,
  u.attempts,
  u.upload_time AS uploaded_at,
  u.finished_at AS acknowledged_at,
  CASE WHEN u.resolved_by IS NOT NULL THEN 'resolved' WHEN u.state = 'rejected' THEN 'refused' WHEN u.state = 'superseded' THEN 'newer_version' END
    AS reason,
  u.detail
FROM fahuo.upload u
WHERE u.state IN ('acknowledged', 'rejected', 'superseded') AND strpos(u.payment, ':') = 0;
--> statement-breakpoint
CREATE OR REPLACE VIEW fahuo.acknowledged_by_merchant WITH (security_barrier = true) AS
SELECT
  u.appid,
  NULL::text AS transaction_id,
  split_part(u.payment, ':', 1) AS mchid,
  split_part(u.payment, ':', 2) AS out_trade_no,
  u.version,
  u.event_id,
  u.source,
  u.state,
  u.errcode,
  u.errmsg,
  u.rid,
  u.attempts,
  u.upload_time AS uploaded_at,
  u.finished_at AS acknowledged_at,
  CASE WHEN u.resolved_by IS NOT NULL THEN 'resolved' WHEN u.state = 'rejected' THEN 'refused' WHEN u.state = 'superseded' THEN 'newer_version' END
    AS reason,
  u.detail
FROM fahuo.upload u
WHERE u.state IN ('acknowledged', 'rejected', 'superseded') AND strpos(u.payment, ':') > 0;
--> statement-breakpoint
CREATE OR REPLACE VIEW fahuo.acknowledgements WITH (security_barrier = true) AS
SELECT * FROM fahuo.acknowledged_by_transaction
UNION ALL SELECT * FROM fahuo.acknowledged_by_merchant
UNION ALL SELECT appid, transaction_id, mchid, out_trade_no, version, event_id, source, state::fahuo.upload_state, errcode, errmsg,
  rid, attempts, uploaded_at, updated_at, reason, detail
  FROM fahuo.receipt_by_transaction WHERE place = 'final'
UNION ALL SELECT appid, transaction_id, mchid, out_trade_no, version, event_id, source, state::fahuo.upload_state, errcode, errmsg,
  rid, attempts, uploaded_at, updated_at, reason, detail
  FROM fahuo.receipt_by_merchant WHERE place = 'final'
UNION ALL SELECT appid, transaction_id, mchid, out_trade_no, version, event_id, source, 'rejected'::fahuo.upload_state, errcode, errmsg,
  rid, attempts, uploaded_at, updated_at, reason, detail
  FROM fahuo.dead_letter_by_transaction
UNION ALL SELECT appid, transaction_id, mchid, out_trade_no, version, event_id, source, 'rejected'::fahuo.upload_state, errcode, errmsg,
  rid, attempts, uploaded_at, updated_at, reason, detail
  FROM fahuo.dead_letter_by_merchant
UNION ALL SELECT appid, transaction_id, mchid, out_trade_no, version, event_id, source, 'rejected'::fahuo.upload_state, errcode, errmsg,
  rid, attempts, uploaded_at, updated_at, reason, detail
  FROM fahuo.refused_offer_by_transaction
UNION ALL SELECT appid, transaction_id, mchid, out_trade_no, version, event_id, source, 'rejected'::fahuo.upload_state, errcode, errmsg,
  rid, attempts, uploaded_at, updated_at, reason, detail
  FROM fahuo.refused_offer_by_merchant;
--> statement-breakpoint
GRANT SELECT ON fahuo.acknowledgements TO fahuo_writer, fahuo_service;
