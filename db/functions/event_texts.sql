-- Small parts of fahuo.event_problems and fahuo.same_meaning, each the same rule as a function of src/shipment. They run under
-- the search_path of the door that was called, and nobody but the owner may call them by themselves. Patterns with a
-- backslash are E'' literals: they mean the same whatever the caller's standard_conforming_strings says.
-- What belongs into a member (problems.ts).
CREATE OR REPLACE FUNCTION fahuo.wanted(name text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT 'must be ' || CASE name
    WHEN 'event' THEN 'one object with id, type, source, time, appid, version and data'
    WHEN 'id' THEN 'a text that names this event for good, like "order-17-1"'
    WHEN 'type' THEN 'fahuo.shipment.shipped.v1, fahuo.shipment.corrected.v1 for a correction, or fahuo.shipment.received.v1 when the buyer has the goods'
    WHEN 'source' THEN 'a text that names the sender, like "/orders"'
    WHEN 'appid' THEN 'the appid of the mini-program as a text, like "wx0123456789abcdef"'
    WHEN 'traceparent' THEN 'a traceparent of the W3C, or left out'
    WHEN 'reason' THEN 'a text that says why WeChat holds the wrong content'
    WHEN 'approved_by' THEN 'a text that names who approved spending the only re-ship chance'
    WHEN 'data' THEN 'an object: the body of upload_shipping_info without upload_time'
    WHEN 'order_key' THEN 'an object, like {"order_number_type":2,"transaction_id":"4200001234"}'
    WHEN 'order_number_type' THEN 'the number 2 with a transaction_id, or 1 with mchid and out_trade_no'
    WHEN 'transaction_id' THEN 'a text: take it from the payment notification'
    WHEN 'mchid' THEN 'the merchant number as a text, or use order_number_type 2'
    WHEN 'out_trade_no' THEN 'the merchant''s own order number as a text, or use order_number_type 2'
    WHEN 'shipping_list' THEN 'an array of 1 to 15 parcels'
    WHEN 'parcel' THEN 'an object with an item_desc; for logistics_type 1 tracking_no and express_company as well'
    WHEN 'tracking_no' THEN 'the parcel''s number as a text'
    WHEN 'express_company' THEN 'a delivery_id of get_delivery_list as a text, like "SF"'
    WHEN 'item_desc' THEN 'a text that says what is in the parcel: the buyer reads it'
    WHEN 'contact' THEN 'an object with receiver_contact or consignor_contact, or left out'
    WHEN 'phone' THEN 'a phone number as a text, masked like 138****1234, or left out'
    WHEN 'sub_orders' THEN 'an array of 1 to 50 orders, each with its order_key and shipping_list'
    WHEN 'payer' THEN 'an object, like {"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}'
    WHEN 'openid' THEN 'the buyer''s openid in this mini-program as a text'
  END
$$;
--> statement-breakpoint
-- One problem: field, value as it is shown, rule. Of phone numbers the last four digits are enough to find one.
CREATE OR REPLACE FUNCTION fahuo.problem(field text, value jsonb, rule text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  shown pg_catalog.text := coalesce(value::pg_catalog.text, 'missing');
BEGIN
  IF length(shown) > 80 THEN shown := left(shown, 77) || '…'; END IF;
  IF strpos(field, '.contact') > 0 THEN shown := regexp_replace(shown, '[0-9](?=([^0-9]?[0-9]){4})', '*', 'g'); END IF;
  RETURN ARRAY[field, shown, rule];
END $$;
--> statement-breakpoint
-- Of a text that is ours, with at most so many characters.
CREATE OR REPLACE FUNCTION fahuo.label_problem(field text, value jsonb, most integer, empty_rule text DEFAULT 'must not be empty: give 1 character at least')
RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT fahuo.problem(field, value, CASE
    WHEN jsonb_typeof(value) IS DISTINCT FROM 'string' THEN fahuo.wanted(field)
    WHEN value #>> '{}' = '' THEN empty_rule
    WHEN length(value #>> '{}') > most THEN format('must have at most %s characters: shorten it', most)
    ELSE 'holds a control character or a lone surrogate: remove it'
  END)
$$;
--> statement-breakpoint
-- Of an identifier that WeChat limits by its bytes.
CREATE OR REPLACE FUNCTION fahuo.limited_problem(field text, value jsonb, name text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT fahuo.problem(field, value, CASE
    WHEN jsonb_typeof(value) IS DISTINCT FROM 'string' THEN fahuo.wanted(name)
    WHEN octet_length(value #>> '{}') NOT BETWEEN 1 AND 128 THEN 'must have 1 to 128 bytes: give it as WeChat or the carrier has it'
    ELSE 'holds a control character or a lone surrogate: remove it'
  END)
$$;
--> statement-breakpoint
-- Of a text with a pattern of its own.
CREATE OR REPLACE FUNCTION fahuo.pattern_problem(field text, value jsonb, name text, rule text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT fahuo.problem(field, value, CASE WHEN jsonb_typeof(value) IS DISTINCT FROM 'string' THEN fahuo.wanted(name) ELSE rule END)
$$;
--> statement-breakpoint
CREATE OR REPLACE FUNCTION fahuo.number_problem(field text, value jsonb, rule text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT fahuo.problem(field, value, rule || CASE WHEN jsonb_typeof(value) = 'string' THEN ': send a number, not a string' ELSE '' END)
$$;
--> statement-breakpoint
-- Members that nobody knows, each a problem of its own.
CREATE OR REPLACE FUNCTION fahuo.unknown_problems(rest jsonb, at text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
  SELECT array_agg(part ORDER BY m.key, n)
  FROM jsonb_each(rest) m, LATERAL unnest(fahuo.problem(coalesce(nullif(at || m.key, ''), 'event'), m.value, CASE
    WHEN at = '' AND m.key IN ('reason', 'approved_by') THEN 'belongs to fahuo.shipment.corrected.v1 alone: remove it'
    WHEN at = 'data.order_key.' AND m.key = 'transaction_id' THEN 'belongs to order_number_type 2: remove it, or send 2'
    WHEN at <> '' OR m.key LIKE 'data.%' THEN 'is not a member that WeChat knows: remove it'
    ELSE 'is not a member of an event: remove it'
  END)) WITH ORDINALITY AS u (part, n)
$$;
--> statement-breakpoint
-- The whole number from 1 to 999,999,999 that JavaScript reads in a JSON number: 1, 1.0 and 1e0 are one number. Else null.
CREATE OR REPLACE FUNCTION fahuo.whole(value jsonb) RETURNS integer
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  n pg_catalog.numeric;
BEGIN
  IF value IS NULL OR jsonb_typeof(value) <> 'number' THEN RETURN NULL; END IF;
  n := value::pg_catalog.numeric;
  IF n < 0.5 OR n > 999999999.5 THEN RETURN NULL; END IF;
  IF n::pg_catalog.float8 <> trunc(n::pg_catalog.float8) OR n::pg_catalog.float8 NOT BETWEEN 1 AND 999999999 THEN RETURN NULL; END IF;
  RETURN n::pg_catalog.float8::pg_catalog.int4;
END $$;
--> statement-breakpoint
-- RFC 3339 with a zone, of a day that exists, as fahuo keeps it (event-time.ts).
CREATE OR REPLACE FUNCTION fahuo.is_event_time(t text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  -- Most times have one form, and a day that every month has: known without the pattern, which costs ten times as much.
  IF translate(t, '123456789', '000000000') IN ('0000-00-00T00:00:00+00:00', '0000-00-00T00:00:00Z')
    AND substr(t, 6, 2) COLLATE "C" BETWEEN '01' AND '12' AND substr(t, 9, 2) COLLATE "C" BETWEEN '01' AND '28'
    AND substr(t, 12, 2) COLLATE "C" <= '23' AND substr(t, 15, 1) COLLATE "C" <= '5' AND substr(t, 18, 1) COLLATE "C" <= '5'
    AND substr(t, 21, 2) COLLATE "C" <= '23' AND substr(t, 24, 1) COLLATE "C" <= '5' THEN
    RETURN true;
  END IF;
  RETURN t IS NOT NULL AND length(t) <= 64 AND t ~ E'^(?:(?:[0-9][0-9][2468][048]|[0-9][0-9][13579][26]|[0-9][0-9]0[48]|[02468][048]00|[13579][26]00)-02-29|[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8])))T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$';
END $$;
--> statement-breakpoint
-- A time as other languages write it, as RFC 3339; null where there is no zone or no such time.
CREATE OR REPLACE FUNCTION fahuo.read_time(t text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  m pg_catalog.text[] := regexp_match(t, E'^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\\.[0-9]+)?)? ?(?:([Zz])|([+-][0-9]{2})(?::?([0-9]{2}))?)(?:\\[[A-Za-z0-9_+:/-]{1,40}\\])?$');
  read pg_catalog.text;
BEGIN
  IF m IS NULL THEN RETURN NULL; END IF;
  read := m[1] || 'T' || m[2] || coalesce(m[3], ':00') || CASE WHEN m[4] IS NULL THEN m[5] || ':' || coalesce(m[6], '00') ELSE 'Z' END;
  RETURN CASE WHEN fahuo.is_event_time(read) THEN read END;
END $$;
--> statement-breakpoint
-- A text of more than 100 characters with … in the place of what is beyond, cut between whole characters (texts.ts).
CREATE OR REPLACE FUNCTION fahuo.cut_text(t text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  extender CONSTANT pg_catalog.text := E'[\\u0300-\\u036f\\u0591-\\u05bd\\u064b-\\u065f\\u0e31\\u0e34-\\u0e3a\\u0e47-\\u0e4e\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u200d\\u20d0-\\u20ff\\u3099\\u309a\\ufe00-\\ufe0f\\ufe20-\\ufe2f\\U0001f3fb-\\U0001f3ff\\U000e0020-\\U000e007f\\U000e0100-\\U000e01ef]';
  half CONSTANT pg_catalog.text := E'[\\U0001f1e6-\\U0001f1ff]';
  kept pg_catalog.int4 := 99;
  before pg_catalog.text;
  after pg_catalog.text;
BEGIN
  IF length(t) <= 100 THEN RETURN t; END IF;
  WHILE kept > 0 LOOP
    before := substr(t, kept, 1);
    after := substr(t, kept + 1, 1);
    EXIT WHEN NOT (after ~ extender OR before = E'\u200d'
      OR (after ~ half AND before ~ half AND length(substring(left(t, kept) FROM half || '*$')) % 2 = 1));
    kept := kept - 1;
  END LOOP;
  RETURN left(t, CASE kept WHEN 0 THEN 99 ELSE kept END) || '…';
END $$;
--> statement-breakpoint
-- Masked phones without spaces and extensions, several with commas (mask.ts).
CREATE OR REPLACE FUNCTION fahuo.tidy_phones(t text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF strpos(t, '*') = 0 THEN RETURN t; END IF;
  t := regexp_replace(t, E'[ \\t\\u00a0\\u3000]+', '', 'g');
  t := regexp_replace(t, '[，;；、/]', ',', 'g');
  RETURN regexp_replace(t, E'(?:转|分机|[eE][xX][tT]\\.?|#)[:：]?[0-9]{1,8}(?=,|$)', '', 'g');
END $$;
--> statement-breakpoint
-- The ids that a carrier's name, or a code of another system, may mean (carrier-aliases.ts); null where there is none.
CREATE OR REPLACE FUNCTION fahuo.carrier_suggestions(company text) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
  key pg_catalog.text := translate(btrim(company, E' \t\u00a0\u3000'), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');
  found pg_catalog.text[];
BEGIN
  FOR turn IN 1..2 LOOP
    SELECT array_agg(a.carrier_id ORDER BY a.carrier_id COLLATE "C") INTO found
    FROM fahuo.carrier_alias a JOIN fahuo.carrier c ON c.id = a.carrier_id WHERE a.alias = key;
    EXIT WHEN found IS NOT NULL;
    key := regexp_replace(key, '(?:快递|速运|速递|物流|公司|集团|股份|有限|责任)+$', '');
  END LOOP;
  RETURN CASE WHEN cardinality(found) <= 3 THEN found END;
END $$;
--> statement-breakpoint
-- Problems as one text, as a refusal and a refused offer say them.
CREATE OR REPLACE FUNCTION fahuo.describe_problems(p text[], separator text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT left(string_agg(p[3 * n + 1] || ' is ' || p[3 * n + 2] || ': ' || p[3 * n + 3], separator ORDER BY n), 8000)
    || CASE WHEN cardinality(p) > 60 THEN separator || 'and ' || cardinality(p) / 3 - 20 || ' more' ELSE '' END
  FROM generate_series(0, least(cardinality(p) / 3, 20) - 1) n
$$;
--> statement-breakpoint
DO $$
DECLARE
  part pg_catalog.regprocedure;
BEGIN
  FOREACH part IN ARRAY ARRAY['fahuo.wanted(text)', 'fahuo.problem(text, jsonb, text)', 'fahuo.label_problem(text, jsonb, integer, text)',
    'fahuo.limited_problem(text, jsonb, text)', 'fahuo.pattern_problem(text, jsonb, text, text)', 'fahuo.number_problem(text, jsonb, text)',
    'fahuo.unknown_problems(jsonb, text)', 'fahuo.whole(jsonb)', 'fahuo.is_event_time(text)', 'fahuo.read_time(text)', 'fahuo.cut_text(text)',
    'fahuo.tidy_phones(text)', 'fahuo.carrier_suggestions(text)', 'fahuo.describe_problems(text[], text)']::pg_catalog.regprocedure[] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', part);
  END LOOP;
END $$;
