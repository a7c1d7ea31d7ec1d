CREATE SCHEMA IF NOT EXISTS "fahuo";
--> statement-breakpoint
CREATE TYPE "fahuo"."adopt_state" AS ENUM('said', 'nothing', 'skipped', 'held', 'proposed', 'failed', 'gone');--> statement-breakpoint
CREATE TYPE "fahuo"."attempt_kind" AS ENUM('send', 'read');--> statement-breakpoint
CREATE TYPE "fahuo"."dead_letter_reason" AS ENUM('undecodable', 'invalid', 'conflict', 'second_correction');--> statement-breakpoint
CREATE TYPE "fahuo"."finding_kind" AS ENUM('not_held', 'lost', 'console_edit');--> statement-breakpoint
CREATE TYPE "fahuo"."park_reason" AS ENUM('payment_not_found', 'conflict', 'not_shippable', 'unreadable', 'unrecognised', 'older_event', 'unrecorded');--> statement-breakpoint
CREATE TYPE "fahuo"."push_phase" AS ENUM('shipped', 'settled');--> statement-breakpoint
CREATE TYPE "fahuo"."receipt_call_kind" AS ENUM('read', 'notify', 'trace', 'query');--> statement-breakpoint
CREATE TYPE "fahuo"."receipt_origin" AS ENUM('shop', 'event', 'trace', 'person');--> statement-breakpoint
CREATE TYPE "fahuo"."receipt_state" AS ENUM('pending', 'sending', 'unknown', 'acknowledged', 'rejected', 'moot', 'forgotten');--> statement-breakpoint
CREATE TYPE "fahuo"."relay_park_reason" AS ENUM('too_large', 'waits_behind', 'passed_over');--> statement-breakpoint
CREATE TYPE "fahuo"."replay_state" AS ENUM('running', 'paused', 'incomplete', 'cancelled', 'done');--> statement-breakpoint
CREATE TYPE "fahuo"."sweep" AS ENUM('recent', 'whole', 'asked');--> statement-breakpoint
CREATE TYPE "fahuo"."trace_state" AS ENUM('waiting', 'following', 'signed', 'ended');--> statement-breakpoint
CREATE TYPE "fahuo"."upload_caution" AS ENUM('forgotten', 'older', 'backfill', 'lost');--> statement-breakpoint
CREATE TYPE "fahuo"."upload_kind" AS ENUM('shipped', 'corrected');--> statement-breakpoint
CREATE TYPE "fahuo"."upload_state" AS ENUM('pending', 'uploading', 'unknown', 'parked', 'acknowledged', 'rejected', 'superseded');--> statement-breakpoint
CREATE TYPE "fahuo"."webhook_state" AS ENUM('waiting', 'sending', 'delivered');--> statement-breakpoint
CREATE TABLE "fahuo"."adopt_backfill" (
	"source" text NOT NULL,
	"kind" text NOT NULL,
	"cursor" text,
	"since" timestamp (3) with time zone,
	"looked" bigint DEFAULT 0 NOT NULL,
	"events" bigint DEFAULT 0 NOT NULL,
	"read_first" boolean DEFAULT false NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "adopt_backfill_source_kind_pk" PRIMARY KEY("source","kind")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."adopt_key" (
	"source" text NOT NULL,
	"kind" text NOT NULL,
	"ref" text NOT NULL,
	"appid" text,
	"payment" text,
	"state" "fahuo"."adopt_state" NOT NULL,
	"detail" text,
	"failures" integer DEFAULT 0 NOT NULL,
	"next_look_at" timestamp (3) with time zone,
	"updated_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "adopt_key_source_kind_ref_pk" PRIMARY KEY("source","kind","ref")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."adopt_payment" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"source" text NOT NULL,
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"state" "fahuo"."adopt_state" NOT NULL,
	"reason" text,
	"detail" text,
	"said" text,
	"version" integer,
	"corrected" boolean DEFAULT false NOT NULL,
	"proposed" text,
	"dismissed" text,
	"read_first" boolean DEFAULT false NOT NULL,
	"write" bigint DEFAULT 0 NOT NULL,
	"touched_at" timestamp (3) with time zone NOT NULL,
	"answered" text,
	"answer_final" boolean DEFAULT false NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fahuo"."adopt_source" (
	"name" text PRIMARY KEY NOT NULL,
	"writes" bigint DEFAULT 0 NOT NULL,
	"owner" text,
	"lease_until" timestamp (3) with time zone,
	"waiting" bigint DEFAULT 0 NOT NULL,
	"waiting_since" timestamp (3) with time zone,
	"looked_at" timestamp (3) with time zone,
	"failure" text,
	"failed_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "fahuo"."budget" (
	"appid" text PRIMARY KEY NOT NULL,
	"level" double precision DEFAULT 0 NOT NULL,
	"at_ms" double precision DEFAULT 0 NOT NULL,
	"read_credit" double precision DEFAULT 0 NOT NULL,
	"read_claim" double precision DEFAULT 0 NOT NULL,
	"claim_until_ms" double precision DEFAULT 0 NOT NULL,
	"blocked_until_ms" double precision DEFAULT 0 NOT NULL,
	"calls_per_second" double precision,
	"answered_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "fahuo"."pause" (
	"appid" text NOT NULL,
	"endpoint" text NOT NULL,
	"errcode" bigint,
	"reason" text NOT NULL,
	"paused_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"resume_at" timestamp (3) with time zone,
	CONSTRAINT "pause_appid_endpoint_pk" PRIMARY KEY("appid","endpoint")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."serving" (
	"appid" text NOT NULL,
	"instance" text NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"unreachable_since" timestamp (3) with time zone,
	"reason" text,
	CONSTRAINT "serving_appid_instance_pk" PRIMARY KEY("appid","instance")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."token" (
	"appid" text NOT NULL,
	"mode" text NOT NULL,
	"sealed" text,
	"expires_at" timestamp (3) with time zone,
	"lock_owner" text,
	"lock_until" timestamp (3) with time zone,
	CONSTRAINT "token_appid_mode_pk" PRIMARY KEY("appid","mode")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."carrier" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"seen_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fahuo"."carrier_alias" (
	"alias" text NOT NULL,
	"carrier_id" text NOT NULL,
	"system" text NOT NULL,
	CONSTRAINT "carrier_alias_alias_carrier_id_pk" PRIMARY KEY("alias","carrier_id")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."carrier_list" (
	"shard" smallint PRIMARY KEY DEFAULT 0 NOT NULL,
	"wanted_at" timestamp (3) with time zone,
	"asked_at" timestamp (3) with time zone,
	"answered_at" timestamp (3) with time zone,
	"refreshed_at" timestamp (3) with time zone,
	"failure" text,
	CONSTRAINT "carrier_list_is_one" CHECK ("fahuo"."carrier_list"."shard" = 0)
);
--> statement-breakpoint
CREATE TABLE "fahuo"."consumer_offset" (
	"consumer_group" text NOT NULL,
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"next_offset" bigint NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "consumer_offset_consumer_group_topic_partition_pk" PRIMARY KEY("consumer_group","topic","partition")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."dead_letter" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"offset" bigint NOT NULL,
	"key" "bytea",
	"value" "bytea",
	"headers" text NOT NULL,
	"message_hash" text NOT NULL,
	"reason" "fahuo"."dead_letter_reason" NOT NULL,
	"detail" text NOT NULL,
	"event_id" text,
	"type" text,
	"source" text,
	"appid" text,
	"payment" text,
	"version" integer,
	"received_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"published_at" timestamp (3) with time zone,
	"leased_until" timestamp (3) with time zone,
	"redriven_at" timestamp (3) with time zone,
	"redriven_by" text,
	"redriven_event" text
);
--> statement-breakpoint
CREATE TABLE "fahuo"."deployment" (
	"shard" smallint PRIMARY KEY DEFAULT 0 NOT NULL,
	"id" uuid DEFAULT gen_random_uuid() NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"older_accepted_at" timestamp (3) with time zone,
	"carrier_aliases" boolean DEFAULT false NOT NULL,
	"acknowledgement_rows" boolean DEFAULT true NOT NULL,
	CONSTRAINT "deployment_is_one" CHECK ("fahuo"."deployment"."shard" = 0)
);
--> statement-breakpoint
CREATE TABLE "fahuo"."group_taken" (
	"group_id" text NOT NULL,
	"topic" text NOT NULL,
	"from_database" uuid NOT NULL,
	"taken_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "group_taken_group_id_topic_from_database_pk" PRIMARY KEY("group_id","topic","from_database")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."maintenance" (
	"name" text PRIMARY KEY NOT NULL,
	"cursor" bigint DEFAULT 0 NOT NULL,
	"owner" text,
	"lease_until" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "fahuo"."drawn_version" (
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"version" integer NOT NULL,
	"drawn_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "drawn_version_payment_appid_pk" PRIMARY KEY("payment","appid")
);
--> statement-breakpoint
CREATE SEQUENCE "fahuo"."outbox_id_seq" AS bigint CACHE 1;
--> statement-breakpoint
CREATE TABLE "fahuo"."outbox" (
	"id" bigint PRIMARY KEY DEFAULT nextval('fahuo.outbox_id_seq') NOT NULL,
	"event_id" text NOT NULL,
	"type" text NOT NULL,
	"source" text NOT NULL,
	"event_time" text NOT NULL,
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"version" integer,
	"reason" text,
	"approved_by" text,
	"traceparent" text,
	"data" text NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"notes" text,
	CONSTRAINT "outbox_data_fits_kafka" CHECK (octet_length("fahuo"."outbox"."data") <= 262144),
	CONSTRAINT "outbox_version_positive" CHECK ("fahuo"."outbox"."version" >= 1),
	CONSTRAINT "outbox_event_id_length" CHECK (length("fahuo"."outbox"."event_id") between 1 and 128),
	CONSTRAINT "outbox_headers_length" CHECK (length("fahuo"."outbox"."type") <= 128 and length("fahuo"."outbox"."source") <= 256),
	CONSTRAINT "outbox_texts_length" CHECK (length(coalesce("fahuo"."outbox"."reason", '')) <= 1000 and length(coalesce("fahuo"."outbox"."approved_by", '')) <= 256 and length(coalesce("fahuo"."outbox"."traceparent", '')) <= 256 and length("fahuo"."outbox"."event_time") <= 64),
	CONSTRAINT "outbox_payment_length" CHECK (length("fahuo"."outbox"."appid") between 1 and 64 and length("fahuo"."outbox"."payment") between 1 and 128)
) PARTITION BY RANGE ("id");
--> statement-breakpoint
CREATE TABLE "fahuo"."refused_offer" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"event" text NOT NULL,
	"bytes" integer NOT NULL,
	"event_id" text,
	"type" text,
	"source" text,
	"appid" text,
	"payment" text,
	"version" integer,
	"detail" text NOT NULL,
	"offered_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fahuo"."payment" (
	"appid" text NOT NULL,
	"transaction_id" text NOT NULL,
	"mchid" text,
	"sub_mchid" text,
	"out_trade_no" text,
	"openid" text,
	"amount_fen" bigint,
	"paid_at" timestamp (3) with time zone,
	"order_state" smallint,
	"in_complaint" boolean,
	"finish_count" smallint,
	"logistics_type" smallint,
	"shipped_at" timestamp (3) with time zone,
	"expected_settlement_at" timestamp (3) with time zone,
	"confirm_method" smallint,
	"confirmed_at" timestamp (3) with time zone,
	"settled_at" timestamp (3) with time zone,
	"reminded_at" timestamp (3) with time zone,
	"read_at" timestamp (3) with time zone,
	"unshipped" boolean GENERATED ALWAYS AS (coalesce(order_state, 1) = 1 and shipped_at is null and confirmed_at is null and settled_at is null) STORED,
	"first_seen_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "payment_transaction_id_appid_pk" PRIMARY KEY("transaction_id","appid"),
	CONSTRAINT "payment_state_known" CHECK ("fahuo"."payment"."order_state" between 1 and 6)
);
--> statement-breakpoint
CREATE TABLE "fahuo"."push_event" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"appid" text NOT NULL,
	"key" text NOT NULL,
	"event" text NOT NULL,
	"phase" "fahuo"."push_phase",
	"transaction_id" text,
	"mchid" text,
	"out_trade_no" text,
	"body" text NOT NULL,
	"created_at" timestamp (3) with time zone,
	"received_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"applied_at" timestamp (3) with time zone,
	"failure" text,
	"tries" smallint DEFAULT 0 NOT NULL,
	"next_try_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "push_event_phase_of_settlement" CHECK (("fahuo"."push_event"."phase" is not null) = ("fahuo"."push_event"."event" = 'trade_manage_order_settlement'))
);
--> statement-breakpoint
CREATE TABLE "fahuo"."reconcile_wish" (
	"appid" text NOT NULL,
	"transaction_id" text NOT NULL,
	"asked_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"odd_answers" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "reconcile_wish_appid_transaction_id_pk" PRIMARY KEY("appid","transaction_id")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."receipt" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"transaction_id" text,
	"received_at" timestamp (3) with time zone NOT NULL,
	"origin" "fahuo"."receipt_origin" NOT NULL,
	"event_id" text,
	"source" text,
	"state" "fahuo"."receipt_state" DEFAULT 'pending' NOT NULL,
	"next_attempt_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"owner" text,
	"waits" integer DEFAULT 0 NOT NULL,
	"sends" integer DEFAULT 0 NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"errcode" bigint,
	"errmsg" text,
	"rid" text,
	"detail" text,
	"asked_by" text,
	"created_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "receipt_final_has_time" CHECK (("fahuo"."receipt"."state" in ('acknowledged', 'rejected', 'moot')) = ("fahuo"."receipt"."finished_at" is not null)),
	CONSTRAINT "receipt_sending_has_intent" CHECK ("fahuo"."receipt"."state" not in ('sending', 'unknown') or ("fahuo"."receipt"."sends" > 0 and "fahuo"."receipt"."sent_at" is not null)),
	CONSTRAINT "receipt_event_has_source" CHECK (("fahuo"."receipt"."event_id" is null) = ("fahuo"."receipt"."source" is null))
);
--> statement-breakpoint
CREATE TABLE "fahuo"."receipt_call" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"kind" "fahuo"."receipt_call_kind" NOT NULL,
	"outcome" text NOT NULL,
	"tracking_no" text,
	"status" integer,
	"http_status" integer,
	"errcode" bigint,
	"errmsg" text,
	"rid" text,
	"failure" text,
	"duration_ms" integer NOT NULL,
	"called_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fahuo"."receipt_event" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"event_id" text NOT NULL,
	"source" text NOT NULL,
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	"event_time" text NOT NULL,
	"traceparent" text,
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"offset" bigint NOT NULL,
	"notes" text,
	"arrived_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"late" boolean NOT NULL,
	"open_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "fahuo"."trace" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"state" "fahuo"."trace_state" DEFAULT 'waiting' NOT NULL,
	"sealed_phone" text,
	"parcels" jsonb DEFAULT '[]' NOT NULL,
	"next_attempt_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"owner" text,
	"waits" integer DEFAULT 0 NOT NULL,
	"detail" text,
	"created_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "trace_forgets_phone" CHECK (("fahuo"."trace"."state" = 'waiting') = ("fahuo"."trace"."sealed_phone" is not null)),
	CONSTRAINT "trace_final_has_time" CHECK (("fahuo"."trace"."state" in ('signed', 'ended')) = ("fahuo"."trace"."finished_at" is not null))
);
--> statement-breakpoint
CREATE TABLE "fahuo"."loose_payment" (
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	CONSTRAINT "loose_payment_payment_appid_pk" PRIMARY KEY("payment","appid")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."noticed" (
	"shard" smallint PRIMARY KEY DEFAULT 0 NOT NULL,
	"upload_id" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "noticed_is_one" CHECK ("fahuo"."noticed"."shard" = 0)
);
--> statement-breakpoint
CREATE TABLE "fahuo"."reconcile_finding" (
	"appid" text NOT NULL,
	"transaction_id" text NOT NULL,
	"kind" "fahuo"."finding_kind" NOT NULL,
	"upload_id" bigint,
	"shown" text,
	"first_seen_at" timestamp (3) with time zone NOT NULL,
	"seen_at" timestamp (3) with time zone NOT NULL,
	"confirmed_at" timestamp (3) with time zone,
	"offers" integer DEFAULT 0 NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "reconcile_finding_transaction_id_appid_kind_pk" PRIMARY KEY("transaction_id","appid","kind")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."reconcile_sweep" (
	"appid" text NOT NULL,
	"sweep" "fahuo"."sweep" NOT NULL,
	"watermark" timestamp (3) with time zone,
	"pass_until" timestamp (3) with time zone,
	"window_begin" timestamp (3) with time zone,
	"window_end" timestamp (3) with time zone,
	"cursor" text,
	"owner" text,
	"lease_until" timestamp (3) with time zone,
	"next_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"failures" smallint DEFAULT 0 NOT NULL,
	"failure" text,
	"started_at" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone,
	"listed" bigint DEFAULT 0 NOT NULL,
	"offered" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "reconcile_sweep_appid_sweep_pk" PRIMARY KEY("appid","sweep"),
	CONSTRAINT "reconcile_sweep_window" CHECK (("fahuo"."reconcile_sweep"."window_begin" is null) = ("fahuo"."reconcile_sweep"."window_end" is null))
);
--> statement-breakpoint
CREATE TABLE "fahuo"."relay_cursor" (
	"shard" smallint PRIMARY KEY NOT NULL,
	"cursor" bigint DEFAULT 0 NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"owner" text,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "fahuo"."relay_journal" (
	"shard" smallint NOT NULL,
	"first_id" bigint NOT NULL,
	"last_id" bigint NOT NULL,
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"partition_count" integer NOT NULL,
	"base_offset" bigint NOT NULL,
	"count" integer NOT NULL,
	"published_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "relay_journal_shard_first_id_topic_partition_pk" PRIMARY KEY("shard","first_id","topic","partition"),
	CONSTRAINT "relay_journal_range" CHECK ("fahuo"."relay_journal"."first_id" <= "fahuo"."relay_journal"."last_id" and "fahuo"."relay_journal"."count" >= 1)
);
--> statement-breakpoint
CREATE TABLE "fahuo"."relay_parked" (
	"outbox_id" bigint NOT NULL,
	"event_id" text NOT NULL,
	"type" text NOT NULL,
	"source" text NOT NULL,
	"event_time" text NOT NULL,
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"version" integer,
	"reason" text,
	"approved_by" text,
	"traceparent" text,
	"data" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"park_reason" "fahuo"."relay_park_reason" NOT NULL,
	"parked_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"released_at" timestamp (3) with time zone,
	"topic" text,
	"partition" integer,
	"offset" bigint,
	"published_at" timestamp (3) with time zone,
	CONSTRAINT "relay_parked_outbox_id_event_id_pk" PRIMARY KEY("outbox_id","event_id"),
	CONSTRAINT "relay_parked_published_has_place" CHECK (("fahuo"."relay_parked"."published_at" is null) = ("fahuo"."relay_parked"."offset" is null) and ("fahuo"."relay_parked"."topic" is null) = ("fahuo"."relay_parked"."offset" is null) and ("fahuo"."relay_parked"."partition" is null) = ("fahuo"."relay_parked"."offset" is null))
);
--> statement-breakpoint
CREATE TABLE "fahuo"."replay" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"selection" text NOT NULL,
	"topic" text NOT NULL,
	"ranges" jsonb NOT NULL,
	"retry_ids" bigint[] NOT NULL,
	"state" "fahuo"."replay_state" DEFAULT 'running' NOT NULL,
	"rate" integer,
	"inserted" bigint DEFAULT 0 NOT NULL,
	"duplicate" bigint DEFAULT 0 NOT NULL,
	"superseded" bigint DEFAULT 0 NOT NULL,
	"dead" bigint DEFAULT 0 NOT NULL,
	"retried" bigint DEFAULT 0 NOT NULL,
	"unread" jsonb,
	"started_by" text NOT NULL,
	"started_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"owner" text,
	"lease_until" timestamp (3) with time zone,
	"finished_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "fahuo"."attempt" (
	"id" bigserial NOT NULL,
	"upload_id" bigint NOT NULL,
	"number" integer NOT NULL,
	"kind" "fahuo"."attempt_kind" NOT NULL,
	"outcome" text NOT NULL,
	"upload_time" timestamp (3) with time zone,
	"http_status" integer,
	"errcode" bigint,
	"errmsg" text,
	"rid" text,
	"failure" text,
	"answer" text,
	"duration_ms" integer,
	"owner" text,
	"finished_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "attempt_upload_id_id_pk" PRIMARY KEY("upload_id","id")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."payment_alias" (
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"transaction_id" text,
	"learned_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "payment_alias_appid_payment_pk" PRIMARY KEY("appid","payment")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."tombstone" (
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"last_version" integer NOT NULL,
	"finished" boolean NOT NULL,
	"chance_spent" boolean NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "tombstone_payment_appid_pk" PRIMARY KEY("payment","appid")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."upload" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"version" integer NOT NULL,
	"kind" "fahuo"."upload_kind" NOT NULL,
	"event_id" text NOT NULL,
	"source" text NOT NULL,
	"event_time" text NOT NULL,
	"reason" text,
	"approved_by" text,
	"traceparent" text,
	"topic" text NOT NULL,
	"partition" integer NOT NULL,
	"offset" bigint NOT NULL,
	"body" text NOT NULL,
	"body_hash" text NOT NULL,
	"delta_body" text,
	"state" "fahuo"."upload_state" DEFAULT 'pending' NOT NULL,
	"park_reason" "fahuo"."park_reason",
	"next_attempt_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"absent_reads" smallint DEFAULT 0 NOT NULL,
	"failed_reads" smallint DEFAULT 0 NOT NULL,
	"unread_since" timestamp (3) with time zone,
	"first_sent_at" timestamp (3) with time zone,
	"lease_owner" text,
	"lease_epoch" bigint DEFAULT 0 NOT NULL,
	"lease_until" timestamp (3) with time zone,
	"upload_time" timestamp (3) with time zone,
	"errcode" bigint,
	"errmsg" text,
	"rid" text,
	"detail" text,
	"received_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"finished_at" timestamp (3) with time zone,
	"resolved_by" text,
	"caution" "fahuo"."upload_caution",
	"notes" text,
	CONSTRAINT "upload_parked_has_reason" CHECK (("fahuo"."upload"."state" = 'parked') = ("fahuo"."upload"."park_reason" is not null)),
	CONSTRAINT "upload_leased_while_uploading" CHECK ("fahuo"."upload"."state" <> 'uploading' or ("fahuo"."upload"."lease_owner" is not null and "fahuo"."upload"."lease_until" is not null and "fahuo"."upload"."upload_time" is not null)),
	CONSTRAINT "upload_final_has_time" CHECK (("fahuo"."upload"."state" in ('acknowledged', 'rejected', 'superseded')) = ("fahuo"."upload"."finished_at" is not null)),
	CONSTRAINT "upload_correction_is_approved" CHECK ("fahuo"."upload"."kind" <> 'corrected' or ("fahuo"."upload"."reason" is not null and "fahuo"."upload"."approved_by" is not null)),
	CONSTRAINT "upload_version_positive" CHECK ("fahuo"."upload"."version" >= 1)
);
--> statement-breakpoint
CREATE TABLE "fahuo"."upload_repeat" (
	"event_id" text NOT NULL,
	"source" text NOT NULL,
	"upload_id" bigint NOT NULL,
	"received_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "upload_repeat_event_id_source_pk" PRIMARY KEY("event_id","source")
);
--> statement-breakpoint
CREATE TABLE "fahuo"."webhook_delivery" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"webhook_id" text NOT NULL,
	"type" text NOT NULL,
	"event_time" text NOT NULL,
	"appid" text NOT NULL,
	"payment" text NOT NULL,
	"data" text NOT NULL,
	"state" "fahuo"."webhook_state" DEFAULT 'waiting' NOT NULL,
	"next_attempt_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"epoch" bigint DEFAULT 0 NOT NULL,
	"owner" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"detail" text,
	"received_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"delivered_at" timestamp (3) with time zone,
	CONSTRAINT "webhook_delivered_has_time" CHECK (("fahuo"."webhook_delivery"."state" = 'delivered') = ("fahuo"."webhook_delivery"."delivered_at" is not null)),
	CONSTRAINT "webhook_sending_has_owner" CHECK (("fahuo"."webhook_delivery"."state" = 'sending') = ("fahuo"."webhook_delivery"."owner" is not null))
);
--> statement-breakpoint
CREATE TABLE "fahuo"."webhook_endpoint" (
	"shard" smallint PRIMARY KEY DEFAULT 0 NOT NULL,
	"origin" text,
	"fingerprint" text,
	"suspects" text[] DEFAULT '{}' NOT NULL,
	"failing_since" timestamp (3) with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	"retry_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	"reason" text,
	"paused_at" timestamp (3) with time zone,
	"forgotten" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "webhook_endpoint_is_one" CHECK ("fahuo"."webhook_endpoint"."shard" = 0),
	CONSTRAINT "webhook_paused_has_reason" CHECK ("fahuo"."webhook_endpoint"."paused_at" is null or "fahuo"."webhook_endpoint"."reason" is not null)
);
--> statement-breakpoint
CREATE INDEX "adopt_key_payment" ON "fahuo"."adopt_key" USING btree ("payment","appid","source");--> statement-breakpoint
CREATE INDEX "adopt_key_due" ON "fahuo"."adopt_key" USING btree ("source","next_look_at") WHERE "fahuo"."adopt_key"."next_look_at" is not null;--> statement-breakpoint
CREATE INDEX "adopt_key_state" ON "fahuo"."adopt_key" USING btree ("source","state");--> statement-breakpoint
CREATE INDEX "adopt_key_age" ON "fahuo"."adopt_key" USING btree ("updated_at");--> statement-breakpoint
CREATE UNIQUE INDEX "adopt_payment_key" ON "fahuo"."adopt_payment" USING btree ("payment","appid","source");--> statement-breakpoint
CREATE INDEX "adopt_payment_unanswered" ON "fahuo"."adopt_payment" USING btree ("source","id") WHERE not "fahuo"."adopt_payment"."answer_final";--> statement-breakpoint
CREATE INDEX "adopt_payment_waiting" ON "fahuo"."adopt_payment" USING btree ("source","state","updated_at") WHERE "fahuo"."adopt_payment"."state" in ('held', 'proposed');--> statement-breakpoint
CREATE INDEX "adopt_payment_age" ON "fahuo"."adopt_payment" USING btree ("updated_at");--> statement-breakpoint
CREATE INDEX "carrier_alias_carrier" ON "fahuo"."carrier_alias" USING btree ("carrier_id");--> statement-breakpoint
CREATE UNIQUE INDEX "dead_letter_offset" ON "fahuo"."dead_letter" USING btree ("topic","partition","offset","message_hash");--> statement-breakpoint
CREATE INDEX "dead_letter_event" ON "fahuo"."dead_letter" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "dead_letter_payment" ON "fahuo"."dead_letter" USING btree ("payment");--> statement-breakpoint
CREATE INDEX "dead_letter_out_trade_no" ON "fahuo"."dead_letter" USING btree (split_part("payment", ':', 2)) WHERE strpos("fahuo"."dead_letter"."payment", ':') > 0;--> statement-breakpoint
CREATE INDEX "dead_letter_open" ON "fahuo"."dead_letter" USING btree ("id") WHERE "fahuo"."dead_letter"."redriven_at" is null;--> statement-breakpoint
CREATE INDEX "dead_letter_unpublished" ON "fahuo"."dead_letter" USING btree ("id") WHERE "fahuo"."dead_letter"."published_at" is null;--> statement-breakpoint
CREATE INDEX "drawn_version_age" ON "fahuo"."drawn_version" USING btree ("drawn_at");--> statement-breakpoint
CREATE INDEX "outbox_payment" ON "fahuo"."outbox" USING btree ("payment");--> statement-breakpoint
CREATE INDEX "outbox_event" ON "fahuo"."outbox" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "outbox_out_trade_no" ON "fahuo"."outbox" USING btree (split_part("payment", ':', 2)) WHERE strpos("fahuo"."outbox"."payment", ':') > 0;--> statement-breakpoint
CREATE INDEX "refused_offer_payment" ON "fahuo"."refused_offer" USING btree ("payment");--> statement-breakpoint
CREATE INDEX "refused_offer_event" ON "fahuo"."refused_offer" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "refused_offer_out_trade_no" ON "fahuo"."refused_offer" USING btree (split_part("payment", ':', 2)) WHERE strpos("fahuo"."refused_offer"."payment", ':') > 0;--> statement-breakpoint
CREATE INDEX "payment_merchant" ON "fahuo"."payment" USING btree ("mchid","out_trade_no") WHERE "fahuo"."payment"."out_trade_no" is not null;--> statement-breakpoint
CREATE INDEX "payment_sub_merchant" ON "fahuo"."payment" USING btree ("sub_mchid","out_trade_no") WHERE "fahuo"."payment"."sub_mchid" is not null;--> statement-breakpoint
CREATE INDEX "payment_unshipped" ON "fahuo"."payment" USING btree ("appid","paid_at") WHERE "fahuo"."payment"."unshipped";--> statement-breakpoint
CREATE INDEX "payment_age" ON "fahuo"."payment" USING btree ("first_seen_at");--> statement-breakpoint
CREATE UNIQUE INDEX "push_event_key" ON "fahuo"."push_event" USING btree ("appid","key");--> statement-breakpoint
CREATE INDEX "push_event_waiting" ON "fahuo"."push_event" USING btree ("next_try_at","id") WHERE "fahuo"."push_event"."applied_at" is null;--> statement-breakpoint
CREATE INDEX "push_event_warning" ON "fahuo"."push_event" USING btree ("received_at") WHERE "fahuo"."push_event"."event" in ('trade_manage_remind_access_api', 'wxa_trade_controlled');--> statement-breakpoint
CREATE UNIQUE INDEX "receipt_payment" ON "fahuo"."receipt" USING btree ("payment","appid");--> statement-breakpoint
CREATE UNIQUE INDEX "receipt_transaction" ON "fahuo"."receipt" USING btree ("transaction_id","appid") WHERE "fahuo"."receipt"."transaction_id" is not null;--> statement-breakpoint
CREATE INDEX "receipt_due" ON "fahuo"."receipt" USING btree ("appid","next_attempt_at") WHERE "fahuo"."receipt"."state" in ('pending', 'sending', 'unknown');--> statement-breakpoint
CREATE INDEX "receipt_finished" ON "fahuo"."receipt" USING btree ("finished_at") WHERE "fahuo"."receipt"."finished_at" is not null;--> statement-breakpoint
CREATE INDEX "receipt_call_payment" ON "fahuo"."receipt_call" USING btree ("payment","appid","id");--> statement-breakpoint
CREATE UNIQUE INDEX "receipt_event_event" ON "fahuo"."receipt_event" USING btree ("event_id","source");--> statement-breakpoint
CREATE INDEX "receipt_event_payment" ON "fahuo"."receipt_event" USING btree ("payment");--> statement-breakpoint
CREATE INDEX "receipt_event_out_trade_no" ON "fahuo"."receipt_event" USING btree (split_part("payment", ':', 2)) WHERE strpos("fahuo"."receipt_event"."payment", ':') > 0;--> statement-breakpoint
CREATE INDEX "receipt_event_open" ON "fahuo"."receipt_event" USING btree ("appid","open_at") WHERE "fahuo"."receipt_event"."open_at" is not null;--> statement-breakpoint
CREATE INDEX "receipt_event_late" ON "fahuo"."receipt_event" USING btree ("arrived_at") WHERE "fahuo"."receipt_event"."late";--> statement-breakpoint
CREATE UNIQUE INDEX "trace_payment" ON "fahuo"."trace" USING btree ("payment","appid");--> statement-breakpoint
CREATE INDEX "trace_due" ON "fahuo"."trace" USING btree ("appid","next_attempt_at") WHERE "fahuo"."trace"."state" in ('waiting', 'following');--> statement-breakpoint
CREATE INDEX "trace_finished" ON "fahuo"."trace" USING btree ("finished_at") WHERE "fahuo"."trace"."finished_at" is not null;--> statement-breakpoint
CREATE INDEX "reconcile_finding_open" ON "fahuo"."reconcile_finding" USING btree ("appid","first_seen_at") WHERE "fahuo"."reconcile_finding"."ended_at" is null;--> statement-breakpoint
CREATE INDEX "reconcile_finding_age" ON "fahuo"."reconcile_finding" USING btree ("seen_at");--> statement-breakpoint
CREATE INDEX "relay_journal_offset" ON "fahuo"."relay_journal" USING btree ("topic","partition","base_offset");--> statement-breakpoint
CREATE INDEX "relay_parked_open" ON "fahuo"."relay_parked" USING btree ("payment","outbox_id") WHERE "fahuo"."relay_parked"."published_at" is null;--> statement-breakpoint
CREATE INDEX "relay_parked_payment" ON "fahuo"."relay_parked" USING btree ("payment");--> statement-breakpoint
CREATE INDEX "relay_parked_event" ON "fahuo"."relay_parked" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "relay_parked_out_trade_no" ON "fahuo"."relay_parked" USING btree (split_part("payment", ':', 2)) WHERE strpos("fahuo"."relay_parked"."payment", ':') > 0;--> statement-breakpoint
CREATE INDEX "payment_alias_transaction" ON "fahuo"."payment_alias" USING btree ("appid","transaction_id");--> statement-breakpoint
CREATE UNIQUE INDEX "upload_event" ON "fahuo"."upload" USING btree ("event_id","source");--> statement-breakpoint
CREATE UNIQUE INDEX "upload_payment_version" ON "fahuo"."upload" USING btree ("payment","appid","version");--> statement-breakpoint
CREATE INDEX "upload_out_trade_no" ON "fahuo"."upload" USING btree (split_part("payment", ':', 2)) WHERE strpos("fahuo"."upload"."payment", ':') > 0;--> statement-breakpoint
CREATE UNIQUE INDEX "upload_one_in_flight" ON "fahuo"."upload" USING btree ("appid","payment") WHERE "fahuo"."upload"."state" in ('uploading', 'unknown');--> statement-breakpoint
CREATE UNIQUE INDEX "upload_one_correction" ON "fahuo"."upload" USING btree ("appid","payment") WHERE "fahuo"."upload"."kind" = 'corrected' and "fahuo"."upload"."state" not in ('rejected', 'superseded');--> statement-breakpoint
CREATE INDEX "upload_due_by_app" ON "fahuo"."upload" USING btree ("appid","next_attempt_at","id") WHERE "fahuo"."upload"."state" = 'pending';--> statement-breakpoint
CREATE INDEX "upload_unsettled_by_app" ON "fahuo"."upload" USING btree ("appid","state","next_attempt_at") WHERE "fahuo"."upload"."state" in ('unknown', 'parked');--> statement-breakpoint
CREATE INDEX "upload_older_waiting" ON "fahuo"."upload" USING btree ("id") WHERE "fahuo"."upload"."caution" = 'older' and "fahuo"."upload"."state" = 'pending' and "fahuo"."upload"."next_attempt_at" = 'infinity';--> statement-breakpoint
CREATE INDEX "upload_rejected" ON "fahuo"."upload" USING btree ("id") WHERE "fahuo"."upload"."state" = 'rejected';--> statement-breakpoint
CREATE INDEX "upload_repeat_upload" ON "fahuo"."upload_repeat" USING btree ("upload_id");--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_delivery_id" ON "fahuo"."webhook_delivery" USING btree ("webhook_id");--> statement-breakpoint
CREATE INDEX "webhook_delivery_due" ON "fahuo"."webhook_delivery" USING btree ("next_attempt_at","id") WHERE "fahuo"."webhook_delivery"."state" in ('waiting', 'sending');--> statement-breakpoint
CREATE INDEX "webhook_delivery_open" ON "fahuo"."webhook_delivery" USING btree ("payment","appid","id") WHERE "fahuo"."webhook_delivery"."state" in ('waiting', 'sending');--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_one_in_flight" ON "fahuo"."webhook_delivery" USING btree ("payment","appid") WHERE "fahuo"."webhook_delivery"."state" = 'sending';--> statement-breakpoint
CREATE INDEX "webhook_delivery_payment" ON "fahuo"."webhook_delivery" USING btree ("payment","appid");--> statement-breakpoint
CREATE INDEX "webhook_delivery_delivered" ON "fahuo"."webhook_delivery" USING btree ("delivered_at") WHERE "fahuo"."webhook_delivery"."state" = 'delivered';