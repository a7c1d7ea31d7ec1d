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
