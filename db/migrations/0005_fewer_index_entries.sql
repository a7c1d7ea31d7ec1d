DROP INDEX "fahuo"."attempt_upload";--> statement-breakpoint
DROP INDEX "fahuo"."upload_unsettled_by_app";--> statement-breakpoint
ALTER TABLE "fahuo"."attempt" DROP CONSTRAINT "attempt_pkey";--> statement-breakpoint
ALTER TABLE "fahuo"."attempt" ADD CONSTRAINT "attempt_upload_id_id_pk" PRIMARY KEY("upload_id","id");--> statement-breakpoint
CREATE INDEX "upload_unsettled_by_app" ON "fahuo"."upload" USING btree ("appid","state","next_attempt_at") WHERE "fahuo"."upload"."state" in ('unknown', 'parked');