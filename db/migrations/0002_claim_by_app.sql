DROP INDEX "fahuo"."upload_due";--> statement-breakpoint
DROP INDEX "fahuo"."upload_unsettled";--> statement-breakpoint
CREATE INDEX "upload_due_by_app" ON "fahuo"."upload" USING btree ("appid","next_attempt_at","id") WHERE "fahuo"."upload"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "upload_unsettled_by_app" ON "fahuo"."upload" USING btree ("appid","state","next_attempt_at") WHERE "fahuo"."upload"."state" in ('uploading', 'unknown', 'parked');--> statement-breakpoint
-- Rows change state two or three times and are then left alone: vacuum soon and without naps, or the claim's index
-- scan walks over the dead entries of rows that were claimed before.
ALTER TABLE "fahuo"."upload" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
