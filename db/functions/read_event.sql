-- A text that Postgres cannot hold as it is: \u0000 becomes \u0001, a control character like it, and half a surrogate pair
-- becomes U+FFFF, which the contract refuses like it. An escaped backslash is written as \u005c before, so that what follows
-- a backslash is its escape. U+0001 and U+0002 mark the halves of a pair, so one that stands there already, which no JSON
-- may hold, becomes another that it may not. Asked for such texts alone.
CREATE OR REPLACE FUNCTION fahuo.readable_json(event text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  event := translate(event, E'\x01\x02', E'\x03\x03');
  event := replace(event, E'\\\\', E'\\u005c');
  event := replace(event, E'\\u0000', E'\\u0001');
  event := regexp_replace(event, E'\\\\u([dD][89abAB][0-9a-fA-F]{2})\\\\u([dD][c-fC-F][0-9a-fA-F]{2})', E'\x01\\1\x02\\2', 'g');
  event := regexp_replace(event, E'\\\\u[dD][89a-fA-F][0-9a-fA-F]{2}', E'\\\\uffff', 'g');
  RETURN replace(replace(event, E'\x01', E'\\u'), E'\x02', E'\\u');
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.readable_json(text) FROM PUBLIC;
--> statement-breakpoint
-- Whether a JSON text is nested deeper than 32 levels: of the brackets outside of texts, each turn takes away the innermost.
CREATE OR REPLACE FUNCTION fahuo.is_too_deep(event text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  brackets pg_catalog.text := translate(regexp_replace(event, E'"(?:[^"\\\\]|\\\\.)*"|[^][{}"]+', '', 'g'), '{}', '[]');
BEGIN
  FOR turn IN 1..32 LOOP
    EXIT WHEN brackets = '';
    brackets := replace(brackets, '[]', '');
  END LOOP;
  RETURN brackets <> '';
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.is_too_deep(text) FROM PUBLIC;
--> statement-breakpoint
-- Reads an event once and checks it: `e` in the contract's own form, `data` as it is to be stored (as it came, byte for byte,
-- unless something in it was changed), what was changed, and what is wrong with it (null: nothing).
CREATE OR REPLACE FUNCTION fahuo.read_event(event text, OUT e jsonb, OUT data text, OUT notes text, OUT problems text[])
LANGUAGE plpgsql STABLE AS $$
DECLARE
  as_it_came pg_catalog.jsonb;
  is_readable pg_catalog.bool := true;
  same pg_catalog.record;
BEGIN
  IF event IS NULL THEN
    problems := ARRAY['event', 'null', fahuo.wanted('event')];
    RETURN;
  END IF;
  IF octet_length(event) > 262144 THEN
    problems := ARRAY['event', octet_length(event) || ' bytes', 'must have at most 262144 bytes: send one event'];
    RETURN;
  END IF;
  BEGIN
    e := event::pg_catalog.jsonb;
  EXCEPTION
    WHEN untranslatable_character OR invalid_text_representation THEN
      is_readable := false;
    WHEN statement_too_complex THEN
      problems := ARRAY['event', 'nested', 'must not be nested deeper than 32 levels: send the event alone'];
      RETURN;
    WHEN numeric_value_out_of_range OR program_limit_exceeded THEN
      problems := ARRAY['event', 'out of range', 'must hold no number or member beyond what Postgres can: ' || SQLERRM];
      RETURN;
  END;
  IF NOT is_readable THEN
    BEGIN
      e := fahuo.readable_json(event)::pg_catalog.jsonb;
    EXCEPTION WHEN data_exception OR program_limit_exceeded OR statement_too_complex THEN
      problems := ARRAY['event', 'no JSON', 'must be one JSON object: ' || SQLERRM];
      RETURN;
    END;
  END IF;
  problems := fahuo.event_problems(e);
  IF problems IS NOT NULL THEN
    as_it_came := e;
    same := fahuo.same_meaning(e);
    IF same.notes <> '{}' OR e -> 'version' = 'null' THEN
      e := same.e;
      problems := fahuo.event_problems(e);
    END IF;
    IF problems IS NOT NULL THEN
      IF fahuo.is_too_deep(event) THEN
        problems := ARRAY['event', 'nested', 'must not be nested deeper than 32 levels: send the event alone'];
      END IF;
      RETURN;
    END IF;
    notes := array_to_string(same.notes[:20], E'\n')
      || CASE WHEN cardinality(same.notes) > 20 THEN E'\nand ' || cardinality(same.notes) - 20 || ' more' ELSE '' END;
    notes := nullif(notes, '');
  END IF;
  data := CASE WHEN is_readable AND (as_it_came IS NULL OR as_it_came -> 'data' = e -> 'data')
    THEN (event::pg_catalog.json -> 'data')::pg_catalog.text ELSE (e -> 'data')::pg_catalog.text END;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.read_event(text) FROM PUBLIC;
--> statement-breakpoint
-- Every problem that keeps an event out, with what to do; no row where there is none.
CREATE OR REPLACE FUNCTION fahuo.problems(event text) RETURNS TABLE (field text, value text, rule text, remedy text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  found pg_catalog.record := fahuo.read_event(event);
BEGIN
  IF found.problems[1] = 'type' AND found.e ->> 'type' = 'fahuo.shipment.combined.v1' THEN found := fahuo.read_combined(event); END IF;
  -- Where a rule has no remedy of its own, the rule says what to write.
  RETURN QUERY SELECT found.problems[3 * n + 1], found.problems[3 * n + 2], split_part(found.problems[3 * n + 3], ': ', 1),
    substr(found.problems[3 * n + 3], CASE strpos(found.problems[3 * n + 3], ': ') WHEN 0 THEN 1 ELSE strpos(found.problems[3 * n + 3], ': ') + 2 END)
  FROM generate_series(0, cardinality(found.problems) / 3 - 1) n;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.problems(text) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.problems(text) TO fahuo_writer, fahuo_service;
