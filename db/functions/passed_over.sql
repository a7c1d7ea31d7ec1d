-- Rows from id "low" to "high" that the journal does not account for: nobody published them, or nobody knows. A move of the
-- cursor wrote its journal entries at one time; between its first and its last id it published as many rows as they count.
-- So a row was passed over if no move spans it, or if it was written after the move that does. Where a move spans more rows
-- than it published, all but the ends of its entries are in doubt: publishing one again is harmless, losing one is not.
CREATE OR REPLACE FUNCTION fahuo.passed_over(low bigint, high bigint) RETURNS TABLE (id bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  WITH moves AS MATERIALIZED (
    SELECT min(j.first_id) AS first, max(j.last_id) AS last, sum(j.count) AS published, j.published_at AS at
    FROM fahuo.relay_journal j
    -- A move spans 100,000 ids at most: whole moves are wanted, also those that reach over an end.
    WHERE j.shard = 0 AND j.first_id >= low - 200000 AND j.first_id <= high + 100000
    GROUP BY j.published_at
    HAVING max(j.last_id) >= low AND min(j.first_id) <= high
  ), checked AS MATERIALIZED (
    SELECT m.first, m.last, m.at, f.found - f.late > m.published AS in_doubt
    FROM moves m, LATERAL (
      SELECT count(*) AS found, count(*) FILTER (WHERE o.created_at > m.at) AS late
      FROM fahuo.outbox o WHERE o.id >= m.first AND o.id <= m.last
        AND NOT EXISTS (SELECT FROM fahuo.relay_parked p WHERE p.outbox_id = o.id AND p.event_id = o.event_id)
    ) f
    WHERE f.late > 0 OR f.found > m.published
  ), gaps AS MATERIALIZED (
    SELECT coalesce(max(m.last) OVER (ORDER BY m.first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), low - 1) AS "after",
      m.first AS "before"
    FROM moves m
    UNION ALL
    SELECT coalesce(max(m.last), low - 1), high + 1 FROM moves m
  )
  SELECT o.id FROM fahuo.outbox o, (
    SELECT o.id FROM gaps g, LATERAL (
      SELECT o.id FROM fahuo.outbox o WHERE o.id > g."after" AND o.id < g."before"
    ) o
    UNION
    SELECT o.id FROM checked c, LATERAL (
      SELECT o.id FROM fahuo.outbox o WHERE o.id >= c.first AND o.id <= c.last AND (o.created_at > c.at OR (c.in_doubt
        AND NOT EXISTS (SELECT FROM fahuo.relay_journal j WHERE j.shard = 0 AND j.first_id = o.id)
        AND NOT EXISTS (SELECT FROM fahuo.relay_journal j
          WHERE j.shard = 0 AND j.first_id > o.id - 100000 AND j.first_id <= o.id AND j.last_id = o.id)))
    ) o
  ) found
  WHERE o.id = found.id AND o.id BETWEEN low AND high
    AND NOT EXISTS (SELECT FROM fahuo.relay_parked p WHERE p.outbox_id = o.id AND p.event_id = o.event_id)
  ORDER BY o.id
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION fahuo.passed_over(bigint, bigint) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION fahuo.passed_over(bigint, bigint) TO fahuo_service;
