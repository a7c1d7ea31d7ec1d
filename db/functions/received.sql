-- The event that the buyer has the goods: checkReceived of contract.ts in SQL, and its row in the outbox. It has no version, so
-- neither the draw of a payment's next version nor a tombstone meets it; the payment's key alone keeps it behind its shipment.
-- What is wrong with a received_time (received-time.ts); null where nothing is.
CREATE OR REPLACE FUNCTION fahuo.received_time_problem(value jsonb) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  whole CONSTANT pg_catalog.text := 'must be when the buyer had the goods, in whole seconds since 1970';
  n pg_catalog.numeric;
  seconds pg_catalog.float8;
BEGIN
  IF jsonb_typeof(value) = 'string' THEN RETURN whole || ': send a number, not a string'; END IF;
  IF jsonb_typeof(value) IS DISTINCT FROM 'number' THEN RETURN whole; END IF;
  n := value::pg_catalog.numeric;
  -- As JavaScript reads it; what is far beyond would not be a float8.
  IF n BETWEEN 1 AND 1000000000000 THEN seconds := n::pg_catalog.float8; END IF;
  IF n > 1000000000000 OR seconds >= 100000000000 THEN RETURN 'must be seconds since 1970, and is too many: divide milliseconds by 1000'; END IF;
  IF n < 1 OR seconds < 1356998400 THEN RETURN 'must be when the buyer had the goods, after 2012: send the seconds since 1970'; END IF;
  IF seconds > date_part('epoch', clock_timestamp()) + 300 THEN
    RETURN 'must not be in the future: send the event when the buyer has the goods';
  END IF;
  RETURN CASE WHEN seconds <> trunc(seconds) THEN whole END;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.received_time_problem(jsonb) FROM PUBLIC;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.received_problems(e jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  d CONSTANT pg_catalog.jsonb := e -> 'data';
  p pg_catalog.text[] := '{}';
  head pg_catalog.text[];
  wrong pg_catalog.text;
BEGIN
  IF e ? 'version' THEN
    p := fahuo.problem('version', e -> 'version', 'belongs to a shipment: remove it, a payment has one reminder');
  END IF;
  -- The attributes are those of a plain event. Its data is missing here, which is the last thing that is said.
  head := fahuo.event_problems(e - '{version,data}'::pg_catalog.text[] || '{"type":"fahuo.shipment.shipped.v1"}');
  p := p || head[:cardinality(head) - 3];
  IF jsonb_typeof(d) IS DISTINCT FROM 'object' THEN
    RETURN p || fahuo.problem('data', d, 'must be an object with order_key and received_time');
  END IF;
  p := p || fahuo.order_key_problems(d -> 'order_key');
  wrong := fahuo.received_time_problem(d -> 'received_time');
  IF wrong IS NOT NULL THEN p := p || fahuo.problem('data.received_time', d -> 'received_time', wrong); END IF;
  IF d - '{order_key,received_time}'::pg_catalog.text[] <> '{}' THEN
    p := p || fahuo.unknown_problems(d - '{order_key,received_time}'::pg_catalog.text[], 'data.');
  END IF;
  RETURN nullif(p, '{}');
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.received_problems(jsonb) FROM PUBLIC;
--> statement-breakpoint
-- Writes a valid received event; the row's id (0 where retention has dropped it), or why it is refused: insert_event for what
-- has no version. A second event of a payment is taken, and answered: nobody's transaction fails over a reminder.
CREATE OR REPLACE FUNCTION fahuo.insert_received(e jsonb, new_data text, new_notes text, OUT id bigint, OUT refusal text)
LANGUAGE plpgsql AS $$
DECLARE
  app CONSTANT pg_catalog.text := e ->> 'appid';
  key CONSTANT pg_catalog.text := fahuo.payment_key(e -> 'data' -> 'order_key');
  wanted_id CONSTANT pg_catalog.text := e ->> 'id';
  wanted_source CONSTANT pg_catalog.text := e ->> 'source';
  recent CONSTANT pg_catalog.record := fahuo.recent_outbox(wanted_id, wanted_source, app, key, 0); -- no version is 0
  is_same pg_catalog.bool;
BEGIN
  IF recent.same_id IS NOT NULL THEN
    SELECT o.type = e ->> 'type' AND o.appid = app AND o.payment = key
      AND o.data::pg_catalog.jsonb -> 'received_time' = e -> 'data' -> 'received_time' INTO is_same
    FROM fahuo.outbox o WHERE o.id = recent.same_id;
  ELSE
    SELECT r.appid = app AND r.payment = key
      AND r.received_at = to_timestamp((e -> 'data' ->> 'received_time')::pg_catalog.float8) INTO is_same
    FROM fahuo.receipt_event r WHERE r.event_id = wanted_id AND r.source = wanted_source;
    IF is_same IS NULL AND EXISTS (SELECT FROM fahuo.upload u WHERE u.event_id = wanted_id AND u.source = wanted_source) THEN
      is_same := false;
    END IF;
  END IF;
  IF is_same THEN
    id := coalesce(recent.same_id, (SELECT min(o.id) FROM fahuo.outbox o WHERE o.event_id = wanted_id AND o.source = wanted_source), 0);
  ELSIF NOT is_same THEN
    refusal := format('the event %s of %s came before with other content: give other content a new id', wanted_id, wanted_source);
  ELSE
    INSERT INTO fahuo.outbox (event_id, type, source, event_time, appid, payment, traceparent, data, notes)
    VALUES (wanted_id, e ->> 'type', wanted_source, e ->> 'time', app, key, e ->> 'traceparent', new_data, new_notes)
    RETURNING outbox.id INTO id;
  END IF;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.insert_received(jsonb, text, text) FROM PUBLIC;
