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
