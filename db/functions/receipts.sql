-- The doors to the one reminder to confirm receipt. They write in the caller's transaction, as fahuo.enqueue does: what is
-- rolled back is not said to WeChat.
CREATE OR REPLACE FUNCTION fahuo.check_receipt(appid text, payment text) RETURNS void
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF (appid ~ '^[0-9A-Za-z_-]{1,64}$') IS NOT TRUE THEN
    RAISE EXCEPTION 'appid % must be the appid of the mini-program, 1 to 64 of 0-9 A-Z a-z _ -', quote_nullable(appid)
      USING ERRCODE = 'check_violation';
  END IF;
  IF (payment ~ '^([0-9A-Za-z_-]{1,64}|[0-9A-Za-z_-]{1,32}:[0-9A-Za-z_*-]{1,64})$') IS NOT TRUE THEN
    RAISE EXCEPTION 'payment % must be a transaction id, or mchid:out_trade_no', quote_nullable(payment)
      USING ERRCODE = 'check_violation';
  END IF;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.check_receipt(text, text) FROM PUBLIC;
--> statement-breakpoint
-- The buyer has the goods, for those who write no event of it: WeChat reminds of confirming the receipt, once per payment,
-- when the payment is shipped. Called again it is the earlier row, whose time stays. Returns its id.
CREATE OR REPLACE FUNCTION fahuo.notify_receipt(appid text, payment text, received_time timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  found pg_catalog.int8;
BEGIN
  PERFORM fahuo.check_receipt(appid, payment);
  IF (received_time > '2013-01-01' AND received_time <= clock_timestamp() + interval '5 minutes') IS NOT TRUE THEN
    RAISE EXCEPTION 'received_time % must be when the buyer had the goods, and not in the future', quote_nullable(received_time)
      USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO fahuo.receipt AS r (appid, payment, received_at, origin)
  VALUES (notify_receipt.appid, notify_receipt.payment, received_time, 'shop')
  ON CONFLICT (payment, appid) DO NOTHING RETURNING r.id INTO found;
  IF found IS NULL THEN
    SELECT r.id INTO found FROM fahuo.receipt r
    WHERE r.payment = notify_receipt.payment AND r.appid = notify_receipt.appid;
  END IF;
  RETURN found;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.notify_receipt(text, text, timestamptz) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.notify_receipt(text, text, timestamptz) TO fahuo_writer, fahuo_service;
--> statement-breakpoint
-- Asks for the reminders of received events that are kept, in their order. `first`: it asked for it; `second`: the payment has
-- one, `late`: and it was forgotten; `open`: a transaction that is not over asks for it as well, as notify_receipt does. The
-- batch does not wait for the shop: that event, those behind it and later ones of its payment are asked for again after `wait`.
-- Whoever keeps the events calls it in the same statement: VOLATILE, it sees them, and those alone that were not left out.
CREATE OR REPLACE FUNCTION fahuo.ask_receipts(ids bigint[], wait interval) RETURNS TABLE (id bigint, outcome text, late boolean)
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
#variable_conflict use_column
DECLARE
  e pg_catalog.record;
  blocked pg_catalog.bool := false;
  -- Nearly always none: then nobody has to be looked for.
  some_open CONSTANT pg_catalog.bool := EXISTS (SELECT FROM fahuo.receipt_event r WHERE r.open_at IS NOT NULL);
BEGIN
  FOR e IN SELECT r.* FROM fahuo.receipt_event r WHERE r.id = ANY (ids) ORDER BY r.id LOOP
    id := e.id;
    outcome := 'open';
    late := false;
    IF NOT blocked AND NOT (some_open AND EXISTS (
      SELECT FROM fahuo.receipt_event r WHERE r.payment = e.payment AND r.appid = e.appid AND r.open_at IS NOT NULL AND r.id < e.id
    )) THEN
      BEGIN
        INSERT INTO fahuo.receipt (appid, payment, received_at, origin, event_id, source)
        VALUES (e.appid, e.payment, e.received_at, 'event', e.event_id, e.source)
        ON CONFLICT (payment, appid) DO NOTHING;
        outcome := CASE WHEN FOUND THEN 'first' ELSE 'second' END;
      EXCEPTION WHEN lock_not_available THEN
        blocked := true;
      END;
    END IF;
    IF outcome = 'second' THEN
      late := EXISTS (SELECT FROM fahuo.receipt r WHERE r.payment = e.payment AND r.appid = e.appid AND r.state = 'forgotten');
    END IF;
    IF outcome = 'open' OR late OR e.open_at IS NOT NULL THEN
      UPDATE fahuo.receipt_event r
      SET open_at = CASE WHEN outcome = 'open' THEN clock_timestamp() + wait END, late = ask_receipts.late WHERE r.id = e.id;
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.ask_receipts(bigint[], interval) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.ask_receipts(bigint[], interval) TO fahuo_service;
--> statement-breakpoint
-- All parcels are signed for: asks for the reminder, unless the payment has one. Where a transaction of the shop that is not over
-- asks for it as well, that is an error at once: the role goes on with other payments.
CREATE OR REPLACE FUNCTION fahuo.ask_traced_receipt(appid text, payment text, received_at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO fahuo.receipt (appid, payment, received_at, origin)
  VALUES (ask_traced_receipt.appid, ask_traced_receipt.payment, ask_traced_receipt.received_at, 'trace')
  ON CONFLICT (payment, appid) DO NOTHING;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.ask_traced_receipt(text, text, timestamptz) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.ask_traced_receipt(text, text, timestamptz) TO fahuo_service;
--> statement-breakpoint
-- Follow the parcels of this payment, and remind when all are signed for. WeChat asks for the buyer's phone in clear: it
-- comes sealed for the app (docs/adr/0029), and is forgotten after use. Returns the row's id.
CREATE OR REPLACE FUNCTION fahuo.trace_receipt(appid text, payment text, sealed_phone text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  found pg_catalog.int8;
BEGIN
  PERFORM fahuo.check_receipt(appid, payment);
  -- Not said in the message: what was given may be a phone in clear.
  IF (sealed_phone ~ '^p1\.[A-Za-z0-9_-]{81,255}$') IS NOT TRUE THEN
    RAISE EXCEPTION 'sealed_phone must be what sealPhone or "fahuo wechat seal-phone" gives: a phone in clear is not stored'
      USING ERRCODE = 'check_violation';
  END IF;
  INSERT INTO fahuo.trace AS t (appid, payment, sealed_phone)
  VALUES (trace_receipt.appid, trace_receipt.payment, trace_receipt.sealed_phone)
  ON CONFLICT (payment, appid) DO NOTHING RETURNING t.id INTO found;
  IF found IS NULL THEN
    SELECT t.id INTO found FROM fahuo.trace t WHERE t.payment = trace_receipt.payment AND t.appid = trace_receipt.appid;
  END IF;
  RETURN found;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.trace_receipt(text, text, text) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.trace_receipt(text, text, text) TO fahuo_writer, fahuo_service;
--> statement-breakpoint
-- What became of each reminder, for the shop.
CREATE OR REPLACE VIEW fahuo.receipts WITH (security_barrier = true) AS
SELECT r.appid, r.payment, r.received_at, r.origin, r.state, r.errcode, r.errmsg, r.rid, r.detail, r.sent_at, r.finished_at,
  r.event_id, r.source
FROM fahuo.receipt r WHERE r.state <> 'forgotten';
--> statement-breakpoint
GRANT SELECT ON fahuo.receipts TO fahuo_writer, fahuo_service;
