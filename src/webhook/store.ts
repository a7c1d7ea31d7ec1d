import { dueNow } from '../../db/due.ts';
import type { Queryable } from '../../db/client.ts';
import { cutText } from '../text.ts';
import type { AfterFailure, Endpoint } from './decide.ts';
import type { NewDelivery } from './message.ts';

/** An answer that this instance is to post. */
export type Delivery = NewDelivery & { id: number; epoch: number; attempts: number };
export type Recorded = 'done' | 'stale';
export type Claim = { owner: string; leaseMs: number; limit: number };
/** What the state of the address allows now. */
export type Gate = 'open' | 'probe' | 'shut';

const inMs = (parameter: string): string => `clock_timestamp() + ${parameter} * interval '1 millisecond'`;
const open = `state in ('waiting', 'sending')`;

/** In the order in which they came. Those that are there already are left out. Returns the count of the others. */
export async function insertDeliveries(db: Queryable, answers: readonly NewDelivery[]): Promise<number> {
  const column = (name: keyof NewDelivery): string[] => answers.map((answer) => answer[name]);
  const { rowCount } = await db.query(
    `insert into fahuo.webhook_delivery (webhook_id, type, event_time, appid, payment, data)
     select w, t, e, a, p, d
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
       with ordinality as n(w, t, e, a, p, d, nth)
     order by nth on conflict (webhook_id) do nothing`,
    [
      column('webhookId'),
      column('type'),
      column('eventTime'),
      column('appid'),
      column('payment'),
      column('data'),
    ],
  );
  return rowCount ?? 0;
}

/** Another address or secret is a new chance. Says whether it was another one. */
export async function saveEndpoint(
  db: Queryable,
  { origin, fingerprint }: { origin: string; fingerprint: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update fahuo.webhook_endpoint set origin = $1, fingerprint = $2, ${healthy}, paused_at = null
     where fingerprint is distinct from $2`,
    [origin, fingerprint],
  );
  return rowCount === 1;
}
export const healthy = `suspects = '{}', failing_since = null, failures = 0, reason = null, retry_at = clock_timestamp()`;

export async function readGate(db: Queryable): Promise<Gate> {
  const { rows } = await db.query<{ gate: Gate }>(
    `select case when paused_at is not null or retry_at > ${dueNow} then 'shut' when failing_since is null then 'open'
       else 'probe' end as gate from fahuo.webhook_endpoint`,
  );
  return rows[0]?.gate ?? 'shut';
}

/** `sending → waiting` for those whose instance did not come back in time. Returns the count. */
export async function releaseLost(db: Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `update fahuo.webhook_delivery set state = 'waiting', owner = null, epoch = epoch + 1,
       detail = 'the instance that posted it did not come back'
     where state = 'sending' and next_attempt_at <= ${dueNow}`,
  );
  return rowCount ?? 0;
}

/** The first of its payment that was not taken yet, and none of the payment is on the wire. */
const isFirst = `not exists (select 1 from fahuo.webhook_delivery e
    where e.payment = d.payment and e.appid = d.appid and e.${open} and (e.id < d.id or e.state = 'sending'))`;

const claimed = (due: string): string => `
  with due as (${due} for update of d skip locked)
  update fahuo.webhook_delivery d set state = 'sending', epoch = d.epoch + 1, owner = $1, next_attempt_at = ${inMs('$2::float8')}
  from due where d.id = due.id
  returning d.id, d.epoch, d.attempts, d.webhook_id as "webhookId", d.type, d.event_time as "eventTime", d.appid,
    d.payment, d.data`;

const firsts = (and: string): string => `
  select d.id from fahuo.webhook_delivery d
  where d.state = 'waiting' and d.next_attempt_at <= ${dueNow} ${and} and ${isFirst}
  order by d.next_attempt_at, d.id limit 100`;

/** `waiting → sending` for what is due, the longest due first. */
export async function claimDue(db: Queryable, { owner, leaseMs, limit }: Claim): Promise<Delivery[]> {
  const { rows } = await db.query<Delivery>(
    claimed(`select d.id from fahuo.webhook_delivery d
      where d.state = 'waiting' and d.next_attempt_at <= ${dueNow} and ${isFirst} order by d.next_attempt_at, d.id limit $3`),
    [owner, leaseMs, limit],
  );
  return rows;
}

/** Without the time in which nobody tried, such as that of a stop: it has not failed then (ADR 13). */
const failingTried = `case when retry_at < ${dueNow} - interval '5 minutes' then failing_since + (${dueNow} - retry_at)
  else failing_since end`;

/**
 * The same for one row while the address fails: one that was never tried, of a payment that has not failed, if there is
 * one among the first. No other instance lets out a probe before this one has ended, or its lease has.
 */
export async function claimProbe(
  tx: Queryable,
  { owner, leaseMs }: Omit<Claim, 'limit'>,
): Promise<Delivery[]> {
  const { rowCount: mine } = await tx.query(
    `update fahuo.webhook_endpoint set retry_at = ${inMs('$1::float8')}, failing_since = ${failingTried}
     where failing_since is not null and paused_at is null and retry_at <= ${dueNow}`,
    [leaseMs],
  );
  if (mine !== 1) return [];
  const { rows } = await tx.query<Delivery>(
    claimed(`select d.id from (
        (${firsts('and d.detail is null')}) union (${firsts('')})
      ) f join fahuo.webhook_delivery d on d.id = f.id and d.state = 'waiting'
      order by (select (d.appid || '/' || d.payment) = any (p.suspects) from fahuo.webhook_endpoint p), d.detail is not null,
        d.next_attempt_at, d.id
      limit 1`),
    [owner, leaseMs],
  );
  // Nothing to probe with: the next answer that comes is one.
  if (rows.length === 0)
    await tx.query(
      'update fahuo.webhook_endpoint set retry_at = clock_timestamp() where failing_since is not null',
    );
  return rows;
}

/** `sending → delivered`; and the address is well, whoever asks. `recovered`: it was failing. */
export async function recordTaken(
  db: Queryable,
  { id, epoch }: Delivery,
): Promise<{ recorded: Recorded; recovered: boolean }> {
  const { rows } = await db.query<{ done: number; recovered: boolean }>(
    `with done as (
       update fahuo.webhook_delivery set state = 'delivered', owner = null, delivered_at = clock_timestamp(), detail = null
       where id = $1 and epoch = $2 and state = 'sending' returning 1
     ), before as (
       select failing_since is not null as failing from fahuo.webhook_endpoint
     ), now_healthy as (
       update fahuo.webhook_endpoint set ${healthy}
       where paused_at is null and (failing_since is not null or suspects <> '{}') returning 1
     )
     select (select count(*)::int from done) as done,
       exists (select from now_healthy) and (select failing from before) as recovered`,
    [id, epoch],
  );
  const [row] = rows;
  return { recorded: row?.done === 1 ? 'done' : 'stale', recovered: row?.recovered === true };
}

/** The address, locked until the transaction ends; null while it is paused. */
export async function lockEndpoint(tx: Queryable, fingerprint: string): Promise<Endpoint | null> {
  const { rows } = await tx.query<Endpoint & { paused: boolean }>(
    `select (extract(epoch from clock_timestamp() - failing_since) * 1000)::float8 as "failingMs", failures, suspects,
       fingerprint is distinct from $1 as superseded, paused_at is not null as paused
     from fahuo.webhook_endpoint for update`,
    [fingerprint],
  );
  const [row] = rows;
  return row === undefined || row.paused ? null : row;
}

/** `sending → waiting` after a try that came to nothing. */
export async function recordWaiting(
  tx: Queryable,
  { id, epoch }: Delivery,
  { afterMs, counts, detail }: AfterFailure['row'] & { detail: string },
): Promise<Recorded> {
  const { rowCount } = await tx.query(
    `update fahuo.webhook_delivery set state = 'waiting', owner = null, next_attempt_at = ${inMs('$3::float8')},
       attempts = attempts + case when $4::boolean then 1 else 0 end, detail = $5
     where id = $1 and epoch = $2 and state = 'sending'`,
    [id, epoch, afterMs, counts, cutText(detail)],
  );
  return rowCount === 1 ? 'done' : 'stale';
}

/** What a failure says of the address. */
export async function recordEndpoint(
  tx: Queryable,
  change: NonNullable<AfterFailure['endpoint']>,
  detail: string,
): Promise<void> {
  const { suspects } = change;
  switch (change.to) {
    case 'suspected':
      await tx.query('update fahuo.webhook_endpoint set suspects = $1, reason = $2', [
        suspects,
        cutText(detail),
      ]);
      return;
    case 'failing':
      await tx.query(
        `update fahuo.webhook_endpoint set suspects = $1, reason = $2, failures = $3,
           failing_since = coalesce(failing_since, clock_timestamp()), retry_at = ${inMs('$4::float8')}`,
        [suspects, cutText(detail), change.failures, change.afterMs],
      );
      return;
    case 'paused':
      await tx.query(
        `update fahuo.webhook_endpoint set suspects = $1, reason = $2, paused_at = clock_timestamp()`,
        [suspects, cutText(change.reason)],
      );
      return;
  }
}
