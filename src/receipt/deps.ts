import type { Pool } from '../../db/client.ts';
import type { AppSet } from '../apps/app-set.ts';
import type { Budget } from '../apps/budget.ts';
import type { Pauses } from '../apps/pauses.ts';
import { monotonicMs, sleep, type Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { WechatClient } from '../wechat/client.ts';
import type { Now, ReceiptTiming } from './decide.ts';
import type { TraceTiming } from './decide-trace.ts';

export type ReceiptDeps = {
  pool: Pool;
  wechat: Pick<
    WechatClient,
    'getOrder' | 'getQuota' | 'notifyConfirmReceive' | 'traceWaybill' | 'queryTrace'
  >;
  budget: Budget;
  log: Log;
  metrics: Metrics;
  clock: Clock;
  random: () => number;
};

export type ReceiptOptions = {
  apps: Pick<AppSet, 'each'>;
  /** Names this process in the rows that it works on. */
  instance: string;
  timing: ReceiptTiming;
  callTimeoutMs: number;
  /** What a call's own time has besides: for its record, and for clocks that differ. */
  marginMs: number;
  trace: TraceOptions;
  /** From one look for due rows to the next; doubles from the first to the second. */
  idleMinMs: number;
  idleMaxMs: number;
};

export type TraceOptions = {
  /** Apps whose parcels are followed. */
  apps: { has: (appid: string) => boolean };
  timing: TraceTiming;
  /** Opens the phones that were sealed for the app. */
  secretOf: (appid: string) => string | undefined;
  imageUrl: string;
  page: string;
};

/** `pauses` is for what WeChat answers: what is paused is asked of the table with every claim. */
export type WorkDeps = ReceiptDeps & { pauses: Pauses };

export const nowOf = ({ clock, random }: ReceiptDeps, { timing }: ReceiptOptions): Now => ({
  nowMs: clock().getTime(),
  random,
  timing,
});

/** A call and a token for it take a call's time each, and so do both once more where the token is refused. */
export const callWithinMs = ({ callTimeoutMs, marginMs }: ReceiptOptions): number =>
  4 * callTimeoutMs + marginMs;
export const leaseMs = (options: ReceiptOptions): number => 3 * callWithinMs(options);

const retryMs = 500;

/**
 * Writes until it is written: a database that is away is waited for, `forMs` at most and no longer than we run. Null
 * when it did not come back.
 */
export async function persist<T>(
  { log }: Pick<ReceiptDeps, 'log'>,
  { forMs, signal }: { forMs: number; signal: AbortSignal },
  write: () => Promise<T>,
): Promise<T | null> {
  const untilMs = monotonicMs() + forMs;
  for (;;)
    try {
      return await write();
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'receipt.not_recorded');
      if (monotonicMs() > untilMs || signal.aborted) return null;
      await sleep(retryMs, signal);
    }
}
