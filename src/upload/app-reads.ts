import { monotonicMs, sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { claimUnknown } from './claim-store.ts';
import { decideAfterRead } from './decide-read.ts';
import { contextOf, type AttemptDeps, type UploaderOptions } from './deps.ts';
import { readOrder, takeRead } from './read-order.ts';
import { idsOf, recordAttempt } from './record-attempt.ts';
import type { LeasedRow } from './row.ts';
import { createSlots } from './slots.ts';

const readsAtOnce = 64;
const pollMs = 100;

/** One app's reads about unknown outcomes, with slots of their own: a hanging read delays no other payment. */
export async function runAppReads(
  deps: AttemptDeps,
  options: UploaderOptions & { appid: string },
  signals: { signal: AbortSignal; hardStop: AbortSignal },
): Promise<void> {
  const { appid, timing } = options;
  const slots = createSlots(readsAtOnce, {});

  const step = async (): Promise<void> => {
    if (slots.free() === 0 || deps.pauses.isPaused(appid, 'read') || deps.reach.isUnreachable(appid)) return;
    const askedAtMs = monotonicMs();
    const rows = await claimUnknown(deps.pool, {
      appid,
      limit: slots.free(),
      owner: options.instance,
      leaseMs: timing.leaseMs,
    });
    deps.leases.add(rows, askedAtMs);
    for (const row of rows) slots.start(() => readOne(deps, options, row, signals));
  };

  const { heartbeats } = deps.metrics;
  while (!signals.signal.aborted) {
    heartbeats.beat(`upload.reads ${appid}`, pollMs);
    await step().catch((error: unknown) => deps.log.warn({ appid, err: messageOf(error) }, 'claim.failed'));
    await sleep(pollMs, signals.signal);
  }
  heartbeats.end(`upload.reads ${appid}`);
  await slots.drained();
}

async function readOne(
  deps: AttemptDeps,
  options: UploaderOptions,
  row: LeasedRow,
  { signal, hardStop }: { signal: AbortSignal; hardStop: AbortSignal },
): Promise<void> {
  try {
    // Stopped while waiting for a permit: the row stays unknown, and its lease runs out.
    if (!(await takeRead(deps, row.appid, signal))) return deps.leases.drop(row);
    const { attempts, ...known } = await readOrder(deps, row, hardStop);
    const transition = decideAfterRead(row, known, contextOf(deps, options));
    deps.metrics.uploadReads.inc({ decision: transition.to });
    await recordAttempt(deps, { row, from: 'unknown', transition, attempts });
  } catch (error) {
    deps.log.error({ ...idsOf(row), err: messageOf(error) }, 'read.failed');
    deps.leases.drop(row);
  }
}
