-- The steps of src/apps/budget.ts in one statement: the budget's row is locked for as long as the server computes,
-- never over a round trip, so a client that dies or is cut off holds up nobody. "at" is for tests: the time to use
-- in place of the clock. The clock is read under the lock, so that two calls never see it step back.
CREATE OR REPLACE FUNCTION fahuo.take_budget(
  app text, kind text, wanted integer, per_ms float8, capacity float8, read_per_ms float8, read_capacity float8,
  "at" float8 DEFAULT NULL, OUT granted integer, OUT retry_after_ms float8
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  b fahuo.budget;
  now_ms float8;
  passed_ms float8;
  kept float8 := 0;
  missing integer;
BEGIN
  SELECT * INTO b FROM fahuo.budget WHERE appid = app FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO fahuo.budget (appid) VALUES (app) ON CONFLICT DO NOTHING;
    SELECT * INTO b FROM fahuo.budget WHERE appid = app FOR UPDATE;
  END IF;
  now_ms := coalesce("at", extract(epoch FROM clock_timestamp())::float8 * 1000);
  IF now_ms < b.blocked_until_ms THEN
    granted := 0;
    retry_after_ms := ceil(b.blocked_until_ms - now_ms);
    RETURN;
  END IF;
  IF b.at_ms = 0 THEN
    b.level := 1;
    b.at_ms := now_ms;
    b.read_credit := read_capacity;
    b.read_claim := 0;
  ELSE
    passed_ms := greatest(0, now_ms - b.at_ms);
    b.level := least(capacity, b.level + passed_ms * per_ms);
    b.at_ms := greatest(now_ms, b.at_ms);
    b.read_credit := least(read_capacity, b.read_credit + passed_ms * read_per_ms);
    IF now_ms >= b.claim_until_ms THEN b.read_claim := 0; END IF;
  END IF;
  IF kind = 'write' THEN kept := b.read_claim; END IF;
  granted := greatest(0, least(wanted, floor(b.level - kept)));
  missing := wanted - granted;
  b.level := b.level - granted;
  retry_after_ms := 0;
  IF missing > 0 THEN
    retry_after_ms := greatest(1, ceil(
      (greatest(1, least(missing, floor(capacity / 2))) - (b.level - kept)) / per_ms
    ));
  END IF;
  IF kind = 'read' THEN
    b.read_credit := greatest(0, b.read_credit - granted);
    b.read_claim := least(greatest(missing, b.read_claim - granted), floor(b.read_credit));
    IF missing > 0 THEN b.claim_until_ms := now_ms + retry_after_ms + 250; END IF; -- claimLifeMs
  END IF;
  UPDATE fahuo.budget SET level = b.level, at_ms = b.at_ms, read_credit = b.read_credit,
    read_claim = b.read_claim, claim_until_ms = b.claim_until_ms
  WHERE appid = app;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.take_budget(text, text, integer, float8, float8, float8, float8, float8) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.take_budget(text, text, integer, float8, float8, float8, float8, float8) TO fahuo_service;
