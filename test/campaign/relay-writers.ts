import type pg from 'pg';
import { connectAlone, cutConnection } from '../../db/client.ts';
import { sleep } from '../../src/clock.ts';
import { shippedEvent } from '../support/events.ts';
import { eventually } from '../support/eventually.ts';
import { createRandom } from '../support/random.ts';

/** How one transaction of the order service goes. */
type Kind = 'commit' | 'rollback' | 'cut' | 'commit_prepared' | 'rollback_prepared';
type Step = { text: string; id: string; savepoint: 'none' | 'kept' | 'undone' };
type Transaction = { gid: string; kind: Kind; steps: Step[]; holdMs: number; pauseMs: number };

/** What the order service wrote, by its own account. */
export type Written = { committed: string[]; undone: string[]; transactions: number; redone: number };

const writers = 8;
const paymentsOfOwn = 40;
const sharedPayments = 20;
const appid = 'wx0123456789abcdef';

type Plan = { events: number; random: () => number; spreadMs: number; name: string };

const isKept = ({ kind }: Transaction): boolean => kind === 'commit' || kind === 'commit_prepared';
const leaves = (transaction: Transaction, step: Step): boolean =>
  isKept(transaction) && step.savepoint !== 'undone';

function pickKind(random: () => number): Kind {
  const draw = random();
  if (draw < 0.1) return 'rollback';
  if (draw < 0.12) return 'cut';
  if (draw < 0.17) return 'commit_prepared';
  return draw < 0.19 ? 'rollback_prepared' : 'commit';
}

const pickSavepoint = (random: () => number): Step['savepoint'] => {
  const draw = random();
  if (draw < 0.05) return 'undone';
  return draw < 0.1 ? 'kept' : 'none';
};

/** Transactions of one writer, of which exactly `events` events stay. Some payments are its own, some are everybody's. */
function planWriter(number: number, { events, random, spreadMs, name }: Plan): Transaction[] {
  const plan: Transaction[] = [];
  let versions = 0;
  const nextStep = (): Step => {
    const version = ++versions;
    const own = random() < 0.8;
    const payment = own
      ? `42${name}${number}${String(Math.floor(random() * paymentsOfOwn)).padStart(12, '0')}`
      : `42${name}S${String(Math.floor(random() * sharedPayments)).padStart(12, '0')}`;
    // Versions of a shared payment must differ between writers.
    const event = shippedEvent({ payment, version: version * writers + number, appid });
    return { text: JSON.stringify(event), id: event['id'] as string, savepoint: pickSavepoint(random) };
  };
  for (let left = events; left > 0;) {
    const size = 1 + Math.floor(random() ** 2 * 16);
    const transaction: Transaction = {
      gid: `${name}-${number}-${plan.length}`,
      kind: pickKind(random),
      steps: Array.from({ length: Math.min(size, left) }, nextStep),
      holdMs: random() < 0.04 ? random() * 600 : 0,
      pauseMs: random(),
    };
    left -= transaction.steps.filter((step) => leaves(transaction, step)).length;
    plan.push(transaction);
  }
  for (const transaction of plan) transaction.pauseMs *= (2 * spreadMs) / plan.length;
  return plan;
}

/** All writers at once, until every event that is to stay has stayed. */
export async function writeAll(
  databaseUrl: string,
  options: { events: number; seed: number; spreadMs: number; name: string },
): Promise<Written> {
  const written: Written = { committed: [], undone: [], transactions: 0, redone: 0 };
  const shares = Array.from({ length: writers }, (_, number) => {
    const events = Math.floor((options.events * (number + 1)) / writers);
    return events - Math.floor((options.events * number) / writers);
  });
  await Promise.all(
    shares.map(async (events, number) => {
      const random = createRandom(options.seed * 1_000 + number);
      const plan = planWriter(number, { ...options, events, random });
      const writer = createWriter(databaseUrl, written);
      for (const transaction of plan) {
        await writer.write(transaction);
        await sleep(transaction.pauseMs);
      }
      await writer.close();
    }),
  );
  return written;
}

/** One connection of the order service; made anew whenever it broke. */
function createWriter(databaseUrl: string, written: Written) {
  let client: pg.Client | undefined;
  const connected = async (): Promise<pg.Client> => {
    if (client !== undefined) return client;
    const fresh = await eventually(() => connectAlone(databaseUrl, 'order-service'), 120_000, 100);
    fresh.on('error', () => undefined);
    client = fresh;
    return fresh;
  };
  const drop = (): void => {
    if (client !== undefined) cutConnection(client);
    client = undefined;
  };
  /** Tries until the transaction has ended as it was meant to; an end that nobody saw is looked up. */
  const write = async (transaction: Transaction): Promise<void> => {
    for (;;) {
      const db = await connected();
      const backend = (db as unknown as { processID: number }).processID;
      try {
        await perform(db, transaction);
        if (transaction.kind === 'cut') drop();
        break;
      } catch {
        drop();
        const ended = await eventually(
          async () => endedAs(await connected(), transaction, backend),
          120_000,
          100,
        );
        if (ended) break;
        written.redone += 1;
      }
    }
    written.transactions += 1;
    for (const step of transaction.steps)
      (leaves(transaction, step) ? written.committed : written.undone).push(step.id);
  };
  return { write, close: async () => client?.end() };
}

async function perform(db: pg.Client, { kind, steps, gid, holdMs }: Transaction): Promise<void> {
  await db.query('begin');
  for (const { text, savepoint } of steps) {
    if (savepoint !== 'none') await db.query('savepoint s');
    await db.query('select fahuo.enqueue($1)', [text]);
    if (savepoint === 'undone') await db.query('rollback to savepoint s');
  }
  if (holdMs > 0) await sleep(holdMs);
  if (kind === 'cut') return; // the connection goes with its transaction open
  if (!kind.endsWith('prepared')) {
    await db.query(kind);
    return;
  }
  await db.query(`prepare transaction '${gid}'`);
  if (holdMs > 0) await sleep(holdMs);
  await db.query(`${kind.replace('_', ' ')} '${gid}'`);
}

/** Whether it ended as it was meant to before the connection broke; a prepared one is brought to its end. */
async function endedAs(db: pg.Client, transaction: Transaction, backend: number): Promise<boolean> {
  const { kind, steps, gid } = transaction;
  const alive = await db.query(
    `select from pg_stat_activity where pid = $1 and application_name = 'order-service'
       and datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()`,
    [backend],
  );
  if (alive.rowCount !== 0) throw new Error('the old connection still works');
  const { rowCount } = await db.query('select from pg_prepared_xacts where gid = $1', [gid]);
  if (rowCount === 1) await db.query(`${kind.replace('_', ' ')} '${gid}'`);
  if (!isKept(transaction)) return true;
  const left = steps.filter((step) => leaves(transaction, step)).map(({ id }) => id);
  if (left.length === 0) return true;
  const found = await db.query('select from fahuo.outbox where event_id = any($1::text[])', [left]);
  return found.rowCount !== 0;
}

/** Transactions that write, stay open and have nothing to do with the outbox: in this database and in another one. */
export async function writeElsewhere(
  databaseUrl: string,
  server: string,
  signal: AbortSignal,
): Promise<void> {
  const holdOpen = async (url: string): Promise<void> => {
    while (!signal.aborted) {
      const db = await connectAlone(url, 'bystander').catch(() => undefined);
      db?.on('error', () => undefined);
      await db
        ?.query('begin; create temporary table unrelated (id int); select txid_current()')
        .catch(() => undefined);
      await sleep(3_000, signal);
      await db?.end().catch(() => undefined);
    }
  };
  await Promise.all([holdOpen(databaseUrl), holdOpen(server)]);
}
