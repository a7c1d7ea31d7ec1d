-- What drizzle cannot declare of the tables: partitions of the outbox, the cursor's row, storage, the service's rights.
CREATE TABLE fahuo.outbox_p0 PARTITION OF fahuo.outbox FOR VALUES FROM (MINVALUE) TO (1000000);
--> statement-breakpoint
CREATE TABLE fahuo.outbox_p1 PARTITION OF fahuo.outbox FOR VALUES FROM (1000000) TO (2000000);
--> statement-breakpoint
CREATE TABLE fahuo.outbox_default PARTITION OF fahuo.outbox DEFAULT;
--> statement-breakpoint
-- One row a partition, rewritten with every chunk: room for its versions on its own page.
ALTER TABLE fahuo.consumer_offset SET (fillfactor = 50);
--> statement-breakpoint
INSERT INTO fahuo.relay_cursor (shard) VALUES (0);
--> statement-breakpoint
-- Rows change state two or three times and are then left alone: vacuum soon and without naps, or the claim's index
-- scan walks over the dead entries of rows that were claimed before.
ALTER TABLE fahuo.upload SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
-- Retention deletes from their front: without a vacuum soon, each look for the oldest row walks over what was there.
ALTER TABLE fahuo.attempt SET (autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
ALTER TABLE fahuo.dead_letter SET (autovacuum_vacuum_scale_factor = 0.05);
--> statement-breakpoint
INSERT INTO fahuo.deployment DEFAULT VALUES;
--> statement-breakpoint
INSERT INTO fahuo.maintenance (name) VALUES ('retention');
--> statement-breakpoint
INSERT INTO fahuo.carrier_list DEFAULT VALUES;
--> statement-breakpoint
INSERT INTO fahuo.noticed DEFAULT VALUES;
--> statement-breakpoint
INSERT INTO fahuo.webhook_endpoint DEFAULT VALUES;
--> statement-breakpoint
-- Each row changes its state twice and is then left alone.
ALTER TABLE fahuo.webhook_delivery SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA fahuo TO fahuo_service;
--> statement-breakpoint
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA fahuo TO fahuo_service;
--> statement-breakpoint
-- Which migrations were applied is for all to read, since new code refuses an old schema, and for the owner to write.
REVOKE INSERT, UPDATE, DELETE ON fahuo.migrations FROM fahuo_service;
--> statement-breakpoint
GRANT SELECT ON fahuo.migrations TO fahuo_writer;
