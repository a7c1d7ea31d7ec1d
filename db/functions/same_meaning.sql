-- What means the same is taken, what means something else is refused: src/shipment/same-meaning.ts in SQL; the table of both is
-- in docs/wechat.md. Asked for events that break the strict contract, and for no other. `notes` has a line for each change.
CREATE OR REPLACE FUNCTION fahuo.same_meaning(INOUT e jsonb, OUT notes text[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
  d pg_catalog.jsonb;
  list pg_catalog.jsonb;
  found pg_catalog.record;
  t pg_catalog.text;
BEGIN
  notes := '{}';
  IF jsonb_typeof(e) <> 'object' THEN RETURN; END IF;
  notes := fahuo.null_notes(e, '');
  e := fahuo.without_nulls(e);
  IF jsonb_typeof(e -> 'time') = 'string' THEN
    t := fahuo.read_time(e ->> 'time');
    IF t <> e ->> 'time' THEN
      e := jsonb_set(e, '{time}', to_jsonb(t));
      notes := notes || ('time: read as ' || t);
    END IF;
  END IF;
  IF e ? 'traceparent' AND NOT (jsonb_typeof(e -> 'traceparent') = 'string'
    AND e ->> 'traceparent' ~ '^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[0-9A-Za-z._-]{0,72})?$') THEN
    e := e - 'traceparent';
    notes := notes || 'traceparent: is none of the W3C and is left out'::pg_catalog.text;
  END IF;
  d := e -> 'data';
  IF (jsonb_typeof(d) = 'object') IS NOT TRUE THEN RETURN; END IF;
  notes := notes || fahuo.null_notes(d, 'data.');
  d := fahuo.without_nulls(d);
  IF jsonb_typeof(d -> 'order_key') = 'object' THEN
    found := fahuo.same_order_key(d -> 'order_key');
    d := jsonb_set(d, '{order_key}', found.k);
    notes := notes || found.notes;
  END IF;
  IF jsonb_typeof(d -> 'payer') = 'object' THEN
    notes := notes || fahuo.null_notes(d -> 'payer', 'data.payer.');
    d := jsonb_set(d, '{payer}', fahuo.without_nulls(d -> 'payer'));
  END IF;
  list := d -> 'shipping_list';
  IF jsonb_typeof(list) = 'array' THEN
    IF jsonb_array_length(list) <= 15 THEN
      FOR i IN 0..jsonb_array_length(list) - 1 LOOP
        CONTINUE WHEN jsonb_typeof(list -> i) <> 'object';
        found := fahuo.same_parcel(list -> i, 'data.shipping_list[' || i || '].', fahuo.whole(d -> 'logistics_type'));
        list := jsonb_set(list, ARRAY[i::pg_catalog.text], found.item);
        notes := notes || found.notes;
      END LOOP;
      d := jsonb_set(d, '{shipping_list}', list);
    END IF;
  END IF;
  e := jsonb_set(e, '{data}', d);
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.same_meaning(jsonb) FROM PUBLIC;
--> statement-breakpoint
-- null is absent.
CREATE OR REPLACE FUNCTION fahuo.without_nulls(o jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
  SELECT o - coalesce((SELECT array_agg(m.key) FROM jsonb_each(o) m WHERE m.value = 'null'), '{}'::pg_catalog.text[])
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.without_nulls(jsonb) FROM PUBLIC;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.null_notes(o jsonb, at text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(array_agg(at || m.key || ': null is left out'), '{}')
  FROM jsonb_each(o) m WHERE m.value = 'null' AND NOT (at = '' AND m.key = 'version')
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.null_notes(jsonb, text) FROM PUBLIC;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.same_order_key(INOUT k jsonb, OUT notes text[])
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  t pg_catalog.text;
BEGIN
  notes := fahuo.null_notes(k, 'data.order_key.');
  k := fahuo.without_nulls(k);
  IF fahuo.whole(k -> 'order_number_type') = 2 THEN
    FOREACH t IN ARRAY '{mchid,out_trade_no}'::pg_catalog.text[] LOOP
      CONTINUE WHEN NOT k ? t;
      k := k - t;
      notes := notes || ('data.order_key.' || t || ': WeChat ignores it for order_number_type 2; left out');
    END LOOP;
  ELSIF fahuo.whole(k -> 'order_number_type') = 1 AND k -> 'transaction_id' = '""' THEN
    k := k - 'transaction_id';
    notes := notes || 'data.order_key.transaction_id: is empty and left out'::pg_catalog.text;
  END IF;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.same_order_key(jsonb) FROM PUBLIC;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.same_parcel(INOUT item jsonb, at text, logistics integer, OUT notes text[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
  t pg_catalog.text := item ->> 'item_desc';
  changed pg_catalog.text;
  carriers pg_catalog.text[];
  found pg_catalog.record;
BEGIN
  notes := fahuo.null_notes(item, at);
  item := fahuo.without_nulls(item);
  IF jsonb_typeof(item -> 'item_desc') = 'string' AND t !~ E'\\uffff' THEN
    changed := regexp_replace(t, E'[\\u0001-\\u001f\\u007f-\\u009f]+', ' ', 'g');
    IF changed <> t THEN notes := notes || (at || 'item_desc: control characters became spaces'); END IF;
    IF length(changed) > 100 THEN
      changed := fahuo.cut_text(changed);
      notes := notes || (at || 'item_desc: cut to 100 characters');
    END IF;
    IF changed <> t THEN item := jsonb_set(item, '{item_desc}', to_jsonb(changed)); END IF;
  END IF;
  IF logistics BETWEEN 2 AND 4 THEN
    FOREACH t IN ARRAY '{tracking_no,express_company,contact}'::pg_catalog.text[] LOOP
      CONTINUE WHEN NOT item ? t;
      item := item - t;
      notes := notes || (at || t || ': WeChat ignores it for logistics_type ' || logistics || '; left out');
    END LOOP;
    RETURN;
  END IF;
  t := item ->> 'express_company';
  IF jsonb_typeof(item -> 'express_company') = 'string' AND (SELECT s.carrier_aliases FROM fahuo.deployment s)
    AND NOT EXISTS (SELECT FROM fahuo.carrier c WHERE c.id = t) THEN
    carriers := fahuo.carrier_suggestions(t);
    IF cardinality(carriers) = 1 THEN
      item := jsonb_set(item, '{express_company}', to_jsonb(carriers[1]));
      notes := notes || (at || 'express_company: taken as ' || carriers[1]);
    END IF;
  END IF;
  IF jsonb_typeof(item -> 'contact') = 'object' THEN
    found := fahuo.same_contact(item -> 'contact', at || 'contact.');
    notes := notes || found.notes;
    item := jsonb_set(item, '{contact}', found.contact);
  END IF;
  IF item -> 'contact' IN ('{}', '[]') THEN
    item := item - 'contact';
    notes := notes || (at || 'contact: is empty and left out');
  END IF;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.same_parcel(jsonb, text, integer) FROM PUBLIC;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.same_contact(INOUT contact jsonb, at text, OUT notes text[])
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  phone pg_catalog.text;
  tidy pg_catalog.text;
BEGIN
  notes := fahuo.null_notes(contact, at);
  contact := fahuo.without_nulls(contact);
  FOREACH phone IN ARRAY '{consignor_contact,receiver_contact}'::pg_catalog.text[] LOOP
    IF contact -> phone = '""' THEN
      contact := contact - phone;
      notes := notes || (at || phone || ': is empty and left out');
    ELSIF jsonb_typeof(contact -> phone) = 'string' THEN
      tidy := fahuo.tidy_phones(contact ->> phone);
      IF tidy <> contact ->> phone THEN
        contact := jsonb_set(contact, ARRAY[phone], to_jsonb(tidy));
        notes := notes || (at || phone || ': spaces and extensions are left out');
      END IF;
    END IF;
  END LOOP;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.same_contact(jsonb, text) FROM PUBLIC;
