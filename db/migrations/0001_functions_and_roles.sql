-- Roles belong to the cluster: another database may have made them, or may be making them at this moment. Who may not
-- make roles needs them made once by an administrator; where they stand nothing more than owning the database is needed.
DO $$
DECLARE
  wanted pg_catalog.text;
  missing pg_catalog.text[] := '{}';
BEGIN
  FOREACH wanted IN ARRAY ARRAY['fahuo_writer', 'fahuo_service'] LOOP
    CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted);
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN missing := missing || format('CREATE ROLE %I NOLOGIN;', wanted);
    END;
  END LOOP;
  IF missing <> '{}' THEN
    RAISE EXCEPTION '% may not create roles, and % missing', quote_ident(current_user),
      CASE cardinality(missing) WHEN 1 THEN 'one is' ELSE 'two are' END
      USING ERRCODE = 'insufficient_privilege', HINT = array_to_string(missing, ' ');
  END IF;
  BEGIN
    GRANT pg_read_all_stats TO fahuo_service; -- names the writer that holds the relay back
  EXCEPTION WHEN insufficient_privilege THEN
    IF NOT pg_has_role('fahuo_service', 'pg_read_all_stats', 'member') THEN
      RAISE NOTICE 'pg_read_all_stats was not granted to fahuo_service: status will not show the query of a slow writer. An administrator may run: GRANT pg_read_all_stats TO fahuo_service;';
    END IF;
  END;
END $$;
--> statement-breakpoint
GRANT USAGE ON SCHEMA fahuo TO fahuo_writer, fahuo_service;
--> statement-breakpoint
-- What drizzle cannot declare of the tables: partitions of the outbox, the cursor's row, storage, the service's rights.
CREATE TABLE fahuo.outbox_p0 PARTITION OF fahuo.outbox FOR VALUES FROM (MINVALUE) TO (1000000);
--> statement-breakpoint
CREATE TABLE fahuo.outbox_p1 PARTITION OF fahuo.outbox FOR VALUES FROM (1000000) TO (2000000);
--> statement-breakpoint
CREATE TABLE fahuo.outbox_default PARTITION OF fahuo.outbox DEFAULT;
--> statement-breakpoint
-- One row a partition, rewritten with every chunk: room for its versions on its own page.
ALTER TABLE fahuo.consumer_offset SET (fillfactor = 50);
--> statement-breakpoint
INSERT INTO fahuo.relay_cursor (shard) VALUES (0);
--> statement-breakpoint
-- Rows change state two or three times and are then left alone: vacuum soon and without naps, or the claim's index
-- scan walks over the dead entries of rows that were claimed before.
ALTER TABLE fahuo.upload SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA fahuo TO fahuo_service;
--> statement-breakpoint
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA fahuo TO fahuo_service;
--> statement-breakpoint
-- Which migrations were applied is for all to read, since new code refuses an old schema, and for the owner to write.
REVOKE INSERT, UPDATE, DELETE ON fahuo.migrations FROM fahuo_service;
--> statement-breakpoint
GRANT SELECT ON fahuo.migrations TO fahuo_writer;
--> statement-breakpoint
-- The text of one string member, required or not; every refusal names field, value, rule and remedy.
-- Runs under the search_path of fahuo.enqueue, and nobody but the owner may call it by itself.
CREATE OR REPLACE FUNCTION fahuo.member_text(member json, field text, required boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  value pg_catalog.text;
BEGIN
  IF member IS NULL OR json_typeof(member) = 'null' THEN
    IF NOT required THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'fahuo.enqueue: % is missing; the event contract requires it; add it and enqueue again', field
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  value := member #>> '{}';
  IF json_typeof(member) <> 'string' OR value = '' THEN
    RAISE EXCEPTION 'fahuo.enqueue: % is %; it must be a non-empty string; correct it and enqueue again',
      field, left(member::pg_catalog.text, 80) USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN value;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.member_text(json, text, boolean) FROM PUBLIC;
--> statement-breakpoint
-- The key of a payment: its transaction_id, or mchid:out_trade_no (order_number_type 1).
-- Runs under the search_path of fahuo.enqueue, and nobody but the owner may call it by itself.
CREATE OR REPLACE FUNCTION fahuo.payment_key(order_key json) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  kind pg_catalog.text := (order_key -> 'order_number_type')::pg_catalog.text;
BEGIN
  IF order_key IS NULL OR json_typeof(order_key) <> 'object' THEN
    RAISE EXCEPTION 'fahuo.enqueue: data.order_key is missing; it names the payment; add it and enqueue again'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF kind = '2' THEN RETURN fahuo.member_text(order_key -> 'transaction_id', 'transaction_id', true); END IF;
  IF kind = '1' THEN
    RETURN fahuo.member_text(order_key -> 'mchid', 'mchid', true) || ':' ||
      fahuo.member_text(order_key -> 'out_trade_no', 'out_trade_no', true);
  END IF;
  RAISE EXCEPTION 'fahuo.enqueue: data.order_key.order_number_type is %; it must be the number 1 or 2; send a number, not a string',
    coalesce(kind, 'missing') USING ERRCODE = 'invalid_parameter_value';
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.payment_key(json) FROM PUBLIC;
--> statement-breakpoint
-- The only door of the outbox. The INSERT locks the parent table before its default draws an id: the relay's
-- gap-free cursor rests on that order, so ids are never drawn anywhere else.
-- Reads the event once: each look at a member by name reads the whole text again, and there were some thirty of them,
-- each in a function that set its search_path. 80 µs for an event of 1 kB instead of 260; a plain insert takes 9.
-- Runs as the schema's owner. pg_temp stands at the end of the path: where it is not named, it is searched first, and a
-- caller's own pg_temp.text, with a CHECK that calls the caller's code, would run as the owner (ADR 16).
CREATE OR REPLACE FUNCTION fahuo.enqueue(event text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  parsed pg_catalog.json;
  e record;
  kind pg_catalog.text;
  payment pg_catalog.text;
  corrected pg_catalog.bool;
  new_id pg_catalog.int8;
BEGIN
  BEGIN
    parsed := event::pg_catalog.json;
  EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
    RAISE EXCEPTION 'fahuo.enqueue: the event is not JSON (%); pass the whole event as one JSON object', SQLERRM
      USING ERRCODE = 'invalid_parameter_value';
  END;
  IF parsed IS NULL OR json_typeof(parsed) <> 'object' THEN
    RAISE EXCEPTION 'fahuo.enqueue: the event is %; it must be one JSON object', coalesce(json_typeof(parsed), 'null')
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  SELECT * INTO e FROM json_to_record(parsed) AS r(id pg_catalog.json, type pg_catalog.json,
    source pg_catalog.json, "time" pg_catalog.json, appid pg_catalog.json, version pg_catalog.json,
    reason pg_catalog.json, approved_by pg_catalog.json, traceparent pg_catalog.json, data pg_catalog.json);
  kind := fahuo.member_text(e.type, 'type', true);
  IF kind NOT IN ('fahuo.shipment.shipped.v1', 'fahuo.shipment.corrected.v1') THEN
    RAISE EXCEPTION 'fahuo.enqueue: type is "%"; it must be fahuo.shipment.shipped.v1 or fahuo.shipment.corrected.v1', left(kind, 80)
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  corrected := kind = 'fahuo.shipment.corrected.v1';
  IF coalesce(e.version::pg_catalog.text, '') !~ '^[1-9][0-9]{0,8}$' THEN
    RAISE EXCEPTION 'fahuo.enqueue: version is %; it must be a whole number from 1 that grows per payment',
      coalesce(left(e.version::pg_catalog.text, 80), 'missing') USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF coalesce(json_typeof(e.data), '') <> 'object' THEN
    RAISE EXCEPTION 'fahuo.enqueue: data is missing or not an object; it is the body of upload_shipping_info without upload_time'
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  payment := fahuo.payment_key(e.data -> 'order_key');
  INSERT INTO fahuo.outbox (event_id, type, source, event_time, appid, payment, version, reason, approved_by, traceparent, data)
  VALUES (
    fahuo.member_text(e.id, 'id', true),
    kind,
    fahuo.member_text(e.source, 'source', true),
    fahuo.member_text(e."time", 'time', true),
    fahuo.member_text(e.appid, 'appid', true),
    payment,
    e.version::pg_catalog.text::pg_catalog.int4,
    fahuo.member_text(e.reason, 'reason', corrected),
    fahuo.member_text(e.approved_by, 'approved_by', corrected),
    fahuo.member_text(e.traceparent, 'traceparent', false),
    e.data::pg_catalog.text
  )
  RETURNING id INTO new_id;
  RETURN new_id;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.enqueue(text) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.enqueue(text) TO fahuo_writer, fahuo_service;
--> statement-breakpoint
-- The relay's doorbell: waits inside the server until an id beyond "after" has been drawn, and says the last one.
-- A look at the sequence costs a microsecond and a nap thirty, so a step of 3 ms takes less than 1 % of a core and
-- one statement in "for_ms"; polling from outside takes fifty a second for seven times the delay.
CREATE OR REPLACE FUNCTION fahuo.await_outbox("after" bigint, for_ms integer, step_ms integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  until pg_catalog.timestamptz := clock_timestamp() + for_ms * interval '1 millisecond';
  last_id pg_catalog.int8;
BEGIN
  LOOP
    last_id := coalesce(pg_sequence_last_value('fahuo.outbox_id_seq'::pg_catalog.regclass), 0);
    EXIT WHEN last_id > "after" OR clock_timestamp() >= until;
    PERFORM pg_sleep(step_ms / 1000.0);
  END LOOP;
  RETURN last_id;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.await_outbox(bigint, integer, integer) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.await_outbox(bigint, integer, integer) TO fahuo_service;
--> statement-breakpoint
-- Partitions of the outbox belong to the schema's owner, and fahuo_service makes and drops them through these: it needs no
-- more rights than that. A caller gives a number; names and bounds are computed. One call is one statement, so no lock is
-- held while a client is waited for, and a lock that is not there soon is given up: what queues behind it would be felt.
-- The name of partition n, which holds the ids from n to n + 1 million.
CREATE OR REPLACE FUNCTION fahuo.outbox_partition_name(n bigint) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF n IS NULL OR n < 0 OR n >= 9000000000000 THEN
    RAISE EXCEPTION 'fahuo: % is no number of an outbox partition', coalesce(n::pg_catalog.text, 'null')
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN 'outbox_p' || n;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.outbox_partition_name(bigint) FROM PUBLIC;
--> statement-breakpoint
-- Refuses a partition that holds, or may get, ids that are not published yet.
CREATE OR REPLACE FUNCTION fahuo.assert_outbox_partition_passed(n bigint) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  passed pg_catalog.int8 := (SELECT min(c.cursor) FROM fahuo.relay_cursor c);
BEGIN
  IF passed IS NULL OR (n + 1) * 1000000 > passed THEN
    RAISE EXCEPTION 'fahuo: partition % reaches past the cursor %, so its rows may not be published yet',
      fahuo.outbox_partition_name(n), coalesce(passed::pg_catalog.text, 'null') USING ERRCODE = 'object_in_use';
  END IF;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.assert_outbox_partition_passed(bigint) FROM PUBLIC;
--> statement-breakpoint
-- ATTACH takes SHARE UPDATE EXCLUSIVE on the parent, which writers do not feel, and locks the default partition while it
-- looks for rows in it, of which there are none.
CREATE OR REPLACE FUNCTION fahuo.make_outbox_partition(n bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
DECLARE
  name pg_catalog.text := fahuo.outbox_partition_name(n);
BEGIN
  EXECUTE format('CREATE TABLE fahuo.%I (LIKE fahuo.outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
  EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON fahuo.%I TO fahuo_service', name);
  EXECUTE format('ALTER TABLE fahuo.outbox ATTACH PARTITION fahuo.%I FOR VALUES FROM (%s) TO (%s)',
    name, n * 1000000, (n + 1) * 1000000);
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.make_outbox_partition(bigint) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.make_outbox_partition(bigint) TO fahuo_service;
--> statement-breakpoint
-- Frees the disk: locks this partition alone, which no writer uses any more.
CREATE OR REPLACE FUNCTION fahuo.empty_outbox_partition(n bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
BEGIN
  PERFORM fahuo.assert_outbox_partition_passed(n);
  EXECUTE format('TRUNCATE fahuo.%I', fahuo.outbox_partition_name(n));
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.empty_outbox_partition(bigint) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.empty_outbox_partition(bigint) TO fahuo_service;
--> statement-breakpoint
-- Takes a partition out of the table: locks the parent for an instant, and only if nobody holds it now, so that nobody
-- queues behind us. (Postgres detaches CONCURRENTLY only where there is no default partition.) The locks of the others
-- are taken before. The commit does not wait for the disk: the lock would hold all writers for a flush.
CREATE OR REPLACE FUNCTION fahuo.detach_outbox_partition(n bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
DECLARE
  name pg_catalog.text := fahuo.outbox_partition_name(n);
BEGIN
  PERFORM fahuo.assert_outbox_partition_passed(n);
  PERFORM set_config('synchronous_commit', 'off', true);
  EXECUTE format('LOCK TABLE fahuo.%I IN ACCESS EXCLUSIVE MODE NOWAIT', name);
  LOCK TABLE fahuo.outbox_default IN ACCESS EXCLUSIVE MODE NOWAIT;
  LOCK TABLE ONLY fahuo.outbox IN ACCESS EXCLUSIVE MODE NOWAIT;
  EXECUTE format('ALTER TABLE fahuo.outbox DETACH PARTITION fahuo.%I', name);
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.detach_outbox_partition(bigint) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.detach_outbox_partition(bigint) TO fahuo_service;
--> statement-breakpoint
-- Drops a partition that was emptied and detached. One that holds rows was detached by a person, who still needs it.
CREATE OR REPLACE FUNCTION fahuo.drop_outbox_partition(n bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
DECLARE
  name pg_catalog.text := fahuo.outbox_partition_name(n);
  has_rows pg_catalog.bool;
BEGIN
  PERFORM fahuo.assert_outbox_partition_passed(n);
  EXECUTE format('LOCK TABLE fahuo.%I IN ACCESS EXCLUSIVE MODE', name);
  EXECUTE format('SELECT EXISTS (SELECT FROM fahuo.%I)', name) INTO has_rows;
  IF has_rows OR (SELECT c.relispartition FROM pg_class c WHERE c.oid = format('fahuo.%I', name)::regclass) THEN
    RAISE EXCEPTION 'fahuo: % is not dropped: it %', name, CASE WHEN has_rows THEN 'has rows' ELSE 'is attached' END
      USING ERRCODE = 'object_in_use';
  END IF;
  EXECUTE format('DROP TABLE fahuo.%I', name);
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.drop_outbox_partition(bigint) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.drop_outbox_partition(bigint) TO fahuo_service;
--> statement-breakpoint
-- The steps of src/wechat/bucket.ts in one statement: the bucket's row is locked for as long as the server computes,
-- never over a round trip, so a client that dies or is cut off holds up nobody. "at" is for tests: the time to use
-- in place of the clock. The clock is read under the lock, so that two calls never see it step back.
CREATE OR REPLACE FUNCTION fahuo.take_budget(
  app text, lane text, wanted integer, per_ms float8, capacity float8, read_per_ms float8, read_capacity float8,
  "at" float8 DEFAULT NULL, OUT granted integer, OUT retry_after_ms float8
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  b fahuo.budget;
  now_ms float8;
  passed_ms float8;
  kept float8 := 0;
  missing integer;
BEGIN
  SELECT * INTO b FROM fahuo.budget WHERE appid = app FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO fahuo.budget (appid) VALUES (app) ON CONFLICT DO NOTHING;
    SELECT * INTO b FROM fahuo.budget WHERE appid = app FOR UPDATE;
  END IF;
  now_ms := coalesce("at", extract(epoch FROM clock_timestamp())::float8 * 1000);
  IF now_ms < b.blocked_until_ms THEN
    granted := 0;
    retry_after_ms := ceil(b.blocked_until_ms - now_ms);
    RETURN;
  END IF;
  IF b.at_ms = 0 THEN
    b.level := 1;
    b.at_ms := now_ms;
    b.read_credit := read_capacity;
    b.read_claim := 0;
  ELSE
    passed_ms := greatest(0, now_ms - b.at_ms);
    b.level := least(capacity, b.level + passed_ms * per_ms);
    b.at_ms := greatest(now_ms, b.at_ms);
    b.read_credit := least(read_capacity, b.read_credit + passed_ms * read_per_ms);
    IF now_ms >= b.claim_until_ms THEN b.read_claim := 0; END IF;
  END IF;
  IF lane = 'write' THEN kept := b.read_claim; END IF;
  granted := greatest(0, least(wanted, floor(b.level - kept)));
  missing := wanted - granted;
  b.level := b.level - granted;
  retry_after_ms := 0;
  IF missing > 0 THEN
    retry_after_ms := greatest(1, ceil(
      (greatest(1, least(missing, floor(capacity / 2))) - (b.level - kept)) / per_ms
    ));
  END IF;
  IF lane = 'read' THEN
    b.read_credit := greatest(0, b.read_credit - granted);
    b.read_claim := least(greatest(missing, b.read_claim - granted), floor(b.read_credit));
    IF missing > 0 THEN b.claim_until_ms := now_ms + retry_after_ms + 250; END IF; -- claimLifeMs
  END IF;
  UPDATE fahuo.budget SET level = b.level, at_ms = b.at_ms, read_credit = b.read_credit,
    read_claim = b.read_claim, claim_until_ms = b.claim_until_ms
  WHERE appid = app;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.take_budget(text, text, integer, float8, float8, float8, float8, float8) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.take_budget(text, text, integer, float8, float8, float8, float8, float8) TO fahuo_service;
--> statement-breakpoint
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
