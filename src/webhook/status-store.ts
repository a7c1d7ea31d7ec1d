import type { Queryable } from '../../db/client.ts';
import { healthy } from './store.ts';

/** What a person asks of the webhook; null where no address was ever set. */
export type WebhookHealth = {
  origin: string;
  waiting: number;
  waitingSeconds: number;
  /** Payments whose first answer was refused for what it is. */
  refused: number;
  failingSince: Date | null;
  pausedAt: Date | null;
  reason: string | null;
  deliveredAt: Date | null;
  /** Dropped untaken, for their age. */
  forgotten: number;
};

export async function readWebhookHealth(db: Queryable): Promise<WebhookHealth | null> {
  const { rows } = await db.query<WebhookHealth>(
    `select e.origin, w.waiting, w.seconds as "waitingSeconds", w.refused, e.failing_since as "failingSince",
       e.paused_at as "pausedAt", e.reason, e.forgotten,
       (select delivered_at from fahuo.webhook_delivery where state = 'delivered' order by delivered_at desc limit 1)
         as "deliveredAt"
     from fahuo.webhook_endpoint e, lateral (
       select count(*)::int as waiting, count(*) filter (where attempts > 0)::int as refused,
         coalesce(extract(epoch from clock_timestamp() - min(received_at)), 0)::float8 as seconds
       from fahuo.webhook_delivery where state in ('waiting', 'sending')
     ) w where e.origin is not null`,
  );
  return rows[0] ?? null;
}

export type RefusedDelivery = {
  appid: string;
  payment: string;
  webhookId: string;
  attempts: number;
  detail: string | null;
  nextAttemptAt: Date;
};

/** Those that were refused for what they are, the next to be tried first. */
export async function readRefused(db: Queryable, limit: number): Promise<RefusedDelivery[]> {
  const { rows } = await db.query<RefusedDelivery>(
    `select appid, payment, webhook_id as "webhookId", attempts, detail, next_attempt_at as "nextAttemptAt"
     from fahuo.webhook_delivery where state in ('waiting', 'sending') and attempts > 0
     order by next_attempt_at, id limit $1`,
    [limit],
  );
  return rows;
}

/** Lifts the pause, and what was refused is tried at once. Says whether it was paused. */
export async function resumeWebhook(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ paused: boolean }>(
    `with before as (
       select paused_at is not null as paused from fahuo.webhook_endpoint
     ), anew as (
       update fahuo.webhook_endpoint set ${healthy}, paused_at = null
     ), due as (
       update fahuo.webhook_delivery set attempts = 0, next_attempt_at = clock_timestamp()
       where state = 'waiting' and attempts > 0
     ) select paused from before`,
  );
  return rows[0]?.paused === true;
}

/** `delivered → waiting`, and what waits is due: every answer of a payment that is kept, but one on the wire. */
export async function redeliver(
  db: Queryable,
  { payment, appid }: { payment: string; appid: string | null },
): Promise<number> {
  const { rowCount } = await db.query(
    `update fahuo.webhook_delivery set state = 'waiting', attempts = 0, delivered_at = null,
       next_attempt_at = clock_timestamp(),
       received_at = case state when 'delivered' then clock_timestamp() else received_at end
     where payment = $1 and ($2::text is null or appid = $2) and state <> 'sending'`,
    [payment, appid],
  );
  return rowCount ?? 0;
}
