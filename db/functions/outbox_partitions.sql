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
-- `fahuo.recent_outbox` finds what was written lately of an event and of a payment: in the partition of the last id, the one
-- before and the one after. It names them: through the parent a writer would lock every partition until its transaction ends,
-- and retention could empty none. What is older was published, and stands in fahuo.upload. Written anew when a partition is
-- made or detached; a writer that still runs the text of before may miss a table, and looks no further then.
CREATE OR REPLACE FUNCTION fahuo.write_recent_outbox() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  current CONSTANT pg_catalog.int8 := (SELECT s.last_value / 1000000 FROM fahuo.outbox_id_seq s);
  names pg_catalog.text[] := ARRAY(
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'fahuo.outbox'::pg_catalog.regclass AND c.relname ~ '^outbox_p[0-9]+$'
      AND substr(c.relname, 9)::pg_catalog.int8 BETWEEN current - 1 AND current + 1
    ORDER BY substr(c.relname, 9)::pg_catalog.int8);
BEGIN
  EXECUTE format($f$
CREATE OR REPLACE FUNCTION fahuo.recent_outbox(wanted_event text, wanted_source text, wanted_appid text, wanted_payment text,
  wanted_version integer, OUT same_id bigint, OUT rival_id bigint, OUT last_version integer)
LANGUAGE plpgsql STABLE AS $b$
BEGIN%s
EXCEPTION WHEN undefined_table THEN
  RETURN;
END $b$;
REVOKE ALL ON FUNCTION fahuo.recent_outbox(text, text, text, text, integer) FROM PUBLIC$f$,
    (SELECT string_agg(format($p$
  SELECT o.id INTO same_id FROM fahuo.%1$I o
  WHERE o.event_id = wanted_event AND o.source = wanted_source AND o.type <> 'fahuo.shipment.acknowledged.v1' LIMIT 1;
  IF same_id IS NOT NULL THEN RETURN; END IF;
  IF wanted_version IS NULL THEN
    last_version := greatest(last_version, (SELECT max(o.version) FROM fahuo.%1$I o
      WHERE o.payment = wanted_payment AND o.appid = wanted_appid AND o.type <> 'fahuo.shipment.acknowledged.v1'));
  ELSIF rival_id IS NULL THEN
    SELECT o.id INTO rival_id FROM fahuo.%1$I o
    WHERE o.payment = wanted_payment AND o.appid = wanted_appid AND o.version = wanted_version AND o.type <> 'fahuo.shipment.acknowledged.v1' LIMIT 1;
  END IF;$p$, name), '' ORDER BY n) FROM unnest(names) WITH ORDINALITY AS u (name, n)));
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.write_recent_outbox() FROM PUBLIC;
--> statement-breakpoint
SELECT fahuo.write_recent_outbox();
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
  PERFORM fahuo.write_recent_outbox();
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
  PERFORM fahuo.write_recent_outbox();
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
