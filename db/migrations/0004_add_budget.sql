CREATE TABLE "fahuo"."budget" (
	"appid" text PRIMARY KEY NOT NULL,
	"bucket" json NOT NULL
);
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON fahuo.budget TO fahuo_service;
