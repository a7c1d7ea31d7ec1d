-- The text of one string member, required or not; every refusal names field, value, rule and remedy.
-- Runs under the search_path of fahuo.enqueue, and nobody but the owner may call it by itself.
CREATE OR REPLACE FUNCTION fahuo.member_text(member json, field text, required boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  value pg_catalog.text;
BEGIN
  IF member IS NULL OR json_typeof(member) = 'null' THEN
    IF NOT required THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'fahuo.enqueue: % is missing; the event contract requires it; add it and enqueue again', field
      USING ERRCODE = 'invalid_parameter_value';
  END IF;
  value := member #>> '{}';
  IF json_typeof(member) <> 'string' OR value = '' THEN
    RAISE EXCEPTION 'fahuo.enqueue: % is %; it must be a non-empty string; correct it and enqueue again',
      field, left(member::pg_catalog.text, 80) USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN value;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.member_text(json, text, boolean) FROM PUBLIC;
