-- The doors of the outbox. `enqueue` refuses what breaks the contract, in the caller's transaction; `offer` keeps it and never
-- raises over content. Both read the event once, draw a version where it has none, and write one kept. The INSERT locks the
-- parent table before its default draws an id: the relay's gap-free cursor rests on that order, so ids are drawn nowhere else.
-- They run as the schema's owner. pg_temp stands at the end of the path: where it is not named, it is searched first, and a
-- caller's own pg_temp.text, with a CHECK that calls the caller's code, would run as the owner (ADR 16).
-- The payment that a key names (payment.ts): its transaction_id, or mchid:out_trade_no. Of an unchecked one, too.
CREATE OR REPLACE FUNCTION fahuo.payment_key(order_key jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN CASE
    WHEN jsonb_typeof(order_key -> 'transaction_id') = 'string' THEN order_key ->> 'transaction_id'
    WHEN jsonb_typeof(order_key -> 'mchid') = 'string' AND jsonb_typeof(order_key -> 'out_trade_no') = 'string'
      THEN (order_key ->> 'mchid') || ':' || (order_key ->> 'out_trade_no')
  END;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.payment_key(jsonb) FROM PUBLIC;
--> statement-breakpoint
-- What became of an event that its id, or its payment and version, show to have come before: the outbox row of the same event
-- (0 where retention has dropped it), or why it is refused. The rows are those that insert_event found.
CREATE OR REPLACE FUNCTION fahuo.judge_earlier(e jsonb, key text, new_data text, same_row bigint, rival_row bigint, OUT id bigint, OUT refusal text)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  earlier pg_catalog.record;
  new_version pg_catalog.int4 := fahuo.whole(e -> 'version');
BEGIN
  IF same_row IS NOT NULL THEN
    SELECT o.id, o.type, o.appid, o.payment, o.version, o.data INTO earlier FROM fahuo.outbox o WHERE o.id = same_row;
  ELSE
    SELECT coalesce((SELECT min(o.id) FROM fahuo.outbox o WHERE o.event_id = u.event_id AND o.source = u.source), 0) AS id,
      'fahuo.shipment.' || u.kind || '.v1' AS type, u.appid, u.payment, u.version, u.body AS data INTO earlier
    FROM fahuo.upload u WHERE u.event_id = e ->> 'id' AND u.source = e ->> 'source';
  END IF;
  IF earlier.id IS NULL THEN
    refusal := format('version %s of payment %s came before by the event %s: send the next version, or none and it is drawn', new_version, key,
      coalesce((SELECT o.event_id FROM fahuo.outbox o WHERE o.id = rival_row),
        (SELECT u.event_id FROM fahuo.upload u WHERE u.payment = key AND u.appid = e ->> 'appid' AND u.version = new_version)));
  ELSIF earlier.type = e ->> 'type' AND earlier.appid = e ->> 'appid' AND earlier.payment = key
    AND earlier.version IS NOT DISTINCT FROM coalesce(new_version, earlier.version)
    AND (earlier.data = new_data OR earlier.data::pg_catalog.jsonb = e -> 'data') THEN
    id := earlier.id;
  ELSE
    refusal := format('the event %s of %s came before with other content: give other content a new id and the next version', e ->> 'id', e ->> 'source');
  END IF;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.judge_earlier(jsonb, text, text, bigint, bigint) FROM PUBLIC;
--> statement-breakpoint
-- Writes a valid event; the row's id, or why it is refused. Without a version the payment's next is drawn: its row of
-- drawn_version is locked until the caller's transaction ends, so of two writers the second sees what the first has written,
-- and under REPEATABLE READ Postgres raises a serialization failure. What two transactions write at one time with versions of
-- their own neither sees: the consumer finds it, and says `conflict`.
CREATE OR REPLACE FUNCTION fahuo.insert_event(e jsonb, new_data text, new_notes text, OUT id bigint, OUT refusal text)
LANGUAGE plpgsql AS $$
DECLARE
  app CONSTANT pg_catalog.text := e ->> 'appid';
  key CONSTANT pg_catalog.text := fahuo.payment_key(e -> 'data' -> 'order_key');
  given CONSTANT pg_catalog.int4 := fahuo.whole(e -> 'version');
  number pg_catalog.int4 := given;
  recent pg_catalog.record;
  upload pg_catalog.record;
  earlier pg_catalog.record;
BEGIN
  IF given IS NULL THEN
    IF e ->> 'type' = 'fahuo.shipment.received.v1' THEN
      earlier := fahuo.insert_received(e, new_data, new_notes);
      id := earlier.id;
      refusal := earlier.refusal;
      RETURN;
    END IF;
    INSERT INTO fahuo.drawn_version AS v (appid, payment, version) VALUES (app, key, 1)
    ON CONFLICT (payment, appid) DO UPDATE SET version = v.version + 1, drawn_at = clock_timestamp()
    RETURNING v.version INTO number;
  END IF;
  recent := fahuo.recent_outbox(e ->> 'id', e ->> 'source', app, key, given);
  SELECT (SELECT u.id FROM fahuo.upload u WHERE u.event_id = e ->> 'id' AND u.source = e ->> 'source') AS same_id,
    (SELECT u.id FROM fahuo.upload u WHERE u.payment = key AND u.appid = app AND u.version = given) AS rival_id INTO upload;
  IF recent.same_id IS NOT NULL OR recent.rival_id IS NOT NULL OR upload.same_id IS NOT NULL OR upload.rival_id IS NOT NULL THEN
    earlier := fahuo.judge_earlier(e, key, new_data, recent.same_id, recent.rival_id);
    id := earlier.id;
    refusal := earlier.refusal;
    RETURN;
  END IF;
  IF given IS NULL THEN
    number := greatest(number, 1 + recent.last_version,
      1 + (SELECT max(u.version) FROM fahuo.upload u WHERE u.payment = key AND u.appid = app),
      1 + (SELECT t.last_version FROM fahuo.tombstone t WHERE t.payment = key AND t.appid = app));
    IF number > 999999999 THEN
      refusal := format('payment %s has had its last version: the event is one too many', key);
      RETURN;
    END IF;
    UPDATE fahuo.drawn_version v SET version = number WHERE v.payment = key AND v.appid = app AND v.version < number;
  END IF;
  INSERT INTO fahuo.outbox (event_id, type, source, event_time, appid, payment, version, reason, approved_by, traceparent, data, notes)
  VALUES (e ->> 'id', e ->> 'type', e ->> 'source', e ->> 'time', app, key, number, e ->> 'reason', e ->> 'approved_by',
    e ->> 'traceparent', new_data, new_notes)
  RETURNING outbox.id INTO id;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.insert_event(jsonb, text, text) FROM PUBLIC;
--> statement-breakpoint
-- Writes an event in the caller's transaction; returns the id of its outbox row, of the earlier one where the same event came
-- before. Raises invalid_parameter_value (22023) with every problem, and unique_violation (23505) where its id, or its payment
-- and version, came before with other content.
CREATE OR REPLACE FUNCTION fahuo.enqueue(event text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  read pg_catalog.record := fahuo.read_event(event);
  written pg_catalog.record;
BEGIN
  IF read.problems IS NOT NULL THEN
    RAISE EXCEPTION 'fahuo.enqueue: %', fahuo.describe_problems(read.problems, '; ') USING ERRCODE = 'invalid_parameter_value';
  END IF;
  written := fahuo.insert_event(read.e, read.data, read.notes);
  IF written.refusal IS NOT NULL THEN
    RAISE EXCEPTION 'fahuo.enqueue: %', written.refusal USING ERRCODE = 'unique_violation';
  END IF;
  RETURN written.id;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.enqueue(text) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.enqueue(text) TO fahuo_writer, fahuo_service;
--> statement-breakpoint
-- Keeps an offer that is refused, with all that it names, and answers it on the ack topic where there is one and where app,
-- payment and event are named. Its version there is 1 where the event has none: the answer's own text says null.
CREATE OR REPLACE FUNCTION fahuo.refuse_offer(event text, e jsonb, why text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  kept pg_catalog.record;
  now CONSTANT pg_catalog.timestamptz := date_trunc('milliseconds', clock_timestamp());
BEGIN
  INSERT INTO fahuo.refused_offer AS r (event, bytes, event_id, type, source, appid, payment, version, detail)
  VALUES (
    coalesce(CASE WHEN octet_length(event) > 262144 THEN left(event, 65536) ELSE event END, ''),
    coalesce(octet_length(event), 0),
    CASE WHEN jsonb_typeof(e -> 'id') = 'string' THEN nullif(left(e ->> 'id', 128), '') END,
    CASE WHEN jsonb_typeof(e -> 'type') = 'string' THEN left(e ->> 'type', 128) END,
    CASE WHEN jsonb_typeof(e -> 'source') = 'string' THEN left(e ->> 'source', 256) END,
    CASE WHEN jsonb_typeof(e -> 'appid') = 'string' THEN nullif(left(e ->> 'appid', 64), '') END,
    nullif(left(fahuo.payment_key(e -> 'data' -> 'order_key'), 128), ''),
    fahuo.whole(e -> 'version'),
    why
  ) RETURNING r.id, r.event_id, r.appid, r.payment, r.version INTO kept;
  IF kept.event_id IS NULL OR kept.appid IS NULL OR kept.payment IS NULL
    OR NOT (SELECT d.acknowledgement_rows FROM fahuo.deployment d) THEN
    RETURN;
  END IF;
  INSERT INTO fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
  VALUES (
    'refused-' || kept.id, 'fahuo.shipment.acknowledged.v1', 'fahuo',
    to_char(now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), kept.appid, kept.payment, coalesce(kept.version, 1),
    json_build_object('appid', kept.appid, 'payment', kept.payment, 'version', kept.version, 'event_id', kept.event_id,
      'state', 'rejected', 'errcode', null, 'errmsg', null, 'rid', null, 'attempts', 0, 'uploaded_at', null,
      'acknowledged_at', to_char(now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'), 'detail', why)::pg_catalog.text
  );
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.refuse_offer(text, jsonb, text) FROM PUBLIC;
--> statement-breakpoint
-- As `enqueue`, for triggers and for shops that would rather ship than be told: never raises over content. Null where the
-- event is refused; fahuo.refused_offer has it then. A deadlock, a serialization failure or a timeout is raised all the same.
CREATE OR REPLACE FUNCTION fahuo.offer(event text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  read pg_catalog.record;
  written pg_catalog.record;
  unread pg_catalog.text;
BEGIN
  BEGIN -- nothing is written within, so this takes no transaction id of its own
    read := fahuo.read_event(event);
  EXCEPTION WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
    unread := 'the event cannot be read: ' || SQLERRM;
  END;
  IF unread IS NOT NULL THEN
    PERFORM fahuo.refuse_offer(event, NULL, unread);
  ELSIF read.problems IS NOT NULL THEN
    PERFORM fahuo.refuse_offer(event, read.e, fahuo.describe_problems(read.problems, E'\n'));
  ELSE
    written := fahuo.insert_event(read.e, read.data, read.notes);
    IF written.refusal IS NOT NULL THEN PERFORM fahuo.refuse_offer(event, read.e, written.refusal); END IF;
    RETURN written.id;
  END IF;
  RETURN NULL;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.offer(text) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.offer(text) TO fahuo_writer, fahuo_service;
