-- What drizzle cannot declare: partitions of the outbox, the functions, the view that order services read, the roles.

CREATE TABLE fahuo.outbox_p0 PARTITION OF fahuo.outbox FOR VALUES FROM (MINVALUE) TO (1000000);
--> statement-breakpoint
CREATE TABLE fahuo.outbox_p1 PARTITION OF fahuo.outbox FOR VALUES FROM (1000000) TO (2000000);
--> statement-breakpoint
CREATE TABLE fahuo.outbox_default PARTITION OF fahuo.outbox DEFAULT;
--> statement-breakpoint
INSERT INTO fahuo.relay_cursor (shard) VALUES (0);
--> statement-breakpoint

-- The text of one required or optional string member; every refusal names field, value, rule and remedy.
CREATE FUNCTION fahuo.event_text(event json, field text, required boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
DECLARE
  member json := event -> field;
BEGIN
  IF member IS NULL OR json_typeof(member) = 'null' THEN
    IF NOT required THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'fahuo.enqueue: % is missing; the event contract requires it; add it and enqueue again', field
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF json_typeof(member) <> 'string' OR event ->> field = '' THEN
    RAISE EXCEPTION 'fahuo.enqueue: % is %; it must be a non-empty string; correct it and enqueue again',
      field, left(member::text, 80) USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN event ->> field;
END $$;
--> statement-breakpoint

-- The key of a payment: its transaction_id, or mchid:out_trade_no (order_number_type 1).
CREATE FUNCTION fahuo.payment_key(order_key json) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
  IF order_key IS NULL OR json_typeof(order_key) <> 'object' THEN
    RAISE EXCEPTION 'fahuo.enqueue: data.order_key is missing; it names the payment; add it and enqueue again'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  CASE (order_key -> 'order_number_type')::text
    WHEN '2' THEN
      RETURN fahuo.event_text(order_key, 'transaction_id', true);
    WHEN '1' THEN
      RETURN fahuo.event_text(order_key, 'mchid', true) || ':' || fahuo.event_text(order_key, 'out_trade_no', true);
    ELSE
      RAISE EXCEPTION 'fahuo.enqueue: data.order_key.order_number_type is %; it must be the number 1 or 2; send a number, not a string',
        coalesce((order_key -> 'order_number_type')::text, 'missing') USING ERRCODE = 'invalid_parameter_value';
  END CASE;
END $$;
--> statement-breakpoint

-- The only door of the outbox. The INSERT locks the parent table before its default draws an id: the relay's
-- gap-free cursor rests on that order, so ids are never drawn anywhere else.
CREATE FUNCTION fahuo.enqueue(event text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  parsed json;
  kind text;
  new_id bigint;
BEGIN
  BEGIN
    parsed := event::json;
  EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
    RAISE EXCEPTION 'fahuo.enqueue: the event is not JSON (%); pass the whole event as one JSON object', SQLERRM
      USING ERRCODE = 'invalid_parameter_value';
  END;
  IF parsed IS NULL OR json_typeof(parsed) <> 'object' THEN
    RAISE EXCEPTION 'fahuo.enqueue: the event is %; it must be one JSON object', coalesce(json_typeof(parsed), 'null')
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  kind := fahuo.event_text(parsed, 'type', true);
  IF kind NOT IN ('fahuo.shipment.shipped.v1', 'fahuo.shipment.corrected.v1') THEN
    RAISE EXCEPTION 'fahuo.enqueue: type is "%"; it must be fahuo.shipment.shipped.v1 or fahuo.shipment.corrected.v1', left(kind, 80)
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF coalesce((parsed -> 'version')::text, '') !~ '^[1-9][0-9]{0,8}$' THEN
    RAISE EXCEPTION 'fahuo.enqueue: version is %; it must be a whole number from 1 that grows per payment',
      coalesce(left((parsed -> 'version')::text, 80), 'missing') USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF coalesce(json_typeof(parsed -> 'data'), '') <> 'object' THEN
    RAISE EXCEPTION 'fahuo.enqueue: data is missing or not an object; it is the body of upload_shipping_info without upload_time'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  INSERT INTO fahuo.outbox (event_id, type, source, event_time, appid, payment, version, reason, approved_by, traceparent, data)
  VALUES (
    fahuo.event_text(parsed, 'id', true),
    kind,
    fahuo.event_text(parsed, 'source', true),
    fahuo.event_text(parsed, 'time', true),
    fahuo.event_text(parsed, 'appid', true),
    fahuo.payment_key(parsed -> 'data' -> 'order_key'),
    (parsed ->> 'version')::integer,
    fahuo.event_text(parsed, 'reason', kind = 'fahuo.shipment.corrected.v1'),
    fahuo.event_text(parsed, 'approved_by', kind = 'fahuo.shipment.corrected.v1'),
    fahuo.event_text(parsed, 'traceparent', false),
    (parsed -> 'data')::text
  )
  RETURNING id INTO new_id;
  RETURN new_id;
END $$;
--> statement-breakpoint

-- Derived, so that it can neither lag behind an upload's final state nor be downgraded by a late redelivery.
CREATE VIEW fahuo.acknowledgements AS
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

-- Roles belong to the cluster: another database may have made them, or may be making them at this moment.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['fahuo_writer', 'fahuo_service'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
  BEGIN
    GRANT pg_read_all_stats TO fahuo_service; -- names the writer that holds the relay back
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'pg_read_all_stats was not granted to fahuo_service: status will not show the query of a slow writer';
  END;
END $$;
--> statement-breakpoint
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA fahuo FROM PUBLIC;
--> statement-breakpoint
GRANT USAGE ON SCHEMA fahuo TO fahuo_writer, fahuo_service;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.enqueue(text) TO fahuo_writer, fahuo_service;
--> statement-breakpoint
GRANT SELECT ON fahuo.acknowledgements TO fahuo_writer;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA fahuo TO fahuo_service;
--> statement-breakpoint
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA fahuo TO fahuo_service;
