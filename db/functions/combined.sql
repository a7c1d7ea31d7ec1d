-- The doors of combined payments: one event of several payments becomes a shipped event of each (src/shipment/combined.ts and
-- checkCombined in contract.ts; a property test holds both to one another). All parts are written or none.
-- One part as the shipment that it becomes, with a payer that has nothing wrong: the payer is checked once, not for each part.
CREATE OR REPLACE FUNCTION fahuo.read_part(part jsonb, place text, OUT data jsonb, OUT notes text[], OUT problems text[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
  same pg_catalog.record;
BEGIN
  notes := '{}';
  problems := '{}';
  IF jsonb_typeof(part) <> 'object' THEN
    problems := fahuo.problem(place, part, 'must be an object with order_key, logistics_type, delivery_mode and shipping_list');
    RETURN;
  END IF;
  data := part - 'payer' || '{"payer":{"openid":"payer"}}';
  problems := fahuo.shipment_problems(data);
  IF problems = '{}' THEN problems := coalesce(fahuo.combination_problems(data), '{}'); END IF;
  IF problems <> '{}' THEN
    same := fahuo.same_meaning(jsonb_build_object('data', data));
    IF same.notes <> '{}' THEN
      data := same.e -> 'data';
      problems := fahuo.shipment_problems(data);
      IF problems = '{}' THEN problems := coalesce(fahuo.combination_problems(data), '{}'); END IF;
      IF problems = '{}' THEN notes := same.notes; END IF;
    END IF;
  END IF;
  FOR n IN 0..cardinality(problems) / 3 - 1 LOOP
    problems[3 * n + 1] := place || substr(problems[3 * n + 1], 5); -- data. is the part's place
  END LOOP;
  IF part -> 'payer' <> 'null' THEN
    problems := problems || fahuo.problem(place || '.payer', part -> 'payer', 'belongs into data, once: remove it');
  END IF;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.read_part(jsonb, text) FROM PUBLIC;
--> statement-breakpoint
-- What parts break together, asked where each is in order: spanningProblems of combined.ts.
CREATE OR REPLACE FUNCTION fahuo.spanning_problems(e jsonb, parts jsonb) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  kind CONSTANT pg_catalog.int4 := fahuo.whole(e -> 'data' -> 'order_key' -> 'order_number_type');
  seen pg_catalog.text[] := '{}';
  p pg_catalog.text[];
  too_long pg_catalog.text[];
  key pg_catalog.jsonb;
  at pg_catalog.text;
BEGIN
  FOR i IN 0..jsonb_array_length(parts) - 1 LOOP
    key := parts -> i -> 'e' -> 'data' -> 'order_key';
    at := 'data.sub_orders[' || i || '].order_key';
    IF fahuo.whole(key -> 'order_number_type') <> kind THEN
      p := p || fahuo.problem(at || '.order_number_type', key -> 'order_number_type', 'must be that of data.order_key: name all payments in one way');
    ELSE
      IF parts -> i ->> 'payment' = ANY (seen) THEN
        p := p || fahuo.problem(at, key, 'stands twice: list each payment once');
      END IF;
      seen := seen || (parts -> i ->> 'payment');
    END IF;
    IF length(parts -> i -> 'e' ->> 'id') > 128 THEN
      too_long := fahuo.problem('id', e -> 'id', 'must have at most 128 characters with # and each payment: shorten it');
    END IF;
  END LOOP;
  RETURN p || too_long;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.spanning_problems(jsonb, jsonb) FROM PUBLIC;
--> statement-breakpoint
-- Reads a combined event once and checks it: `e` in the contract's own form; of each part its payment, its shipped event
-- without a version and what was changed in it; and what is wrong (null: nothing). A part's id is made of its payment, so that
-- parts which stand in another order the next time are the same events.
CREATE OR REPLACE FUNCTION fahuo.read_combined(event text, OUT e jsonb, OUT parts jsonb, OUT problems text[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
  read CONSTANT pg_catalog.record := fahuo.read_event(event);
  as_it_came pg_catalog.jsonb;
  common pg_catalog.text[];
  notes pg_catalog.text[];
  p pg_catalog.text[] := '{}';
  head pg_catalog.text[];
  d pg_catalog.jsonb;
  part pg_catalog.record;
  key pg_catalog.text;
BEGIN
  e := read.e;
  IF e IS NULL OR jsonb_typeof(e) <> 'object' OR read.problems[2] = 'nested' THEN
    problems := read.problems;
    RETURN;
  END IF;
  IF e ->> 'type' IS DISTINCT FROM 'fahuo.shipment.combined.v1' THEN
    problems := fahuo.problem('type', e -> 'type', 'must be fahuo.shipment.combined.v1: write other events with fahuo.enqueue');
    RETURN;
  END IF;
  BEGIN
    as_it_came := event::pg_catalog.jsonb;
  EXCEPTION WHEN untranslatable_character OR invalid_text_representation THEN
    as_it_came := fahuo.readable_json(event)::pg_catalog.jsonb;
  END;
  common := ARRAY(SELECT u.note FROM unnest((fahuo.same_meaning(as_it_came)).notes) AS u (note)
    WHERE u.note NOT LIKE 'data.%' OR u.note LIKE 'data.payer.%');
  IF e ? 'version' THEN
    p := fahuo.problem('version', e -> 'version', 'belongs to one payment: remove it, each part is given its next one');
  END IF;
  -- The attributes are those of a plain event. Its data is missing here, which is the last thing that is said.
  head := fahuo.event_problems(e - '{version,data}'::pg_catalog.text[] || '{"type":"fahuo.shipment.shipped.v1"}');
  p := p || head[:cardinality(head) - 3];
  d := e -> 'data';
  IF jsonb_typeof(d) IS DISTINCT FROM 'object' THEN
    problems := p || fahuo.problem('data', d, 'must be an object: the body of upload_combined_shipping_info without upload_time');
    RETURN;
  END IF;
  p := p || fahuo.order_key_problems(d -> 'order_key') || fahuo.payer_problems(d -> 'payer');
  IF d - '{order_key,sub_orders,payer}'::pg_catalog.text[] <> '{}' THEN
    p := p || fahuo.unknown_problems(d - '{order_key,sub_orders,payer}'::pg_catalog.text[], 'data.');
  END IF;
  IF jsonb_typeof(d -> 'sub_orders') IS DISTINCT FROM 'array' THEN
    problems := p || fahuo.problem('data.sub_orders', d -> 'sub_orders', fahuo.wanted('sub_orders'));
    RETURN;
  END IF;
  IF jsonb_array_length(d -> 'sub_orders') NOT BETWEEN 1 AND 50 THEN
    problems := p || fahuo.problem('data.sub_orders', d -> 'sub_orders', 'must hold 1 to 50 orders: send one event more for others');
    RETURN;
  END IF;
  parts := '[]';
  FOR i IN 0..jsonb_array_length(d -> 'sub_orders') - 1 LOOP
    part := fahuo.read_part(d -> 'sub_orders' -> i, 'data.sub_orders[' || i || ']');
    p := p || part.problems;
    CONTINUE WHEN p <> '{}';
    key := fahuo.payment_key(part.data -> 'order_key');
    notes := common || part.notes;
    parts := parts || jsonb_build_array(jsonb_build_object(
      'payment', key,
      'e', e || jsonb_build_object('type', 'fahuo.shipment.shipped.v1', 'id', (e ->> 'id') || '#' || key,
        'data', part.data || jsonb_build_object('payer', d -> 'payer')),
      'notes', nullif(array_to_string(notes[:20], E'\n')
        || CASE WHEN cardinality(notes) > 20 THEN E'\nand ' || cardinality(notes) - 20 || ' more' ELSE '' END, '')));
  END LOOP;
  problems := CASE WHEN p = '{}' THEN fahuo.spanning_problems(e, parts) ELSE p END;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.read_combined(text) FROM PUBLIC;
--> statement-breakpoint
-- Writes the parts, or says why one is refused: the caller undoes the others then. In the order of their payments: of two
-- transactions that draw versions of the same payments, one waits for the other, and none for one that waits for it.
CREATE OR REPLACE FUNCTION fahuo.insert_parts(parts jsonb, OUT written jsonb, OUT refusal text)
LANGUAGE plpgsql AS $$
DECLARE
  part pg_catalog.record;
  one pg_catalog.record;
BEGIN
  written := '[]';
  FOR part IN SELECT u.n, u.value ->> 'payment' AS payment, u.value -> 'e' AS e, u.value ->> 'notes' AS notes
    FROM jsonb_array_elements(parts) WITH ORDINALITY AS u (value, n) ORDER BY u.value ->> 'payment' COLLATE "C" LOOP
    one := fahuo.insert_event(part.e, (part.e -> 'data')::pg_catalog.text, part.notes);
    IF one.refusal IS NOT NULL THEN
      refusal := one.refusal;
      RETURN;
    END IF;
    written := written || jsonb_build_array(jsonb_build_object('n', part.n, 'payment', part.payment, 'outbox_id', one.id,
      'version', coalesce((SELECT o.version FROM fahuo.outbox o WHERE o.id = one.id),
        (SELECT u.version FROM fahuo.upload u WHERE u.event_id = part.e ->> 'id' AND u.source = part.e ->> 'source'))));
  END LOOP;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.insert_parts(jsonb) FROM PUBLIC;
--> statement-breakpoint
-- `enqueue` for a combined event: a row for each part, in the order of sub_orders, of the earlier outbox row where the same
-- part came before. Raises as `enqueue` does, and nothing is written then.
CREATE OR REPLACE FUNCTION fahuo.enqueue_combined(event text) RETURNS TABLE (payment text, outbox_id bigint, version integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  read CONSTANT pg_catalog.record := fahuo.read_combined(event);
  inserted pg_catalog.record;
BEGIN
  IF read.problems IS NOT NULL THEN
    RAISE EXCEPTION 'fahuo.enqueue_combined: %', fahuo.describe_problems(read.problems, '; ') USING ERRCODE = 'invalid_parameter_value';
  END IF;
  inserted := fahuo.insert_parts(read.parts);
  IF inserted.refusal IS NOT NULL THEN
    RAISE EXCEPTION 'fahuo.enqueue_combined: %', inserted.refusal USING ERRCODE = 'unique_violation';
  END IF;
  RETURN QUERY SELECT r.payment, r.outbox_id, r.version
    FROM jsonb_to_recordset(inserted.written) AS r (n pg_catalog.int4, payment pg_catalog.text, outbox_id pg_catalog.int8, version pg_catalog.int4)
    ORDER BY r.n;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.enqueue_combined(text) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.enqueue_combined(text) TO fahuo_writer, fahuo_service;
--> statement-breakpoint
-- `offer` for a combined event: no row where it is refused, which fahuo.refused_offer has whole then, by its main order.
CREATE OR REPLACE FUNCTION fahuo.offer_combined(event text) RETURNS TABLE (payment text, outbox_id bigint, version integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  read pg_catalog.record;
  inserted pg_catalog.record;
  refusal pg_catalog.text;
  e pg_catalog.jsonb;
BEGIN
  BEGIN
    read := fahuo.read_combined(event);
    e := read.e;
    refusal := fahuo.describe_problems(read.problems, E'\n');
  EXCEPTION WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
    refusal := 'the event cannot be read: ' || SQLERRM;
  END;
  IF refusal IS NULL THEN
    BEGIN
      inserted := fahuo.insert_parts(read.parts);
      IF inserted.refusal IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'FAH01', MESSAGE = inserted.refusal; -- undoes the parts before it
      END IF;
    EXCEPTION WHEN SQLSTATE 'FAH01' THEN
      refusal := SQLERRM;
    END;
  END IF;
  IF refusal IS NOT NULL THEN
    PERFORM fahuo.refuse_offer(event, e, refusal);
    RETURN;
  END IF;
  RETURN QUERY SELECT r.payment, r.outbox_id, r.version
    FROM jsonb_to_recordset(inserted.written) AS r (n pg_catalog.int4, payment pg_catalog.text, outbox_id pg_catalog.int8, version pg_catalog.int4)
    ORDER BY r.n;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.offer_combined(text) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.offer_combined(text) TO fahuo_writer, fahuo_service;
