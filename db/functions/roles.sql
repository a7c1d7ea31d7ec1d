-- Roles belong to the cluster: another database may have made them, or may be making them at this moment.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['fahuo_writer', 'fahuo_service'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
  BEGIN
    GRANT pg_read_all_stats TO fahuo_service; -- names the writer that holds the relay back
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'pg_read_all_stats was not granted to fahuo_service: status will not show the query of a slow writer';
  END;
END $$;
--> statement-breakpoint
GRANT USAGE ON SCHEMA fahuo TO fahuo_writer, fahuo_service;
