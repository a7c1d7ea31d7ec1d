import { blameOf } from '../../db/blame.ts';
import { inTransaction, type Pool, type Queryable } from '../../db/client.ts';
import { messageOf } from '../errors.ts';
import type { Heartbeats } from '../heartbeats.ts';
import type { Log } from '../log.ts';
import { runLoop, type Doorbell, type StepResult } from '../loop.ts';
import { recordFacts } from '../payments/facts-store.ts';
import * as store from './inbox-store.ts';
import { warningText } from './event.ts';
import { namesToFind, planApply, type Plan } from './plan.ts';

/**
 * The inbox → fahuo.payment, fahuo.reconcile_wish and the ack topic.
 *
 * I1 An event is applied once: what it changes and the mark commit together.
 * I2 By facts and not by arrival: in whatever order the events of a payment come, its row ends the same (recordFacts).
 * I3 An event that cannot be applied holds up no other; it waits, and says why.
 */
export type ApplyDeps = { pool: Pool; log: Log; heartbeats?: Heartbeats; doorbell?: Doorbell };
export type ApplyOptions = {
  /** Tell settlements on the ack topic as well. */
  acknowledgements: boolean;
};

const batchRows = 200;
/** Another instance may have kept the event: its doorbell rings there. */
const idleMs = 1_000;

/** Applies what is kept until `signal` aborts. */
export const runApply = (deps: ApplyDeps, options: ApplyOptions, signal: AbortSignal): Promise<void> =>
  runLoop(
    () => applyWaiting(deps, options),
    {
      name: 'push.apply',
      idleMinMs: idleMs,
      idleMaxMs: idleMs,
      errorMinMs: idleMs,
      errorMaxMs: 30_000,
      ...deps,
    },
    signal,
  );

/** One step: as many events as are due, 200 at most. */
export async function applyWaiting(deps: ApplyDeps, options: ApplyOptions): Promise<StepResult> {
  const applied = await applyRows(deps, options, batchRows);
  if (applied.kind === 'applied') return applied.rows === batchRows || applied.left > 0 ? 'busy' : 'idle';
  // One of them is refused for what it is: the first that is due goes by itself, and waits if it is the one.
  const alone = await applyRows(deps, options, 1);
  if (alone.kind === 'refused' && alone.first !== null) {
    deps.log.warn({ id: alone.first, err: alone.failure }, 'push.not_applied');
    await store.delayEvents(deps.pool, [{ id: alone.first, failure: alone.failure }]);
  }
  return 'busy';
}

type Applied =
  | { kind: 'applied'; rows: number; left: number }
  /** By Postgres: nothing was changed. */
  | { kind: 'refused'; first: number | null; failure: string };

async function applyRows({ pool, log }: ApplyDeps, options: ApplyOptions, limit: number): Promise<Applied> {
  let first: number | null = null;
  try {
    const { rows, plan } = await inTransaction(pool, async (tx) => {
      const taken = await store.takeWaiting(tx, limit);
      first = taken[0]?.id ?? null;
      const planned = planApply(taken, await store.findTransactions(tx, namesToFind(taken)));
      if (taken.length > 0) await carryOut(tx, planned, options);
      return { rows: taken.length, plan: planned };
    });
    say(log, plan);
    return { kind: 'applied', rows, left: plan.left };
  } catch (error) {
    if (blameOf(error) !== 'rows') throw error;
    return { kind: 'refused', first, failure: messageOf(error) };
  }
}

async function carryOut(tx: Queryable, plan: Plan, { acknowledgements }: ApplyOptions): Promise<void> {
  await recordFacts(tx, plan.facts);
  await store.wishReconcile(tx, plan.wishes);
  await store.markApplied(tx, plan.applied);
  await store.delayEvents(tx, plan.delayed);
  if (acknowledgements && plan.settled.length > 0) await store.tellSettled(tx, plan.settled);
}

function say(log: Log, plan: Plan): void {
  for (const { appid, event, body } of plan.warnings)
    log.warn({ appid, event, text: warningText(body) }, 'push.warned');
  for (const { id, failure } of plan.delayed) log.info({ id, failure }, 'push.waits');
  if (plan.applied.length > 0)
    log.info(
      { events: plan.applied.length, payments: plan.facts.length, wishes: plan.wishes.length },
      'push.applied',
    );
}
