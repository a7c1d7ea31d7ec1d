import { inTransaction, type Connection } from '../../db/client.ts';
import { runLoop, type StepResult } from '../loop.ts';
import { FahuoError, messageOf } from '../errors.ts';
import { tellShop } from './answers.ts';
import type { AdoptDeps, Worker } from './deps.ts';
import { namesOf, planLook, type Plan } from './look.ts';
import { keyName, readParts } from './read-parts.ts';
import type { Key, Touched } from './shop.ts';
import * as store from './store.ts';

/**
 * An adopted shop's `fahuo_touched` → events in the outbox, and their answers → the shop.
 *
 * I1 A touched row is forgotten after what follows from it has committed here: nothing is lost (P1).
 * I2 What was said is saved in the transaction of the event that says it: a crash between two steps makes no second event.
 * I3 Parts are read after the touched rows, so they show what those rows committed with, or what came later.
 * I4 One worker a shop: each write locks its epoch, so one that slept over its lease writes nothing (P3).
 */

const leaseMs = 15_000;
const batch = 500;
const dueBatch = 100;
const countEveryMs = 5_000;

/** Works until `signal` aborts; another instance waits meanwhile, and takes over when the lease has run out. */
export async function runAdopt(deps: AdoptDeps, signal: AbortSignal): Promise<void> {
  const { pool, log, file, owner, nowMs } = deps;
  let epoch: number | null = null;
  let countedMs = Number.NEGATIVE_INFINITY;
  const options = {
    errorMinMs: 500,
    errorMaxMs: 15_000,
    log,
    ...(deps.heartbeats ? { heartbeats: deps.heartbeats } : {}),
  };
  const lead = async (): Promise<StepResult> => {
    const taken = await store.takeLease(pool, { name: file.name, owner, leaseMs });
    if (taken !== null && taken !== epoch) {
      log.info({ shop: file.name, epoch: taken }, 'adopt.leads');
      await store.lookAgain(pool, file.name);
    }
    epoch = taken;
    if (epoch === null) return 'idle';
    if (nowMs() - countedMs > countEveryMs) {
      countedMs = nowMs();
      await saveHealth(deps);
    }
    return step({ ...deps, epoch });
  };
  const guarded = (): Promise<StepResult> =>
    lead().catch(async (error: unknown) => {
      await store.saveFailure(pool, file.name, messageOf(error)).catch(() => undefined);
      throw error;
    });
  const answers = tellShop(deps);
  await Promise.all([
    runLoop(guarded, { name: `adopt ${file.name}`, idleMinMs: 50, idleMaxMs: 1_000, ...options }, signal),
    runLoop(
      async () => (epoch === null ? 'idle' : answers()),
      { name: `adopt answers ${file.name}`, idleMinMs: 500, idleMaxMs: 2_000, ...options },
      signal,
    ),
  ]);
  await store.giveLeaseBack(pool, file.name, owner).catch(() => undefined);
}

async function saveHealth({ pool, shop, file }: AdoptDeps): Promise<void> {
  const { waiting, oldestMs } = await shop.countTouched();
  await store.saveHealth(pool, file.name, { waiting, waitingSinceMs: oldestMs, failure: null });
}

async function step(worker: Worker): Promise<StepResult> {
  const { shop, pool, file } = worker;
  const touched = await shop.takeTouched(batch, null);
  const due = touched.length < batch ? await store.readDue(pool, file.name, dueBatch) : [];
  if (touched.length + due.length === 0) return 'idle';
  await lookAt(worker, uniqueKeys([...touched, ...due]), touchedTimes(touched, worker.nowMs()));
  if (touched.length > 0) await shop.forgetTouched(touched.map(({ id }) => id));
  return 'busy';
}

const uniqueKeys = (keys: readonly Key[]): Key[] => [
  ...new Map(keys.map(({ kind, ref }) => [keyName({ kind, ref }), { kind, ref }])).values(),
];

function touchedTimes(touched: readonly Touched[], nowMs: number): (key: Key) => number {
  const times = new Map(touched.map((one) => [keyName(one), one.touchedAtMs]));
  return (key) => times.get(keyName(key)) ?? nowMs;
}

/**
 * Looks at these keys, and writes what follows.
 * @throws FahuoError ADOPT_QUERY_BROKEN where the parts query fails whatever the keys are; ADOPT_FENCED where another worker
 * has the shop now. Nothing is written then.
 */
export async function lookAt(
  worker: Worker,
  keys: readonly Key[],
  touchedAtMs: (key: Key) => number,
): Promise<Plan> {
  const plan = await planFor(worker, keys, touchedAtMs);
  await inTransaction(worker.pool, (tx) => write(tx, worker, plan));
  return plan;
}

/** What would be written; changes nothing. */
export async function planFor(
  { pool, shop, file, carriers, newId, random }: Omit<Worker, 'epoch'>,
  keys: readonly Key[],
  touchedAtMs: (key: Key) => number,
): Promise<Plan> {
  const looked = await readParts(shop, file, keys);
  if (looked.kind === 'broken')
    throw new FahuoError('ADOPT_QUERY_BROKEN', `the parts query of ${file.name} fails: ${looked.message}`);
  const known = await store.readKnown(pool, file.name, namesOf(looked.parts));
  const before = await store.readKeys(pool, file.name, keys);
  return planLook(keys, looked, { file, carriers, known, before, touchedAtMs, newId, random });
}

async function write(tx: Connection, { file, epoch, log }: Worker, plan: Plan): Promise<void> {
  if (!(await store.isCurrent(tx, file.name, epoch)))
    throw new FahuoError('ADOPT_FENCED', `another instance works on the shop ${file.name} now`);
  const versions = await store.offerEvents(
    tx,
    plan.events.map(({ text }) => text),
  );
  const said: store.PaymentRow[] = [];
  for (const [index, { eventId, row }] of plan.events.entries()) {
    const version = versions[index] ?? null;
    if (version !== null) said.push({ ...row, version });
    else
      said.push({
        ...row,
        said: null,
        state: 'held',
        reason: 'contract',
        detail: await store.readRefusal(tx, eventId),
      });
  }
  await store.savePayments(tx, file.name, [...said, ...plan.payments]);
  await store.saveKeys(tx, file.name, plan.keys);
  if (plan.events.length > 0)
    log.info({ shop: file.name, events: plan.events.length, keys: plan.keys.length }, 'adopt.looked');
}
