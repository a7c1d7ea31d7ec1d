-- fahuo.events: every event from its commit on, one row an event, whoever wrote it. What a source knows stands in one view
-- of its own (…_events); readers get it through barriers (see the end). Look-ups within are sub-selects with OFFSET 0 or
-- LIMIT: the planner must not turn one key's question into a join that reads a table whole, whatever its statistics say.
-- Nobody but the owner and fahuo_service may read the views of the sources.

-- What a reader can do about each reason; db/states.ts has the list of reasons.
CREATE OR REPLACE VIEW fahuo.event_reason (reason, state, remedy) AS VALUES
  ('not_published', 'waiting', 'nothing: the relay publishes it; if that lasts, `fahuo status` says what holds the relay'),
  ('not_consumed', 'waiting', 'nothing: the consumer takes it; if that lasts, `fahuo status` says how far it is behind'),
  ('too_large', 'waiting', 'raise max.message.bytes of the topic, then `fahuo outbox unpark PAYMENT --execute`'),
  ('waits_behind', 'waiting', 'an older event of this payment is too large for the topic: see that one'),
  ('passed_over', 'waiting', 'nothing: the relay publishes it; if that lasts, `fahuo outbox repair` says why'),
  ('app_not_served', 'waiting', 'let an instance serve this appid (WECHAT_APPID or FAHUO_APPS_FILE), or correct the appid: `fahuo retire APPID` ends what waits'),
  ('app_paused', 'waiting', 'mend what the detail says, then `fahuo resume APPID`; a pause with an end passes by itself'),
  ('wechat_unreachable', 'waiting', 'nothing: it goes on by itself when WeChat answers; `fahuo doctor` looks at the way there'),
  ('sending', 'waiting', 'nothing: the answer is on its way'),
  ('outcome_unknown', 'waiting', 'nothing: a read of the order tells what became of the call'),
  ('older_version_first', 'waiting', 'nothing: an older version of this payment is under way'),
  ('older_than_database', 'waiting', 'nothing: it is decided when no newer event of this payment comes'),
  ('not_visible_yet', 'waiting', 'nothing for a day: WeChat shows a payment some time after it was made; else check the transaction id and the appid'),
  ('read_before_write', 'waiting', 'nothing: the order is read before anything is written to it again'),
  ('due', 'waiting', 'nothing: it is sent as soon as a call is free'),
  ('payment_not_found', 'waiting', 'check that the payment was made in this app and is to be shipped through WeChat; it is tried daily to day 14'),
  ('conflict', 'waiting', 'enqueue a correction if the one re-ship chance shall be spent; otherwise `fahuo resolve PAYMENT --as … --reason …`'),
  ('not_shippable', 'waiting', 'look at the order in WeChat''s console, then `fahuo resolve PAYMENT --as … --reason …`'),
  ('unreadable', 'waiting', 'see the reads in `fahuo show PAYMENT`, then `fahuo replay --payment PAYMENT --execute`'),
  ('unrecognised', 'waiting', 'see the attempts in `fahuo show PAYMENT`, then replay or resolve the payment'),
  ('older_event', 'waiting', 'compare with WeChat''s console, then `fahuo database accept-older --payment PAYMENT --execute` or `fahuo resolve PAYMENT --as … --reason …`'),
  ('unrecorded', 'waiting', 'mend what the detail names, then `fahuo replay --payment PAYMENT --execute`'),
  ('refused', 'rejected', 'correct what errmsg or the detail names and enqueue the next version'),
  ('undecodable', 'rejected', 'mend the producer: the value must be the JSON text of one event'),
  ('invalid', 'rejected', 'correct what the detail names and enqueue the event again'),
  ('conflict', 'rejected', 'enqueue the right content under a new id and the next version'),
  ('second_correction', 'rejected', 'none: WeChat takes one correction of a payment'),
  ('newer_version', 'superseded', 'nothing: a newer version took its place'),
  ('forgotten', 'superseded', 'nothing: it repeats what was ended and forgotten; a change needs a higher version'),
  ('shipment_first', 'waiting', 'nothing: the reminder goes out when WeChat shows the payment as shipped by express'),
  ('reminder_unknown', 'waiting', 'look at the payment in WeChat''s console: it ends when the buyer confirms, or `fahuo wechat notify-confirm-receive PAYMENT --again --reason …` makes the call once more'),
  ('reminder_refused', 'rejected', 'where the time was wrong: `fahuo wechat notify-confirm-receive PAYMENT --again --received-time TIME --reason …`; otherwise nothing can be mended'),
  ('receipt_confirmed', 'superseded', 'nothing: the buyer has confirmed, or the money is settled'),
  ('second_reminder', 'superseded', 'nothing, unless the first was refused, which fahuo.receipts says: then `fahuo wechat notify-confirm-receive PAYMENT --again --received-time TIME --reason …`');
--> statement-breakpoint
-- Uploads. A row that is final has its answer; of the others the first thing that keeps them from being sent is told.
CREATE OR REPLACE VIEW fahuo.upload_events AS
SELECT
  u.id AS upload_id, u.state AS upload_state, u.received_at, u.resolved_by,
  u.appid, u.payment, u.version, u.event_id, u.source,
  s.state,
  CASE WHEN s.state = 'waiting' THEN u.state::text ELSE 'final' END AS place,
  w.reason,
  CASE w.reason
    WHEN 'app_paused' THEN concat_ws(': ', p.errcode, p.reason)
    WHEN 'wechat_unreachable' THEN v.reason
    WHEN 'app_not_served' THEN 'no instance serves ' || u.appid
    ELSE u.detail
  END AS detail,
  (SELECT r.remedy FROM fahuo.event_reason r WHERE r.reason = w.reason AND r.state = s.state) AS remedy,
  CASE
    WHEN w.reason IN ('app_not_served', 'wechat_unreachable', 'older_version_first') OR u.state NOT IN ('pending', 'unknown', 'parked') THEN NULL
    WHEN w.reason = 'app_paused' AND p.resume_at IS NULL THEN NULL
    ELSE nullif(greatest(u.next_attempt_at, p.resume_at), 'infinity')
  END AS next_attempt_at,
  u.attempts, u.errcode, u.errmsg, u.rid, u.notes, u.upload_time AS uploaded_at,
  coalesce(
    (SELECT o.created_at FROM fahuo.outbox o WHERE o.event_id = u.event_id AND o.source = u.source ORDER BY o.id LIMIT 1),
    u.received_at) AS committed_at,
  greatest(u.received_at, u.upload_time, u.finished_at) AS updated_at
FROM fahuo.upload u
CROSS JOIN LATERAL (
  SELECT CASE WHEN u.state IN ('acknowledged', 'rejected', 'superseded') THEN u.state::text ELSE 'waiting' END AS state
) s
LEFT JOIN LATERAL (
  SELECT v.unreachable_since, v.reason FROM fahuo.serving v
  WHERE v.appid = u.appid AND v.seen_at > clock_timestamp() - interval '30 seconds'
  ORDER BY v.unreachable_since NULLS FIRST LIMIT 1
) v ON u.state IN ('pending', 'uploading', 'unknown')
LEFT JOIN LATERAL (
  SELECT p.reason, p.errcode, p.resume_at FROM fahuo.pause p
  WHERE p.appid = u.appid AND p.endpoint IN ('*', CASE WHEN u.state = 'unknown' THEN 'read' ELSE 'upload' END)
    AND (p.resume_at IS NULL OR p.resume_at > clock_timestamp())
  ORDER BY p.resume_at DESC NULLS FIRST LIMIT 1
) p ON u.state IN ('pending', 'unknown')
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN u.resolved_by IS NOT NULL THEN 'resolved'
    WHEN u.state = 'acknowledged' THEN NULL
    WHEN u.state = 'rejected' THEN 'refused'
    WHEN u.state = 'superseded' THEN 'newer_version'
    WHEN u.state = 'parked' THEN u.park_reason::text
    WHEN NOT EXISTS (
      SELECT FROM fahuo.serving v WHERE v.appid = u.appid AND v.seen_at > clock_timestamp() - interval '30 seconds' OFFSET 0
    ) THEN 'app_not_served'
    WHEN u.state = 'uploading' THEN 'sending'
    WHEN p.reason IS NOT NULL THEN 'app_paused'
    WHEN v.unreachable_since IS NOT NULL THEN 'wechat_unreachable'
    WHEN u.state = 'unknown' THEN 'outcome_unknown'
    WHEN u.next_attempt_at = 'infinity' THEN 'older_than_database'
    WHEN EXISTS (
      SELECT FROM fahuo.upload o WHERE o.payment = u.payment AND o.appid = u.appid AND o.id <> u.id
        AND (o.state IN ('uploading', 'unknown') OR (o.state = 'pending' AND (o.version, o.id) < (u.version, u.id))) OFFSET 0
    ) THEN 'older_version_first'
    WHEN u.errcode = 10060001 THEN 'not_visible_yet'
    WHEN u.attempts > 0 OR u.kind = 'corrected' OR u.caution IS NOT NULL OR strpos(u.payment, ':') > 0 OR EXISTS (
      SELECT FROM fahuo.upload o WHERE o.payment = u.payment AND o.appid = u.appid AND o.id <> u.id AND o.attempts > 0 OFFSET 0
    ) THEN 'read_before_write'
    ELSE 'due'
  END AS reason OFFSET 0
) w;
--> statement-breakpoint
-- Events that an upload of another id answers: see fahuo.upload_repeat.
CREATE OR REPLACE VIEW fahuo.repeat_events AS
SELECT u.appid, u.payment, u.version, r.event_id, r.source, u.state, u.place, u.reason,
  concat_ws('; ', 'the event ' || u.event_id || ' had this version with the same content before', u.detail) AS detail,
  u.remedy, u.next_attempt_at, u.attempts, u.errcode, u.errmsg, u.rid, u.notes, u.uploaded_at,
  r.received_at AS committed_at, greatest(r.received_at, u.updated_at) AS updated_at
FROM fahuo.upload_repeat r JOIN fahuo.upload_events u ON u.upload_id = r.upload_id;
--> statement-breakpoint
-- Received events that were consumed: the one that asked for the payment's reminder has its answer, and any other came second.
-- A reminder waits for its app as an upload does; the calls of both are held by a pause of the reads.
CREATE OR REPLACE VIEW fahuo.receipt_events AS
SELECT e.appid, e.payment, NULL::integer AS version, e.event_id, e.source, w.state, w.place, w.reason,
  CASE w.reason
    WHEN 'second_reminder' THEN concat('the payment has its one reminder already', ': the event ' || r.event_id || ' of ' || r.source)
    WHEN 'forgotten' THEN 'the reminder of this payment ended and was forgotten'
    WHEN 'app_paused' THEN concat_ws(': ', p.errcode, p.reason)
    WHEN 'wechat_unreachable' THEN v.reason
    WHEN 'app_not_served' THEN 'no instance serves ' || e.appid
    ELSE r.detail
  END AS detail,
  (SELECT x.remedy FROM fahuo.event_reason x WHERE x.reason = w.reason AND x.state = w.state) AS remedy,
  CASE
    WHEN w.reason NOT IN ('app_paused', 'due', 'shipment_first', 'reminder_unknown') THEN NULL
    WHEN w.reason = 'app_paused' AND p.resume_at IS NULL THEN NULL
    ELSE nullif(greatest(r.next_attempt_at, p.resume_at, e.open_at), 'infinity')
  END AS next_attempt_at,
  CASE WHEN w.is_first THEN coalesce(r.sends, 0) ELSE 0 END AS attempts,
  CASE WHEN w.is_first THEN r.errcode END AS errcode, CASE WHEN w.is_first THEN r.errmsg END AS errmsg,
  CASE WHEN w.is_first THEN r.rid END AS rid, e.notes,
  CASE WHEN w.is_first THEN r.sent_at END AS uploaded_at,
  coalesce(
    (SELECT o.created_at FROM fahuo.outbox o WHERE o.event_id = e.event_id AND o.source = e.source ORDER BY o.id LIMIT 1),
    e.arrived_at) AS committed_at,
  CASE WHEN w.is_first THEN greatest(e.arrived_at, r.sent_at, r.finished_at) ELSE e.arrived_at END AS updated_at
FROM fahuo.receipt_event e
LEFT JOIN LATERAL (
  SELECT r.* FROM fahuo.receipt r WHERE r.payment = e.payment AND r.appid = e.appid LIMIT 1
) r ON true
LEFT JOIN LATERAL (
  SELECT v.seen_at, v.unreachable_since, v.reason FROM fahuo.serving v
  WHERE v.appid = e.appid AND v.seen_at > clock_timestamp() - interval '30 seconds'
  ORDER BY v.unreachable_since NULLS FIRST LIMIT 1
) v ON e.open_at IS NOT NULL OR r.state IN ('pending', 'sending', 'unknown')
LEFT JOIN LATERAL (
  SELECT p.reason, p.errcode, p.resume_at FROM fahuo.pause p
  WHERE p.appid = e.appid AND p.endpoint IN ('*', 'read') AND (p.resume_at IS NULL OR p.resume_at > clock_timestamp())
  ORDER BY p.resume_at DESC NULLS FIRST LIMIT 1
) p ON e.open_at IS NOT NULL OR r.state IN ('pending', 'unknown')
CROSS JOIN LATERAL (
  SELECT f.is_first,
    CASE
      WHEN NOT f.is_first OR r.state IN ('moot', 'forgotten') THEN 'superseded'
      WHEN r.state IN ('acknowledged', 'rejected') THEN r.state::text
      ELSE 'waiting'
    END AS state,
    CASE WHEN NOT f.is_first OR r.finished_at IS NOT NULL OR r.state = 'forgotten' THEN 'final' ELSE coalesce(r.state::text, 'pending') END AS place,
    CASE
      WHEN r.state = 'forgotten' THEN 'forgotten'
      WHEN NOT f.is_first THEN 'second_reminder'
      WHEN r.state = 'acknowledged' THEN NULL
      WHEN r.state = 'rejected' THEN 'reminder_refused'
      WHEN r.state = 'moot' THEN 'receipt_confirmed'
      WHEN v.seen_at IS NULL THEN 'app_not_served'
      WHEN r.state = 'sending' THEN 'sending'
      WHEN p.reason IS NOT NULL AND r.state IS DISTINCT FROM 'unknown' THEN 'app_paused'
      WHEN r.state = 'unknown' THEN 'reminder_unknown'
      WHEN v.unreachable_since IS NOT NULL THEN 'wechat_unreachable'
      WHEN coalesce(r.waits, 0) = 0 THEN 'due'
      ELSE 'shipment_first'
    END AS reason
  -- Without a row the event is open: a transaction of the shop has asked for the reminder and is not over.
  FROM (SELECT r.id IS NULL OR coalesce(r.event_id = e.event_id AND r.source = e.source, false) AS is_first) f OFFSET 0
) w;
--> statement-breakpoint
-- The outbox, and rows of it that the relay keeps after their partition is gone. Acknowledgements are no events of a writer.
CREATE OR REPLACE VIEW fahuo.committed_events AS
SELECT o.id, o.event_id, o.type, o.source, o.appid, o.payment, o.version, o.data, o.notes, o.created_at
FROM fahuo.outbox o
WHERE o.type IN ('fahuo.shipment.shipped.v1', 'fahuo.shipment.corrected.v1', 'fahuo.shipment.received.v1')
UNION ALL
SELECT p.outbox_id, p.event_id, p.type, p.source, p.appid, p.payment, p.version, p.data, NULL, p.created_at
FROM fahuo.relay_parked p
WHERE p.type IN ('fahuo.shipment.shipped.v1', 'fahuo.shipment.corrected.v1', 'fahuo.shipment.received.v1')
  AND NOT EXISTS (SELECT FROM fahuo.outbox o WHERE o.id = p.outbox_id AND o.event_id = p.event_id OFFSET 0);
--> statement-breakpoint
-- Those of them that have no row elsewhere: no upload of this event, no dead letter of this very text, and no twin that was
-- written before. Another text under a used id gets a dead letter, so until then it is shown beside the upload.
CREATE OR REPLACE VIEW fahuo.outbox_events AS
SELECT o.appid, o.payment, o.version, o.event_id, o.source,
  CASE WHEN t.found THEN 'superseded' ELSE 'waiting' END AS state,
  w.place,
  w.reason,
  CASE w.reason WHEN 'too_large' THEN 'Kafka refuses it for its size' WHEN 'forgotten' THEN
    CASE WHEN o.version IS NULL THEN 'the reminder of this payment ended and was forgotten' ELSE 'this version or a newer one was ended and forgotten' END
  END AS detail,
  (SELECT r.remedy FROM fahuo.event_reason r
   WHERE r.reason = w.reason AND r.state = CASE WHEN t.found THEN 'superseded' ELSE 'waiting' END) AS remedy,
  NULL::timestamptz AS next_attempt_at, 0 AS attempts, NULL::bigint AS errcode, NULL::text AS errmsg, NULL::text AS rid, o.notes,
  NULL::timestamptz AS uploaded_at, o.created_at AS committed_at, greatest(o.created_at, p.parked_at, p.published_at) AS updated_at
FROM fahuo.committed_events o
LEFT JOIN LATERAL (
  SELECT true AS found FROM fahuo.tombstone t
  WHERE t.payment = o.payment AND t.appid = o.appid AND t.last_version >= o.version
  UNION ALL
  SELECT true FROM fahuo.receipt r
  WHERE o.version IS NULL AND r.payment = o.payment AND r.appid = o.appid AND r.state = 'forgotten' LIMIT 1
) t ON true
LEFT JOIN LATERAL (
  SELECT p.park_reason, p.parked_at, p.published_at FROM fahuo.relay_parked p
  WHERE p.outbox_id = o.id AND p.event_id = o.event_id LIMIT 1
) p ON true
CROSS JOIN LATERAL (
  SELECT CASE
    WHEN t.found THEN 'final'
    WHEN p.park_reason IS NOT NULL AND p.published_at IS NULL THEN 'relay'
    WHEN p.published_at IS NOT NULL OR o.id <= (SELECT min(c.cursor) FROM fahuo.relay_cursor c) THEN 'topic'
    ELSE 'outbox'
  END AS place, CASE
    WHEN t.found THEN 'forgotten'
    WHEN p.park_reason IS NOT NULL AND p.published_at IS NULL THEN p.park_reason::text
    WHEN p.published_at IS NOT NULL OR o.id <= (SELECT min(c.cursor) FROM fahuo.relay_cursor c) THEN 'not_consumed'
    ELSE 'not_published'
  END AS reason OFFSET 0
) w
WHERE NOT EXISTS (
    SELECT FROM fahuo.upload u WHERE u.event_id = o.event_id AND u.source = o.source AND u.appid = o.appid
      AND u.payment = o.payment AND u.version = o.version OFFSET 0
  ) AND NOT EXISTS (
    SELECT FROM fahuo.dead_letter d WHERE d.event_id = o.event_id AND d.source = o.source
      AND d.version IS NOT DISTINCT FROM o.version AND d.value = convert_to(o.data, 'UTF8') OFFSET 0
  ) AND NOT EXISTS (
    SELECT FROM fahuo.upload_repeat r, fahuo.upload u WHERE r.event_id = o.event_id AND r.source = o.source
      AND u.id = r.upload_id AND u.version = o.version OFFSET 0
  ) AND NOT EXISTS (
    SELECT FROM fahuo.committed_events e WHERE e.event_id = o.event_id AND e.source = o.source AND e.id < o.id
      AND e.appid = o.appid AND e.payment = o.payment AND e.version IS NOT DISTINCT FROM o.version AND e.data = o.data OFFSET 0
  ) AND NOT CASE WHEN o.type = 'fahuo.shipment.received.v1' THEN EXISTS (
    SELECT FROM fahuo.receipt_event r WHERE r.event_id = o.event_id AND r.source = o.source AND r.appid = o.appid
      AND r.payment = o.payment AND r.received_at = to_timestamp((o.data::jsonb ->> 'received_time')::float8) OFFSET 0
  ) ELSE false END;
--> statement-breakpoint
-- Dead letters that name an event or a payment: once each, however often the message came. One that broke the contract and
-- was sent again in order, or that a person offered again, is answered by its upload.
CREATE OR REPLACE VIEW fahuo.dead_letter_events AS
SELECT d.appid, d.payment, d.version, d.event_id, d.source, 'rejected' AS state, 'final' AS place, d.reason::text AS reason, d.detail,
  (SELECT r.remedy FROM fahuo.event_reason r WHERE r.reason = d.reason::text AND r.state = 'rejected') AS remedy,
  NULL::timestamptz AS next_attempt_at, 0 AS attempts, NULL::bigint AS errcode, NULL::text AS errmsg, NULL::text AS rid,
  NULL::text AS notes, NULL::timestamptz AS uploaded_at, d.received_at AS committed_at, d.received_at AS updated_at
FROM fahuo.dead_letter d
WHERE d.redriven_at IS NULL AND (d.event_id IS NOT NULL OR d.payment IS NOT NULL)
  AND NOT EXISTS (
    SELECT FROM fahuo.dead_letter e WHERE e.event_id = d.event_id AND e.source IS NOT DISTINCT FROM d.source AND e.id < d.id
      AND e.version IS NOT DISTINCT FROM d.version AND e.value IS NOT DISTINCT FROM d.value OFFSET 0
  ) AND NOT (d.reason IN ('invalid', 'undecodable') AND EXISTS (
    SELECT FROM fahuo.upload u WHERE u.event_id = d.event_id AND u.source = d.source
      -- A letter is written after the uploads of its batch: within a partition the offsets say what came later. One message that
      -- was refused may be taken at a later time, by a replay for example.
      AND CASE WHEN u.topic = d.topic AND u.partition = d.partition THEN u."offset" >= d."offset" ELSE u.received_at >= d.received_at END
    OFFSET 0
  )) AND NOT (d.reason IN ('invalid', 'undecodable') AND EXISTS (
    SELECT FROM fahuo.receipt_event r WHERE r.event_id = d.event_id AND r.source = d.source
      AND CASE WHEN r.topic = d.topic AND r.partition = d.partition THEN r."offset" >= d."offset" ELSE r.arrived_at >= d.received_at END
    OFFSET 0
  ));
--> statement-breakpoint
-- What fahuo.offer kept.
CREATE OR REPLACE VIEW fahuo.refused_offer_events AS
SELECT f.appid, f.payment, f.version, f.event_id, f.source, 'rejected' AS state, 'final' AS place, 'invalid' AS reason, f.detail,
  (SELECT r.remedy FROM fahuo.event_reason r WHERE r.reason = 'invalid' AND r.state = 'rejected') AS remedy,
  NULL::timestamptz AS next_attempt_at, 0 AS attempts, NULL::bigint AS errcode, NULL::text AS errmsg, NULL::text AS rid,
  NULL::text AS notes, NULL::timestamptz AS uploaded_at, f.offered_at AS committed_at, f.offered_at AS updated_at
FROM fahuo.refused_offer f
WHERE NOT EXISTS (
    SELECT FROM fahuo.refused_offer e WHERE e.event_id = f.event_id AND e.source IS NOT DISTINCT FROM f.source AND e.id < f.id
      AND e.event = f.event OFFSET 0
  ) AND NOT EXISTS (
    SELECT FROM fahuo.upload u WHERE u.event_id = f.event_id AND u.source = f.source AND u.received_at >= f.offered_at OFFSET 0
  ) AND NOT EXISTS (
    SELECT FROM fahuo.receipt_event r WHERE r.event_id = f.event_id AND r.source = f.source AND r.arrived_at >= f.offered_at OFFSET 0
  );
--> statement-breakpoint
-- A barrier around each source and kind of key: a reader's own function in WHERE is not run on what a view hides, and a
-- condition on transaction_id, or on mchid and out_trade_no, is one on an index. Each branch has its own, since Postgres
-- flattens a UNION ALL and lets the barrier of the whole go. `=` and `= ANY (…)` use an index; a join does not.
-- What WeChat told of the payment's money is looked up a column at a time: who does not ask for it pays nothing.
DO $$
DECLARE
  given pg_catalog.text := 'e.version, e.event_id, e.source, e.state, e.place, e.reason, e.detail, e.remedy, e.next_attempt_at, e.attempts,
    e.errcode, e.errmsg, e.rid, e.notes, e.uploaded_at, e.committed_at, e.updated_at';
  money pg_catalog.text := (
    SELECT string_agg(format('(SELECT p.%I FROM fahuo.payment p WHERE p.transaction_id = %%1$s AND p.appid = e.appid LIMIT 1) AS %I', c, c), ', ')
    FROM unnest(ARRAY['expected_settlement_at', 'confirmed_at', 'settled_at']) c);
  -- By a read that told it, or by a push: the payment's own row names the merchant's numbers.
  transaction pg_catalog.text := $of$coalesce(
    (SELECT a.transaction_id FROM fahuo.payment_alias a WHERE a.appid = e.appid AND a.payment = e.payment),
    (SELECT q.transaction_id FROM fahuo.payment q WHERE q.mchid = split_part(e.payment, ':', 1)
       AND q.out_trade_no = split_part(e.payment, ':', 2) AND q.appid = e.appid LIMIT 1))$of$;
  name pg_catalog.text;
BEGIN
  FOREACH name IN ARRAY ARRAY['upload', 'repeat', 'receipt', 'outbox', 'dead_letter', 'refused_offer'] LOOP
    EXECUTE format('CREATE OR REPLACE VIEW fahuo.%I WITH (security_barrier = true) AS
      SELECT e.appid, e.payment AS transaction_id, NULL::text AS mchid, NULL::text AS out_trade_no, %s, %s
      FROM fahuo.%I e WHERE coalesce(strpos(e.payment, '':''), 0) = 0',
      name || '_by_transaction', given, format(money, 'e.payment'), name || '_events');
    EXECUTE format('CREATE OR REPLACE VIEW fahuo.%I WITH (security_barrier = true) AS
      SELECT e.appid, NULL::text AS transaction_id, split_part(e.payment, '':'', 1) AS mchid,
        split_part(e.payment, '':'', 2) AS out_trade_no, %s, %s
      FROM fahuo.%I e WHERE strpos(e.payment, '':'') > 0',
      name || '_by_merchant', given, format(money, transaction), name || '_events');
  END LOOP;
END $$;
--> statement-breakpoint
CREATE OR REPLACE VIEW fahuo.events WITH (security_barrier = true) AS
SELECT * FROM fahuo.upload_by_transaction
UNION ALL SELECT * FROM fahuo.upload_by_merchant
UNION ALL SELECT * FROM fahuo.repeat_by_transaction
UNION ALL SELECT * FROM fahuo.repeat_by_merchant
UNION ALL SELECT * FROM fahuo.receipt_by_transaction
UNION ALL SELECT * FROM fahuo.receipt_by_merchant
UNION ALL SELECT * FROM fahuo.outbox_by_transaction
UNION ALL SELECT * FROM fahuo.outbox_by_merchant
UNION ALL SELECT * FROM fahuo.dead_letter_by_transaction
UNION ALL SELECT * FROM fahuo.dead_letter_by_merchant
UNION ALL SELECT * FROM fahuo.refused_offer_by_transaction
UNION ALL SELECT * FROM fahuo.refused_offer_by_merchant;
--> statement-breakpoint
GRANT SELECT ON fahuo.events TO fahuo_writer, fahuo_service;
--> statement-breakpoint
GRANT SELECT ON fahuo.upload_events, fahuo.dead_letter_events, fahuo.refused_offer_events, fahuo.event_reason TO fahuo_service;
