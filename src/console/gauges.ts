import type { Pool } from '../../db/client.ts';
import type { Log } from '../log.ts';
import { runLoop } from '../loop.ts';
import type { Metrics } from '../metrics.ts';
import { countUnfinished, oldestUnfinishedSeconds } from './status-store.ts';

const everyMs = 5_000;

/** Keeps the gauges that are read from tables fresh. */
export async function keepGauges(
  { pool, metrics, log }: { pool: Pool; metrics: Metrics; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const step = async (): Promise<'idle'> => {
    metrics.uploadRows.reset();
    for (const { state, rows } of await countUnfinished(pool)) metrics.uploadRows.set({ state }, rows);
    metrics.uploadOldestSeconds.set(await oldestUnfinishedSeconds(pool));
    return 'idle';
  };
  const waits = { idleMinMs: everyMs, idleMaxMs: everyMs, errorMinMs: everyMs, errorMaxMs: everyMs };
  await runLoop(step, { name: 'gauges', ...waits, log }, signal);
}
