import type { Pool } from '../../db/client.ts';
import { monotonicMs, sleep } from '../../src/clock.ts';
import type { LooseEvent } from '../support/events.ts';
import type { Planned } from './plan.ts';

const writers = 6;
/** Payments that a writer has begun and not finished: their events come close together, mixed with the others'. */
const openAtOnce = 12;
/** How far the writing may run ahead of what `share` says. */
const ahead = 0.1;

/**
 * The order service: several at once, each payment's events in their order. It tries again when the database is away,
 * and writes no faster than `share` (0 to 1) grows.
 */
export async function writeEvents(
  pool: Pool,
  plans: readonly Planned[],
  pace: {
    random: () => number;
    share: () => number;
    /** Straight to the topic, as producers do that have no outbox. */
    publish: (event: LooseEvent) => Promise<void>;
    /** By hand, in the console. */
    edit: (payment: string, change: object) => Promise<void>;
    /** How long the end of one event is waited for before the next one of its payment is written all the same. */
    patienceMs: number;
  },
): Promise<void> {
  const total = plans.reduce((sum, plan) => sum + plan.events.length, 0);
  let written = 0;
  const write = async (event: LooseEvent): Promise<void> => {
    while (written / total > pace.share() + ahead) await sleep(20);
    written += 1;
    await untilWritten(pool, plainWrite(event));
  };
  const writeCombined = async (parts: readonly LooseEvent[], id: string): Promise<void> => {
    while (written / total > pace.share() + ahead) await sleep(20);
    written += parts.length;
    await untilWritten(pool, combinedWrite(parts, id));
  };
  const ordinary = plans.filter(
    (plan) => plan.fate !== 'inverted' && plan.fate !== 'staged' && plan.combined === undefined,
  );
  const writeAs = async (writer: number): Promise<void> => {
    const waiting = ordinary.filter((_, index) => index % writers === writer);
    const open: { plan: Planned; next: number }[] = [];
    while (waiting.length + open.length > 0) {
      while (open.length < openAtOnce && waiting.length > 0) open.push({ plan: waiting.shift()!, next: 0 });
      const index = Math.floor(pace.random() * open.length);
      const chosen = open[index]!;
      await write(chosen.plan.events[chosen.next]!);
      chosen.next += 1;
      if (chosen.next === chosen.plan.events.length) open.splice(index, 1);
    }
  };
  const writeTogether = async (): Promise<void> => {
    const together = Map.groupBy(
      plans.filter((plan) => plan.combined !== undefined),
      ({ combined }) => combined!,
    );
    for (const [id, parts] of together)
      await writeCombined(
        parts.flatMap(({ events }) => events),
        id,
      );
  };
  /** One after the other: claims that are held for two of them would not be free to meet. */
  const writeInverted = async (): Promise<void> => {
    for (const { payment, events } of plans.filter((plan) => plan.fate === 'inverted')) {
      await write(events[0]!);
      await untilBeingClaimed(pool, payment);
      written += 1;
      await pace.publish(events[1]!);
    }
  };
  /** Several payments at once, each event after the end of the one before it; a person may come in between. */
  const staged = plans.filter((plan) => plan.fate === 'staged').values();
  const writeStaged = async (): Promise<void> => {
    for (const { payment, events, edits } of staged)
      for (const [index, event] of events.entries()) {
        if (index > 0) await untilEnded(pool, events[index - 1]!, pace.patienceMs);
        const change = edits?.get(index);
        if (change !== undefined) await pace.edit(payment, change);
        await write(event);
      }
  };
  await Promise.all([
    writeInverted(),
    writeTogether(),
    ...Array.from({ length: stagedAtOnce }, writeStaged),
    ...Array.from({ length: writers }, (_, writer) => writeAs(writer)),
  ]);
}

const stagedAtOnce = 16;

async function untilEnded(pool: Pool, event: LooseEvent, patienceMs: number): Promise<void> {
  for (const endMs = monotonicMs() + patienceMs; monotonicMs() < endMs; await sleep(100)) {
    const { rows } = await pool
      .query(
        `select 1 from fahuo.upload where event_id = $1
           and state in ('acknowledged', 'rejected', 'superseded', 'parked')`,
        [event['id']],
      )
      .catch(() => ({ rows: [] }));
    if (rows.length > 0) return;
  }
}

const claimPatienceMs = 15_000;

/** The row is there, and another transaction holds it: its claim takes long, by the campaign's trigger. */
async function untilBeingClaimed(pool: Pool, payment: string): Promise<void> {
  for (const endMs = monotonicMs() + claimPatienceMs; monotonicMs() < endMs; await sleep(15)) {
    const { rows } = await pool
      .query<{ state: string; free: boolean }>(
        `with free as (select id from fahuo.upload where payment = $1 for update skip locked)
         select u.state::text, f.id is not null as free from fahuo.upload u left join free f using (id) where u.payment = $1`,
        [payment],
      )
      .catch(() => ({ rows: [] }));
    const [row] = rows;
    if (row !== undefined && (row.state !== 'pending' || !row.free)) return;
  }
}

type Write = {
  door: 'enqueue' | 'enqueue_combined';
  event: object;
  /** Of a row that it writes. */ id: unknown;
};

const plainWrite = (event: LooseEvent): Write => ({ door: 'enqueue', event, id: event['id'] });

/** The parts' versions are drawn by the door: each is the first of its payment. */
function combinedWrite(parts: readonly LooseEvent[], id: string): Write {
  const [first] = parts;
  const { version: _version, data: _data, ...attributes } = first!;
  const subOrders = parts.map(({ data: { payer: _payer, ...part } }) => part);
  const data = { order_key: first!.data['order_key'], sub_orders: subOrders, payer: first!.data['payer'] };
  return {
    door: 'enqueue_combined',
    event: { ...attributes, id, type: 'fahuo.shipment.combined.v1', data },
    id: first!['id'],
  };
}

/** An insert whose answer was lost may have happened: the event id says so. */
async function untilWritten(pool: Pool, { door, event, id }: Write): Promise<void> {
  const text = JSON.stringify(event);
  for (;;) {
    try {
      await pool.query(
        `select fahuo.${door}($1) where not exists (select 1 from fahuo.outbox where event_id = $2)`,
        [text, id],
      );
      return;
    } catch {
      await sleep(100);
    }
  }
}
