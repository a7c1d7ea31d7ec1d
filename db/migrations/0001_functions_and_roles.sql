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
-- Retention deletes from their front: without a vacuum soon, each look for the oldest row walks over what was there.
ALTER TABLE fahuo.attempt SET (autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
ALTER TABLE fahuo.dead_letter SET (autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
INSERT INTO fahuo.deployment DEFAULT VALUES;
--> statement-breakpoint
INSERT INTO fahuo.maintenance (name) VALUES ('retention');
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
-- The steps of src/apps/budget.ts in one statement: the budget's row is locked for as long as the server computes,
-- never over a round trip, so a client that dies or is cut off holds up nobody. "at" is for tests: the time to use
-- in place of the clock. The clock is read under the lock, so that two calls never see it step back.
CREATE OR REPLACE FUNCTION fahuo.take_budget(
  app text, kind text, wanted integer, per_ms float8, capacity float8, read_per_ms float8, read_capacity float8,
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
  IF kind = 'write' THEN kept := b.read_claim; END IF;
  granted := greatest(0, least(wanted, floor(b.level - kept)));
  missing := wanted - granted;
  b.level := b.level - granted;
  retry_after_ms := 0;
  IF missing > 0 THEN
    retry_after_ms := greatest(1, ceil(
      (greatest(1, least(missing, floor(capacity / 2))) - (b.level - kept)) / per_ms
    ));
  END IF;
  IF kind = 'read' THEN
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
-- Writes acknowledgements into the outbox for a statement that waits for others before it knows whether there are any:
-- the outbox is locked when this is called, and not from the statement's start, so the relay waits for none of those
-- waits. STRICT: without rows it is not called, and the outbox is not locked at all.
CREATE OR REPLACE FUNCTION fahuo.insert_acknowledgements(acknowledgements json) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO fahuo.outbox (event_id, type, source, event_time, appid, payment, version, traceparent, data)
  SELECT event_id, type, source, event_time, appid, payment, version, traceparent, data
  FROM json_populate_recordset(null::fahuo.outbox, acknowledgements);
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.insert_acknowledgements(json) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.insert_acknowledgements(json) TO fahuo_service;
--> statement-breakpoint
-- Rows from id "low" to "high" that the journal does not account for: nobody published them, or nobody knows. A move of the
-- cursor wrote its journal entries at one time; between its first and its last id it published as many rows as they count.
-- So a row was passed over if no move spans it, or if it was written after the move that does. Where a move spans more rows
-- than it published, all but the ends of its entries are in doubt: publishing one again is harmless, losing one is not.
CREATE OR REPLACE FUNCTION fahuo.passed_over(low bigint, high bigint) RETURNS TABLE (id bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH moves AS MATERIALIZED (
    SELECT min(j.first_id) AS first, max(j.last_id) AS last, sum(j.count) AS published, j.published_at AS at
    FROM fahuo.relay_journal j
    -- A move spans 100,000 ids at most: whole moves are wanted, also those that reach over an end.
    WHERE j.shard = 0 AND j.first_id >= low - 200000 AND j.first_id <= high + 100000
    GROUP BY j.published_at
    HAVING max(j.last_id) >= low AND min(j.first_id) <= high
  ), checked AS MATERIALIZED (
    SELECT m.first, m.last, m.at, f.found - f.late > m.published AS in_doubt
    FROM moves m, LATERAL (
      SELECT count(*) AS found, count(*) FILTER (WHERE o.created_at > m.at) AS late
      FROM fahuo.outbox o WHERE o.id >= m.first AND o.id <= m.last
        AND NOT EXISTS (SELECT FROM fahuo.relay_parked p WHERE p.outbox_id = o.id AND p.event_id = o.event_id)
    ) f
    WHERE f.late > 0 OR f.found > m.published
  ), gaps AS MATERIALIZED (
    SELECT coalesce(max(m.last) OVER (ORDER BY m.first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), low - 1) AS "after",
      m.first AS "before"
    FROM moves m
    UNION ALL
    SELECT coalesce(max(m.last), low - 1), high + 1 FROM moves m
  )
  SELECT o.id FROM fahuo.outbox o, (
    SELECT o.id FROM gaps g, LATERAL (
      SELECT o.id FROM fahuo.outbox o WHERE o.id > g."after" AND o.id < g."before"
    ) o
    UNION
    SELECT o.id FROM checked c, LATERAL (
      SELECT o.id FROM fahuo.outbox o WHERE o.id >= c.first AND o.id <= c.last AND (o.created_at > c.at OR (c.in_doubt
        AND NOT EXISTS (SELECT FROM fahuo.relay_journal j WHERE j.shard = 0 AND j.first_id = o.id)
        AND NOT EXISTS (SELECT FROM fahuo.relay_journal j
          WHERE j.shard = 0 AND j.first_id > o.id - 100000 AND j.first_id <= o.id AND j.last_id = o.id)))
    ) o
  ) found
  WHERE o.id = found.id AND o.id BETWEEN low AND high
    AND NOT EXISTS (SELECT FROM fahuo.relay_parked p WHERE p.outbox_id = o.id AND p.event_id = o.event_id)
  ORDER BY o.id
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.passed_over(bigint, bigint) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.passed_over(bigint, bigint) TO fahuo_service;
--> statement-breakpoint
-- What `fahuo outbox repair --execute` does. Each function is one statement of one transaction, so that no lock is held
-- while a client is waited for. The commits do not wait for the disk: the locks would hold all writers for a flush.
-- Takes a lock that writers feel: for 100 ms at most, since they queue behind the attempt. False when it was not to be had.
CREATE OR REPLACE FUNCTION fahuo.try_lock_outbox(statement text) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
BEGIN
  EXECUTE statement;
  RETURN true;
EXCEPTION WHEN lock_not_available THEN
  RETURN false;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.try_lock_outbox(text) FROM PUBLIC;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.refuse_lock() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'fahuo: the outbox could not be locked, because a transaction writes to it or reads it for long; `fahuo status` names the writer'
    USING ERRCODE = 'lock_not_available';
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.refuse_lock() FROM PUBLIC;
--> statement-breakpoint
-- Tries for some seconds.
CREATE OR REPLACE FUNCTION fahuo.lock_outbox(statement text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  FOR attempt IN 1..40 LOOP
    IF fahuo.try_lock_outbox(statement) THEN RETURN; END IF;
    PERFORM pg_sleep(0.05 + random() * 0.2);
  END LOOP;
  PERFORM fahuo.refuse_lock();
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.lock_outbox(text) FROM PUBLIC;
--> statement-breakpoint
-- Hands rows that the cursor passed over to the relay, and sets a sequence that stands behind the cursor. A relay that takes
-- the lead knows of these rows: it changes the cursor's row, which is locked here, before it reads which rows are parked.
-- Nobody writes behind the cursor meanwhile: writers wait until the sequence is set. So each payment keeps its order.
CREATE OR REPLACE FUNCTION fahuo.release_passed_over() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  passed pg_catalog.int8 := (SELECT c.cursor FROM fahuo.relay_cursor c WHERE c.shard = 0);
  greatest_id pg_catalog.int8 := coalesce((SELECT o.id FROM fahuo.outbox o ORDER BY o.id DESC LIMIT 1), 0);
  drawn pg_catalog.int8 := coalesce(pg_sequence_last_value('fahuo.outbox_id_seq'::pg_catalog.regclass), 0);
  released pg_catalog.int8;
  more pg_catalog.int8 := 0;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  IF drawn >= greatest(passed, greatest_id) THEN RETURN fahuo.park_passed_over(0, passed); END IF;
  released := fahuo.park_passed_over(drawn + 1, passed);
  PERFORM FROM fahuo.relay_cursor c WHERE c.shard = 0 FOR UPDATE;
  PERFORM fahuo.lock_outbox('LOCK TABLE ONLY fahuo.outbox IN SHARE ROW EXCLUSIVE MODE');
  drawn := coalesce(pg_sequence_last_value('fahuo.outbox_id_seq'::pg_catalog.regclass), 0);
  more := fahuo.park_passed_over(0, least(drawn, passed));
  greatest_id := coalesce((SELECT o.id FROM fahuo.outbox o ORDER BY o.id DESC LIMIT 1), 0);
  PERFORM setval('fahuo.outbox_id_seq'::pg_catalog.regclass, greatest(drawn, passed, greatest_id));
  RETURN released + more;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.release_passed_over() FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.release_passed_over() TO fahuo_service;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.park_passed_over(low bigint, high bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  parked pg_catalog.int8;
BEGIN
  INSERT INTO fahuo.relay_parked (outbox_id, event_id, type, source, event_time, appid, payment, version, reason, approved_by,
    traceparent, data, created_at, park_reason, released_at)
  SELECT o.id, o.event_id, o.type, o.source, o.event_time, o.appid, o.payment, o.version, o.reason, o.approved_by,
    o.traceparent, o.data, o.created_at, 'passed_over', clock_timestamp()
  FROM fahuo.passed_over(low, high) p JOIN fahuo.outbox o ON o.id = p.id
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS parked = ROW_COUNT;
  RETURN parked;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.park_passed_over(bigint, bigint) FROM PUBLIC;
--> statement-breakpoint
-- Moves the rows of the default partition, with their ids, into partitions of their own; returns how many of these it made.
-- The rows are copied first, without a lock, as far as all that wrote them has ended: up to "known", which was the last id
-- when the writers of that moment were listed, and these are gone (relay/frontier.ts has the argument). What was written
-- meanwhile is copied the same way, round by round, until a round has few rows: so the lock is held for few, however many
-- there were and however long the first round took. Then ACCESS EXCLUSIVE on the parent: it is given when no transaction
-- that wrote to the outbox is open, so every id that was drawn is visible or will never be, and nobody draws one meanwhile,
-- since a writer locks the parent before. What is left to copy is what was written since the last round. The commit shows
-- the new partitions and hides the old rows at once.
-- The relay is no exception: it locks the parent before it takes the snapshot it reads with (relay/row-store.ts, readRows), so
-- it reads all of the rows in their old place or all in their new one, and its cursor passes none of them.
-- The old partition stays, as outbox_moved, until fahuo.drop_outbox_moved() has compared it: dropping it here would flush.
-- Sequential scans are off: under the lock they would read the whole default partition for its last rows.
CREATE OR REPLACE FUNCTION fahuo.repair_outbox_default() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off
SET lock_timeout = '10s' AS $$
DECLARE
  known pg_catalog.int8 := 0;
  numbers pg_catalog.int8[] := '{}';
  copied record;
  n pg_catalog.int8;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'fahuo: the outbox is repaired in READ COMMITTED, and this transaction is %',
      current_setting('transaction_isolation') USING ERRCODE = 'invalid_transaction_state';
  END IF;
  IF to_regclass('fahuo.outbox_moved') IS NOT NULL THEN
    RAISE EXCEPTION 'fahuo: fahuo.outbox_moved is left from another repair: run it once more when that has ended'
      USING ERRCODE = 'object_in_use';
  END IF;
  IF NOT EXISTS (SELECT FROM fahuo.outbox_default) THEN RETURN 0; END IF;
  PERFORM set_config('synchronous_commit', 'off', true);
  -- Keeps vacuums away, which writers do not feel: one that runs by itself gives way after deadlock_timeout, and no attempt
  -- below waits that long.
  LOCK TABLE ONLY fahuo.outbox_default IN SHARE UPDATE EXCLUSIVE MODE;
  FOR attempt IN 1..40 LOOP
    FOR round IN 1..20 LOOP
      SELECT * INTO copied FROM fahuo.copy_outbox_ended(known);
      known := copied.known;
      numbers := numbers || copied.numbers;
      EXIT WHEN copied.rows <= 1000;
    END LOOP;
    EXIT WHEN fahuo.try_lock_outbox('LOCK TABLE ONLY fahuo.outbox, fahuo.outbox_default IN ACCESS EXCLUSIVE MODE');
    IF attempt = 40 THEN PERFORM fahuo.refuse_lock(); END IF;
    PERFORM pg_sleep(0.05 + random() * 0.2);
  END LOOP;
  SELECT * INTO copied FROM fahuo.copy_outbox_default(known, 9223372036854775807);
  numbers := ARRAY(SELECT DISTINCT unnest(numbers || copied.numbers));
  RAISE DEBUG 'fahuo: % rows were copied under the lock', copied.rows;
  ALTER TABLE fahuo.outbox DETACH PARTITION fahuo.outbox_default;
  ALTER TABLE fahuo.outbox_default RENAME TO outbox_moved;
  FOREACH n IN ARRAY numbers LOOP
    -- The check spares ATTACH the reading of all rows.
    EXECUTE format('ALTER TABLE fahuo.outbox ATTACH PARTITION fahuo.%I FOR VALUES FROM (%s) TO (%s)',
      fahuo.outbox_partition_name(n), n * 1000000, (n + 1) * 1000000);
    EXECUTE format('ALTER TABLE fahuo.%I DROP CONSTRAINT outbox_range', fahuo.outbox_partition_name(n));
  END LOOP;
  CREATE TABLE fahuo.outbox_default PARTITION OF fahuo.outbox DEFAULT;
  GRANT SELECT, INSERT, UPDATE, DELETE ON fahuo.outbox_default TO fahuo_service;
  RETURN cardinality(numbers);
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.repair_outbox_default() FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.repair_outbox_default() TO fahuo_service;
--> statement-breakpoint
-- Copies the rows beyond "after" of the default partition whose writers have all ended, up to the last id of now.
CREATE OR REPLACE FUNCTION fahuo.copy_outbox_ended("after" bigint, OUT known bigint, OUT numbers bigint[], OUT rows bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  writers pg_catalog.text[];
  until pg_catalog.timestamptz := clock_timestamp() + interval '10 s';
BEGIN
  known := coalesce(pg_sequence_last_value('fahuo.outbox_id_seq'::pg_catalog.regclass), 0);
  writers := ARRAY(SELECT l.name FROM fahuo.outbox_writers() l);
  -- A prepared transaction changes its name: whichever there is, is waited for.
  WHILE EXISTS (SELECT FROM fahuo.outbox_writers() l WHERE l.name = ANY (writers) OR l.pid IS NULL) LOOP
    IF clock_timestamp() > until THEN
      RAISE EXCEPTION 'fahuo: a transaction has been writing to the outbox for 10 s; `fahuo status` names it'
        USING ERRCODE = 'lock_not_available';
    END IF;
    PERFORM pg_sleep(0.005);
  END LOOP;
  SELECT c.numbers, c.rows INTO numbers, rows FROM fahuo.copy_outbox_default("after", known) c;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.copy_outbox_ended(bigint) FROM PUBLIC;
--> statement-breakpoint
-- Copies the rows beyond "after", up to "upto", into tables that can be attached; "numbers" are those of their partitions.
CREATE OR REPLACE FUNCTION fahuo.copy_outbox_default("after" bigint, upto bigint, OUT numbers bigint[], OUT rows bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  n pg_catalog.int8;
BEGIN
  numbers := '{}';
  rows := 0;
  FOR n IN SELECT DISTINCT d.id / 1000000 FROM fahuo.outbox_default d WHERE d.id > "after" AND d.id <= upto LOOP
    numbers := numbers || n;
    rows := rows + fahuo.copy_outbox_partition(n, "after", upto);
  END LOOP;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.copy_outbox_default(bigint, bigint) FROM PUBLIC;
--> statement-breakpoint
-- Copies those of partition n; returns how many.
CREATE OR REPLACE FUNCTION fahuo.copy_outbox_partition(n bigint, "after" bigint, upto bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  name pg_catalog.text := fahuo.outbox_partition_name(n);
  members pg_catalog.text := (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = 'fahuo.outbox'::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped);
  made pg_catalog.bool := EXISTS (SELECT FROM pg_constraint c
    WHERE c.conname = 'outbox_range' AND c.conrelid = to_regclass(format('fahuo.%I', name)));
  copied pg_catalog.int8;
BEGIN
  IF NOT made AND to_regclass(format('fahuo.%I', name)) IS NOT NULL THEN
    RAISE EXCEPTION 'fahuo: fahuo.% stands beside the outbox, detached: attach it or rename it, then repair again', name
      USING ERRCODE = 'duplicate_table';
  END IF;
  IF NOT made THEN
    EXECUTE format('CREATE TABLE fahuo.%I (LIKE fahuo.outbox INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES,
      CONSTRAINT outbox_range CHECK (id >= %s AND id < %s))', name, n * 1000000, (n + 1) * 1000000);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON fahuo.%I TO fahuo_service', name);
  END IF;
  EXECUTE format('INSERT INTO fahuo.%I (%s) SELECT %s FROM fahuo.outbox_default d
    WHERE d.id / 1000000 = $1 AND d.id > $2 AND d.id <= $3', name, members, members) USING n, "after", upto;
  GET DIAGNOSTICS copied = ROW_COUNT;
  RETURN copied;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.copy_outbox_partition(bigint, bigint, bigint) FROM PUBLIC;
--> statement-breakpoint
-- Transactions that may have drawn an id: they hold RowExclusiveLock on the parent.
CREATE OR REPLACE FUNCTION fahuo.outbox_writers() RETURNS TABLE (name text, pid integer)
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.virtualtransaction, l.pid FROM pg_locks l
  WHERE l.locktype = 'relation' AND l.relation = 'fahuo.outbox'::pg_catalog.regclass AND l.mode = 'RowExclusiveLock'
    AND l.granted AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.outbox_writers() FROM PUBLIC;
--> statement-breakpoint
-- Drops what a repair left, if each of its rows stands in the outbox. Returns how many rows it held; null if there is none.
CREATE OR REPLACE FUNCTION fahuo.drop_outbox_moved() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
  moved pg_catalog.int8;
  missing pg_catalog.int8;
BEGIN
  IF to_regclass('fahuo.outbox_moved') IS NULL THEN RETURN NULL; END IF;
  SELECT count(*), count(*) FILTER (WHERE o.id IS NULL) INTO moved, missing
  FROM fahuo.outbox_moved m LEFT JOIN fahuo.outbox o ON o.id = m.id AND o.event_id = m.event_id;
  IF missing > 0 THEN
    RAISE EXCEPTION 'fahuo: % rows of fahuo.outbox_moved are not in the outbox: it is not dropped; please report this', missing
      USING ERRCODE = 'data_exception';
  END IF;
  DROP TABLE fahuo.outbox_moved;
  RETURN moved;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.drop_outbox_moved() FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.drop_outbox_moved() TO fahuo_service;
--> statement-breakpoint
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
  ('forgotten', 'superseded', 'nothing: it repeats what was ended and forgotten; a change needs a higher version');
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
-- The outbox, and rows of it that the relay keeps after their partition is gone. Acknowledgements are no events of a writer.
CREATE OR REPLACE VIEW fahuo.committed_events AS
SELECT o.id, o.event_id, o.type, o.source, o.appid, o.payment, o.version, o.data, o.notes, o.created_at
FROM fahuo.outbox o
WHERE o.type IN ('fahuo.shipment.shipped.v1', 'fahuo.shipment.corrected.v1')
UNION ALL
SELECT p.outbox_id, p.event_id, p.type, p.source, p.appid, p.payment, p.version, p.data, NULL, p.created_at
FROM fahuo.relay_parked p
WHERE p.type IN ('fahuo.shipment.shipped.v1', 'fahuo.shipment.corrected.v1')
  AND NOT EXISTS (SELECT FROM fahuo.outbox o WHERE o.id = p.outbox_id AND o.event_id = p.event_id OFFSET 0);
--> statement-breakpoint
-- Those of them that have no row elsewhere: no upload of this event, no dead letter of this very text, and no twin that was
-- written before. Another text under a used id gets a dead letter, so until then it is shown beside the upload.
CREATE OR REPLACE VIEW fahuo.outbox_events AS
SELECT o.appid, o.payment, o.version, o.event_id, o.source,
  CASE WHEN t.found THEN 'superseded' ELSE 'waiting' END AS state,
  w.place,
  w.reason,
  CASE w.reason WHEN 'too_large' THEN 'Kafka refuses it for its size' WHEN 'forgotten' THEN 'this version or a newer one was ended and forgotten' END AS detail,
  (SELECT r.remedy FROM fahuo.event_reason r
   WHERE r.reason = w.reason AND r.state = CASE WHEN t.found THEN 'superseded' ELSE 'waiting' END) AS remedy,
  NULL::timestamptz AS next_attempt_at, 0 AS attempts, NULL::bigint AS errcode, NULL::text AS errmsg, NULL::text AS rid, o.notes,
  NULL::timestamptz AS uploaded_at, o.created_at AS committed_at, greatest(o.created_at, p.parked_at, p.published_at) AS updated_at
FROM fahuo.committed_events o
LEFT JOIN LATERAL (
  SELECT true AS found FROM fahuo.tombstone t
  WHERE t.payment = o.payment AND t.appid = o.appid AND t.last_version >= o.version LIMIT 1
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
      AND e.appid = o.appid AND e.payment = o.payment AND e.version = o.version AND e.data = o.data OFFSET 0
  );
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
      -- A letter is written after the uploads of its batch: within a partition the offsets say what came later.
      AND CASE WHEN u.topic = d.topic AND u.partition = d.partition THEN u."offset" > d."offset" ELSE u.received_at >= d.received_at END
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
  );
--> statement-breakpoint
-- A barrier around each source and kind of key: a reader's own function in WHERE is not run on what a view hides, and a
-- condition on transaction_id, or on mchid and out_trade_no, is one on an index. Each branch has its own, since Postgres
-- flattens a UNION ALL and lets the barrier of the whole go. `=` and `= ANY (…)` use an index; a join does not.
DO $$
DECLARE
  given pg_catalog.text := 'e.version, e.event_id, e.source, e.state, e.place, e.reason, e.detail, e.remedy, e.next_attempt_at, e.attempts,
    e.errcode, e.errmsg, e.rid, e.notes, e.uploaded_at, e.committed_at, e.updated_at';
  name pg_catalog.text;
BEGIN
  FOREACH name IN ARRAY ARRAY['upload', 'repeat', 'outbox', 'dead_letter', 'refused_offer'] LOOP
    EXECUTE format('CREATE OR REPLACE VIEW fahuo.%I WITH (security_barrier = true) AS
      SELECT e.appid, e.payment AS transaction_id, NULL::text AS mchid, NULL::text AS out_trade_no, %s
      FROM fahuo.%I e WHERE coalesce(strpos(e.payment, '':''), 0) = 0', name || '_by_transaction', given, name || '_events');
    EXECUTE format('CREATE OR REPLACE VIEW fahuo.%I WITH (security_barrier = true) AS
      SELECT e.appid, NULL::text AS transaction_id, split_part(e.payment, '':'', 1) AS mchid,
        split_part(e.payment, '':'', 2) AS out_trade_no, %s
      FROM fahuo.%I e WHERE strpos(e.payment, '':'') > 0', name || '_by_merchant', given, name || '_events');
  END LOOP;
END $$;
--> statement-breakpoint
CREATE OR REPLACE VIEW fahuo.events WITH (security_barrier = true) AS
SELECT * FROM fahuo.upload_by_transaction
UNION ALL SELECT * FROM fahuo.upload_by_merchant
UNION ALL SELECT * FROM fahuo.repeat_by_transaction
UNION ALL SELECT * FROM fahuo.repeat_by_merchant
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
--> statement-breakpoint
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
