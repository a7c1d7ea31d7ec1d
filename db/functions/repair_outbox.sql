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
  PERFORM fahuo.write_recent_outbox();
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
