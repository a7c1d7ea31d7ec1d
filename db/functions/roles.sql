-- Roles belong to the cluster: another database may have made them, or may be making them at this moment. Who may not
-- make roles needs them made once by an administrator; where they stand nothing more than owning the database is needed.
DO $$
DECLARE
  wanted pg_catalog.text;
  missing pg_catalog.text[] := '{}';
BEGIN
  FOREACH wanted IN ARRAY ARRAY['fahuo_writer', 'fahuo_service'] LOOP
    CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted);
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN missing := missing || format('CREATE ROLE %I NOLOGIN;', wanted);
    END;
  END LOOP;
  IF missing <> '{}' THEN
    RAISE EXCEPTION '% may not create roles, and % missing', quote_ident(current_user),
      CASE cardinality(missing) WHEN 1 THEN 'one is' ELSE 'two are' END
      USING ERRCODE = 'insufficient_privilege', HINT = array_to_string(missing, ' ');
  END IF;
  BEGIN
    GRANT pg_read_all_stats TO fahuo_service; -- names the writer that holds the relay back
  EXCEPTION WHEN insufficient_privilege THEN
    IF NOT pg_has_role('fahuo_service', 'pg_read_all_stats', 'member') THEN
      RAISE NOTICE 'pg_read_all_stats was not granted to fahuo_service: status will not show the query of a slow writer. An administrator may run: GRANT pg_read_all_stats TO fahuo_service;';
    END IF;
  END;
END $$;
--> statement-breakpoint
GRANT USAGE ON SCHEMA fahuo TO fahuo_writer, fahuo_service;
