-- The contract of an event (src/shipment/contract.ts), with the same words: null where all is in order, else field, value
-- and rule of each problem, one after the other. A property test holds both to one another. Looks at members of a jsonb,
-- which is parsed once, and calls functions for what is wrong alone. Under the search_path of the door, for the owner alone.
CREATE OR REPLACE FUNCTION fahuo.event_problems(e jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  unclean CONSTANT pg_catalog.text := E'[\\u0001-\\u001f\\u007f-\\u009f\\uffff]';
  p pg_catalog.text[] := '{}';
  kind pg_catalog.text := e ->> 'type';
  corrected pg_catalog.bool := kind = 'fahuo.shipment.corrected.v1';
  t pg_catalog.text;
BEGIN
  IF jsonb_typeof(e) <> 'object' THEN RETURN fahuo.problem('event', e, fahuo.wanted('event')); END IF;
  IF kind IS NULL OR kind NOT IN ('fahuo.shipment.shipped.v1', 'fahuo.shipment.corrected.v1') THEN
    IF kind = 'fahuo.shipment.received.v1' THEN RETURN fahuo.received_problems(e); END IF;
    RETURN fahuo.problem('type', e -> 'type', CASE kind WHEN 'fahuo.shipment.combined.v1'
      THEN 'names several payments: write it with fahuo.enqueue_combined, in TypeScript with enqueueCombined'
      ELSE fahuo.wanted('type') END);
  END IF;
  t := e ->> 'id';
  IF (jsonb_typeof(e -> 'id') = 'string' AND t <> '' AND length(t) <= 128 AND t !~ unclean) IS NOT TRUE THEN
    p := p || fahuo.label_problem('id', e -> 'id', 128);
  END IF;
  t := e ->> 'source';
  IF (jsonb_typeof(e -> 'source') = 'string' AND t <> '' AND length(t) <= 256 AND t !~ unclean) IS NOT TRUE THEN
    p := p || fahuo.label_problem('source', e -> 'source', 256);
  END IF;
  IF (jsonb_typeof(e -> 'time') = 'string' AND fahuo.is_event_time(e ->> 'time')) IS NOT TRUE THEN
    p := p || fahuo.problem('time', e -> 'time', 'must be RFC 3339 with a zone, like 2026-11-23T10:00:00+08:00');
  END IF;
  IF (jsonb_typeof(e -> 'appid') = 'string' AND e ->> 'appid' <> '' AND length(e ->> 'appid') <= 64 AND e ->> 'appid' !~ '[^0-9A-Za-z_-]') IS NOT TRUE THEN
    p := p || fahuo.pattern_problem('appid', e -> 'appid', 'appid', 'must be the appid of the mini-program, 1 to 64 of 0-9 A-Z a-z _ -');
  END IF;
  IF e ? 'version' AND fahuo.whole(e -> 'version') IS NULL THEN
    p := p || fahuo.number_problem('version', e -> 'version', 'must be a whole number from 1 that grows per payment');
  END IF;
  IF e ? 'traceparent' AND NOT (jsonb_typeof(e -> 'traceparent') = 'string'
    AND e ->> 'traceparent' ~ '^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[0-9A-Za-z._-]{0,72})?$') THEN
    p := p || fahuo.problem('traceparent', e -> 'traceparent', fahuo.wanted('traceparent'));
  END IF;
  IF corrected THEN
    t := e ->> 'reason';
    IF (jsonb_typeof(e -> 'reason') = 'string' AND t <> '' AND length(t) <= 500 AND t !~ unclean) IS NOT TRUE THEN
      p := p || fahuo.label_problem('reason', e -> 'reason', 500, 'must say why WeChat holds the wrong content');
    END IF;
    t := e ->> 'approved_by';
    IF (jsonb_typeof(e -> 'approved_by') = 'string' AND t <> '' AND length(t) <= 128 AND t !~ unclean) IS NOT TRUE THEN
      p := p || fahuo.label_problem('approved_by', e -> 'approved_by', 128, 'must name who approved spending the only re-ship chance');
    END IF;
    IF e - '{id,type,source,time,appid,version,traceparent,reason,approved_by,data}'::pg_catalog.text[] <> '{}' THEN
      p := p || fahuo.unknown_problems(e - '{id,type,source,time,appid,version,traceparent,reason,approved_by,data}'::pg_catalog.text[], '');
    END IF;
  ELSIF e - '{id,type,source,time,appid,version,traceparent,data}'::pg_catalog.text[] <> '{}' THEN
    p := p || fahuo.unknown_problems(e - '{id,type,source,time,appid,version,traceparent,data}'::pg_catalog.text[], '');
  END IF;
  IF (jsonb_typeof(e -> 'data') = 'object') IS NOT TRUE THEN
    RETURN p || fahuo.problem('data', e -> 'data', fahuo.wanted('data'));
  END IF;
  p := p || fahuo.shipment_problems(e -> 'data');
  -- Rules that span members are asked where each of them is in order.
  RETURN CASE WHEN p = '{}' THEN fahuo.combination_problems(e -> 'data') ELSE p END;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.event_problems(jsonb) FROM PUBLIC;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.order_key_problems(k jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  p pg_catalog.text[] := '{}';
BEGIN
  IF jsonb_typeof(k) IS DISTINCT FROM 'object' THEN RETURN fahuo.problem('data.order_key', k, fahuo.wanted('order_key')); END IF;
  CASE coalesce(nullif(k -> 'order_number_type' = '2', false)::pg_catalog.int4 * 2, fahuo.whole(k -> 'order_number_type'))
  WHEN 2 THEN
    IF (jsonb_typeof(k -> 'transaction_id') = 'string' AND k ->> 'transaction_id' <> '' AND length(k ->> 'transaction_id') <= 64 AND k ->> 'transaction_id' !~ '[^0-9A-Za-z_-]') IS NOT TRUE THEN
      p := fahuo.pattern_problem('data.order_key.transaction_id', k -> 'transaction_id', 'transaction_id',
        'must be 1 to 64 of 0-9 A-Z a-z _ -: take it from the payment notification');
    END IF;
    k := k - '{order_number_type,transaction_id}'::pg_catalog.text[];
  WHEN 1 THEN
    IF (jsonb_typeof(k -> 'mchid') = 'string' AND k ->> 'mchid' <> '' AND length(k ->> 'mchid') <= 32 AND k ->> 'mchid' !~ '[^0-9A-Za-z_-]') IS NOT TRUE THEN
      p := fahuo.pattern_problem('data.order_key.mchid', k -> 'mchid', 'mchid',
        'must be the merchant number, 1 to 32 of 0-9 A-Z a-z _ -: take it from the payment notification');
    END IF;
    IF (jsonb_typeof(k -> 'out_trade_no') = 'string' AND k ->> 'out_trade_no' <> '' AND length(k ->> 'out_trade_no') <= 64 AND k ->> 'out_trade_no' !~ '[^0-9A-Za-z_*-]') IS NOT TRUE THEN
      p := p || fahuo.pattern_problem('data.order_key.out_trade_no', k -> 'out_trade_no', 'out_trade_no',
        'must be 1 to 64 of 0-9 A-Z a-z _ - *: use order_number_type 2 for others');
    END IF;
    k := k - '{order_number_type,mchid,out_trade_no}'::pg_catalog.text[];
  ELSE
    RETURN fahuo.problem('data.order_key.order_number_type', k -> 'order_number_type', fahuo.wanted('order_number_type'));
  END CASE;
  RETURN CASE WHEN k = '{}' THEN p ELSE p || fahuo.unknown_problems(k, 'data.order_key.') END;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.order_key_problems(jsonb) FROM PUBLIC;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.shipment_problems(d jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  unclean CONSTANT pg_catalog.text := E'[\\u0001-\\u001f\\u007f-\\u009f\\uffff]';
  p pg_catalog.text[] := fahuo.order_key_problems(d -> 'order_key');
  list pg_catalog.jsonb := d -> 'shipping_list';
  payer pg_catalog.jsonb := d -> 'payer';
  found pg_catalog.text[];
  t pg_catalog.text;
BEGIN
  -- fahuo.whole is asked for the odd spellings of a number.
  IF (d -> 'logistics_type' IN ('1', '2', '3', '4') OR fahuo.whole(d -> 'logistics_type') <= 4) IS NOT TRUE THEN
    p := p || fahuo.number_problem('data.logistics_type', d -> 'logistics_type', 'must be the number 1 express, 2 same-city, 3 virtual or 4 pick-up');
  END IF;
  IF (d -> 'delivery_mode' IN ('1', '2') OR fahuo.whole(d -> 'delivery_mode') <= 2) IS NOT TRUE THEN
    p := p || fahuo.number_problem('data.delivery_mode', d -> 'delivery_mode', 'must be the number 1 unified or 2 split');
  END IF;
  IF d ? 'is_all_delivered' AND jsonb_typeof(d -> 'is_all_delivered') <> 'boolean' THEN
    p := p || fahuo.problem('data.is_all_delivered', d -> 'is_all_delivered', 'must be true or false: send a boolean, not a string');
  END IF;
  IF jsonb_typeof(list) IS DISTINCT FROM 'array' THEN
    p := p || fahuo.problem('data.shipping_list', list, fahuo.wanted('shipping_list'));
  ELSIF jsonb_array_length(list) NOT BETWEEN 1 AND 15 THEN
    p := p || fahuo.problem('data.shipping_list', list, 'must hold 1 to 15 parcels: WeChat takes no more of one payment');
  ELSE
    FOR i IN 0..jsonb_array_length(list) - 1 LOOP
      found := fahuo.parcel_problems(list -> i, i);
      IF found IS NOT NULL THEN p := p || found; END IF;
    END LOOP;
  END IF;
  t := payer ->> 'openid';
  IF (jsonb_typeof(payer) = 'object' AND payer - 'openid' = '{}'
    AND jsonb_typeof(payer -> 'openid') = 'string' AND octet_length(t) BETWEEN 1 AND 128 AND t !~ unclean) IS NOT TRUE THEN
    p := p || fahuo.payer_problems(payer);
  END IF;
  d := d - '{order_key,logistics_type,delivery_mode,is_all_delivered,shipping_list,payer}'::pg_catalog.text[];
  RETURN CASE WHEN d = '{}' THEN p ELSE p || fahuo.unknown_problems(d, 'data.') END;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.shipment_problems(jsonb) FROM PUBLIC;
--> statement-breakpoint
-- Of a payer with which something is wrong.
CREATE OR REPLACE FUNCTION fahuo.payer_problems(payer jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  p pg_catalog.text[] := '{}';
BEGIN
  IF jsonb_typeof(payer) IS DISTINCT FROM 'object' THEN RETURN fahuo.problem('data.payer', payer, fahuo.wanted('payer')); END IF;
  IF (jsonb_typeof(payer -> 'openid') = 'string' AND octet_length(payer ->> 'openid') BETWEEN 1 AND 128
    AND payer ->> 'openid' !~ E'[\\u0001-\\u001f\\u007f-\\u009f\\uffff]') IS NOT TRUE THEN
    p := fahuo.limited_problem('data.payer.openid', payer -> 'openid', 'openid');
  END IF;
  RETURN CASE WHEN payer - 'openid' = '{}' THEN p ELSE p || fahuo.unknown_problems(payer - 'openid', 'data.payer.') END;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.payer_problems(jsonb) FROM PUBLIC;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.parcel_problems(item jsonb, i integer) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  unclean CONSTANT pg_catalog.text := E'[\\u0001-\\u001f\\u007f-\\u009f\\uffff]';
  p pg_catalog.text[];
  t pg_catalog.text;
BEGIN
  IF jsonb_typeof(item) <> 'object' THEN RETURN fahuo.problem('data.shipping_list[' || i || ']', item, fahuo.wanted('parcel')); END IF;
  t := item ->> 'tracking_no';
  IF item ? 'tracking_no' AND (jsonb_typeof(item -> 'tracking_no') = 'string' AND octet_length(t) BETWEEN 1 AND 128 AND t !~ unclean) IS NOT TRUE THEN
    p := p || fahuo.limited_problem('data.shipping_list[' || i || '].tracking_no', item -> 'tracking_no', 'tracking_no');
  END IF;
  t := item ->> 'express_company';
  IF item ? 'express_company' AND (jsonb_typeof(item -> 'express_company') = 'string' AND octet_length(t) BETWEEN 1 AND 128 AND t !~ unclean) IS NOT TRUE THEN
    p := p || fahuo.limited_problem('data.shipping_list[' || i || '].express_company', item -> 'express_company', 'express_company');
  END IF;
  t := item ->> 'item_desc';
  IF (jsonb_typeof(item -> 'item_desc') = 'string' AND length(t) <= 100 AND t !~ unclean
    AND t ~ E'[^ \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff]') IS NOT TRUE THEN
    p := p || fahuo.problem('data.shipping_list[' || i || '].item_desc', item -> 'item_desc', CASE
      WHEN jsonb_typeof(item -> 'item_desc') IS DISTINCT FROM 'string' THEN fahuo.wanted('item_desc')
      WHEN t !~ E'[^ \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff]' THEN 'must not be empty: the buyer reads it'
      WHEN t ~ E'\\uffff' THEN 'holds a lone surrogate: cut texts between whole characters'
      WHEN t ~ unclean THEN 'holds a control character: remove it'
      ELSE 'must have at most 100 code points: shorten it' END);
  END IF;
  -- Most contacts are one masked number. What the pattern takes is a text: it has no quotes and no brackets.
  IF item ? 'contact' AND (jsonb_typeof(item -> 'contact') = 'object' AND (item -> 'contact') - 'receiver_contact' = '{}'
    AND item -> 'contact' ->> 'receiver_contact' ~ '^[+0-9*-]*[*][+0-9*-]*[0-9]{2}-?[0-9]{2}$'
    AND length(item -> 'contact' ->> 'receiver_contact') <= 1024) IS NOT TRUE THEN
    p := p || fahuo.contact_problems(item -> 'contact', 'data.shipping_list[' || i || '].contact');
  END IF;
  item := item - '{tracking_no,express_company,item_desc,contact}'::pg_catalog.text[];
  RETURN CASE WHEN item = '{}' THEN p ELSE p || fahuo.unknown_problems(item, 'data.shipping_list[' || i || '].') END;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.parcel_problems(jsonb, integer) FROM PUBLIC;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.contact_problems(contact jsonb, at text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  p pg_catalog.text[];
  t pg_catalog.text;
BEGIN
  IF jsonb_typeof(contact) <> 'object' THEN RETURN fahuo.problem(at, contact, fahuo.wanted('contact')); END IF;
  IF NOT contact ?| '{consignor_contact,receiver_contact}' THEN p := fahuo.problem(at, contact, fahuo.wanted('contact')); END IF;
  FOREACH t IN ARRAY '{consignor_contact,receiver_contact}'::pg_catalog.text[] LOOP
    CONTINUE WHEN NOT contact ? t;
    CONTINUE WHEN jsonb_typeof(contact -> t) = 'string' AND length(contact ->> t) <= 1024
      AND contact ->> t ~ '^[+0-9*-]*[*][+0-9*-]*[0-9]{2}-?[0-9]{2}(?:,[+0-9*-]*[*][+0-9*-]*[0-9]{2}-?[0-9]{2})*$';
    p := p || fahuo.problem(at || '.' || t, contact -> t, CASE
      WHEN jsonb_typeof(contact -> t) <> 'string' THEN fahuo.wanted('phone')
      WHEN length(contact ->> t) > 1024 THEN 'must have at most 1024 characters: give one phone number'
      ELSE 'must be masked with * and end in four clear digits, like 138****1234: mask it, or set FAHUO_MASK_CONTACTS=true' END);
  END LOOP;
  contact := contact - '{consignor_contact,receiver_contact}'::pg_catalog.text[];
  RETURN CASE WHEN contact = '{}' THEN p ELSE p || fahuo.unknown_problems(contact, at || '.') END;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.contact_problems(jsonb, text) FROM PUBLIC;
--> statement-breakpoint
-- Mode and type, carrier, SF's contact, parcels listed twice (combinations.ts); null where all is in order.
CREATE OR REPLACE FUNCTION fahuo.combination_problems(d jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  logistics pg_catalog.int4 := CASE WHEN d -> 'logistics_type' = '1' THEN 1 ELSE fahuo.whole(d -> 'logistics_type') END;
  is_split pg_catalog.bool := CASE WHEN d -> 'delivery_mode' = '1' THEN false ELSE fahuo.whole(d -> 'delivery_mode') = 2 END;
  list pg_catalog.jsonb := d -> 'shipping_list';
  parcels pg_catalog.int4 := jsonb_array_length(list);
  item pg_catalog.jsonb;
  company pg_catalog.text;
  listed pg_catalog.text;
  t pg_catalog.text;
  seen pg_catalog.text[] := '{}';
  p pg_catalog.text[];
BEGIN
  IF is_split AND logistics <> 1 THEN
    p := p || ARRAY['data.delivery_mode', '2', 'split delivery is for logistics_type 1 only: send 1'];
  END IF;
  IF NOT is_split AND parcels <> 1 THEN
    p := p || ARRAY['data.shipping_list', parcels || ' parcels', 'unified delivery has exactly one parcel: use delivery_mode 2'];
  END IF;
  IF is_split AND NOT d ? 'is_all_delivered' THEN
    p := p || fahuo.problem('data.is_all_delivered', NULL, 'is required for delivery_mode 2: send true with the last parcels, else false');
  END IF;
  FOR i IN 0..parcels - 1 LOOP
    item := list -> i;
    company := item ->> 'express_company';
    IF item ? 'tracking_no' THEN
      t := concat(company, E'\n', item ->> 'tracking_no');
      IF t = ANY (seen) THEN
        p := p || fahuo.problem(format('data.shipping_list[%s].tracking_no', i), item -> 'tracking_no', 'stands twice: list each parcel once');
      END IF;
      seen := seen || t;
    END IF;
    IF logistics <> 1 THEN
      FOREACH t IN ARRAY '{tracking_no,express_company,contact}'::pg_catalog.text[] LOOP
        IF item ? t THEN
          p := p || fahuo.problem(format('data.shipping_list[%s].%s', i, t), item -> t, 'belongs to logistics_type 1 only: remove it');
        END IF;
      END LOOP;
      CONTINUE;
    END IF;
    IF NOT item ? 'tracking_no' THEN
      p := p || fahuo.problem(format('data.shipping_list[%s].tracking_no', i), NULL, 'is required for logistics_type 1: give the number of the parcel');
    END IF;
    -- The parcels of an order mostly have one carrier, which is looked up once.
    IF company IS NULL OR company IS DISTINCT FROM listed THEN
      IF company IS NOT NULL AND EXISTS (SELECT FROM fahuo.carrier c WHERE c.id = company) THEN
        listed := company;
      ELSE
        p := p || fahuo.problem(format('data.shipping_list[%s].express_company', i), item -> 'express_company',
          'must be a delivery_id of get_delivery_list, case-sensitive: send ' || coalesce(
            (SELECT string_agg(to_json(s)::pg_catalog.text, ' or ' ORDER BY n) FROM unnest(fahuo.carrier_suggestions(company)) WITH ORDINALITY AS u (s, n)),
            'OTHER for a carrier that is not listed'));
      END IF;
    END IF;
    IF company = 'SF' AND NOT item ? 'contact' THEN
      p := p || fahuo.problem(format('data.shipping_list[%s].contact', i), NULL, 'is required for SF: give receiver_contact or consignor_contact, masked like 138****1234');
    END IF;
  END LOOP;
  RETURN p;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.combination_problems(jsonb) FROM PUBLIC;
