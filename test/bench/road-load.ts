import { cpuMsOf } from './cpu.ts';
import { percentile } from './numbers.ts';

/** What the order service is asked for: `perSecond` events, or as many as go with `ahead` of them unanswered. */
export type WriteRequest = {
  /** The number of the first payment. */
  first: number;
  perCommit: number;
  seconds: number;
  perSecond?: number;
  ahead?: number;
  /** The sandbox's statistics. */
  answers?: string;
};

/** One transaction: payments `first` to `first + count - 1`; `atMs` when its commit returned, Unix milliseconds. */
export type Committed = { first: number; count: number; atMs: number };

/** One payment's answer: when it was on record, or read where nothing is recorded, and how long the API took. */
export type Answered = { payment: string; atMs: number; tookMs: number };

export type Pids = Readonly<Record<string, number>>;

/** Microseconds of CPU an event, by process. */
export type CpuUs = Readonly<Record<string, number>>;

export const cpuOf = (pids: Pids): CpuUs =>
  Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuMsOf(pid) * 1_000]));

export const cpuEach = (before: CpuUs, after: CpuUs, events: number): CpuUs =>
  Object.fromEntries(
    Object.entries(after).map(([name, us]) => [name, (us - (before[name] ?? 0)) / Math.max(1, events)]),
  );

export type Ages = { p50Ms: number; p99Ms: number; aboveP50Ms: number; aboveP99Ms: number };

/** From the commit's return to the answer; `above` leaves out what the API took. */
export function agesOf(committed: ReadonlyMap<string, number>, answered: readonly Answered[]): Ages {
  const known = answered.flatMap(({ payment, atMs, tookMs }) => {
    const committedMs = committed.get(payment);
    return committedMs === undefined ? [] : [{ age: atMs - committedMs, above: atMs - committedMs - tookMs }];
  });
  const ages = known.map(({ age }) => age);
  const above = known.map((one) => one.above);
  return {
    p50Ms: percentile(ages, 0.5),
    p99Ms: percentile(ages, 0.99),
    aboveP50Ms: percentile(above, 0.5),
    aboveP99Ms: percentile(above, 0.99),
  };
}
