import { messageOf } from '../errors.ts';
import { runLoop, type StepResult } from '../loop.ts';
import { tellShop } from './answers.ts';
import type { AdoptDeps } from './deps.ts';
import { lookAtAll } from './look-at.ts';
import { keyName } from './read-parts.ts';
import type { Key, Shop, Touched } from './shop.ts';
import * as store from './store.ts';

/**
 * An adopted shop's `fahuo_touched` → events in the outbox, and their answers → the shop.
 *
 * I1 A touched row is forgotten after what follows from it has committed here: nothing is lost (P1).
 * I2 What was said is saved in the transaction of the event that says it: a crash between two steps makes no second event.
 * I3 Parts are read after the touched rows, so they show what those rows committed with, or what came later.
 * I4 Parts that were read before somebody else's write never overwrite what it said (look-at.ts).
 */
const leaseMs = 15_000;
const batch = 1_000;
const dueBatch = 100;
const countEveryMs = 5_000;

/** Works until `signal` aborts; another instance waits meanwhile, and takes over when the lease has run out. */
export async function runAdopt(deps: AdoptDeps, signal: AbortSignal): Promise<void> {
  const { pool, log, file, owner, heartbeats } = deps;
  const options = { errorMinMs: 500, errorMaxMs: 15_000, log, ...(heartbeats ? { heartbeats } : {}) };
  const { follow, follows } = follower(deps);
  const answers = tellShop(deps);
  await Promise.all([
    runLoop(follow, { name: loopName(file.name), idleMinMs: 50, idleMaxMs: 1_000, ...options }, signal),
    runLoop(
      async () => (follows() ? answers() : 'idle'),
      { name: `adopt answers ${file.name}`, idleMinMs: 200, idleMaxMs: 500, ...options },
      signal,
    ),
  ]);
  await store.giveLeaseBack(pool, file.name, owner).catch(() => undefined);
}

/** A step of the one who has the lease; why it fails is on record, for `adopt status` and the doctor. */
function follower(deps: AdoptDeps) {
  const { pool, log, file, owner, nowMs } = deps;
  const beating = { ...deps, shop: whileBeating(deps) };
  let follows = false;
  let countedMs = Number.NEGATIVE_INFINITY;
  const lead = async (): Promise<StepResult> => {
    const before = follows;
    follows = await store.takeLease(pool, { name: file.name, owner, leaseMs });
    if (!follows) return 'idle';
    if (!before) {
      log.info({ shop: file.name }, 'adopt.follows');
      await store.lookAgain(pool, file.name);
    }
    if (nowMs() - countedMs > countEveryMs) {
      await saveHealth(deps);
      countedMs = nowMs();
    }
    return followOnce(beating);
  };
  const follow = (): Promise<StepResult> =>
    lead().catch(async (error: unknown) => {
      await store.saveFailure(pool, file.name, messageOf(error)).catch(() => undefined);
      throw error;
    });
  return { follow, follows: () => follows };
}

/** A batch whose query fails is halved again and again, each half with its own time limit: the loop turns all the while. */
function whileBeating({ shop, file, heartbeats }: AdoptDeps): Shop {
  const beat = (): void => heartbeats?.beat(loopName(file.name), file.timeout_ms);
  return {
    ...shop,
    readParts: (keys) => {
      beat();
      return shop.readParts(keys);
    },
  };
}

const loopName = (shop: string): string => `adopt ${shop}`;

async function saveHealth({ pool, shop, file }: AdoptDeps): Promise<void> {
  const { waiting, oldestMs } = await shop.countTouched();
  await store.saveHealth(pool, file.name, { waiting, waitingSinceMs: oldestMs, failure: null });
}

/** One step: touched keys, or those that are due again. `busy` when there were some. */
export async function followOnce(deps: AdoptDeps): Promise<StepResult> {
  const { shop, pool, file, nowMs } = deps;
  const touched = await shop.takeTouched(batch, null);
  const due = touched.length < batch ? await store.readDue(pool, file.name, dueBatch) : [];
  if (touched.length + due.length === 0) return 'idle';
  await lookAtAll(deps, uniqueKeys([...touched, ...due]), { touchedAtMs: touchedTimes(touched, nowMs()) });
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
