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
