import { jittered } from '../clock.ts';

/**
 * Whether an app's calls can reach WeChat: `unreachable` while nothing of them goes out (no connection, no token). What
 * was not sent is no attempt (P6): instead of every row in turn, one probe asks whether WeChat is back.
 *
 * Times are milliseconds of the monotonic clock. `failures` counts the calls and probes that did not go out, each
 * interruption's first call among them, since the last call that went out.
 */
export type Reach =
  | { kind: 'reachable'; failures: number; answeredAtMs: number }
  | {
      kind: 'unreachable';
      failures: number;
      answeredAtMs: number;
      sinceMs: number;
      probeAtMs: number;
      reason: string;
    };

export const freshReach: Reach = {
  kind: 'reachable',
  failures: 0,
  answeredAtMs: Number.NEGATIVE_INFINITY,
};

const probeMinMs = 200;
/**
 * A probe that is not sent costs WeChat and the database nothing, so it is made often. Together with the four seconds
 * that a token call may back off, a full window runs again within five seconds of WeChat's return (ADR 15).
 */
const probeMaxMs = 800;

type Now = { nowMs: number; random: () => number };

/**
 * A call could not be sent. When another one went out since this one began, WeChat is there, and the row alone comes
 * back later: one refused connection in a hundred must not stop the other ninety-nine.
 */
export function afterNotSent(reach: Reach, call: { startedAtMs: number; reason: string }, now: Now): Reach {
  if (reach.kind === 'unreachable' || reach.answeredAtMs >= call.startedAtMs) return reach;
  return unreachable(reach, { sinceMs: now.nowMs, reason: call.reason }, now);
}

/** A call went out, whatever became of it. */
export const afterSent = (nowMs: number): Reach => ({ kind: 'reachable', failures: 0, answeredAtMs: nowMs });

/** `reason` says why the probe was not sent; null that it was. Only a call of a row's own shortens the next wait. */
export function afterProbe(reach: Reach, reason: string | null, now: Now): Reach {
  if (reach.kind === 'reachable') return reach;
  if (reason !== null) return unreachable(reach, { sinceMs: reach.sinceMs, reason }, now);
  return { kind: 'reachable', failures: reach.failures, answeredAtMs: reach.answeredAtMs };
}

const unreachable = (
  { failures, answeredAtMs }: Reach,
  { sinceMs, reason }: { sinceMs: number; reason: string },
  { nowMs, random }: Now,
): Reach => ({
  kind: 'unreachable',
  failures: failures + 1,
  answeredAtMs,
  sinceMs,
  probeAtMs: nowMs + jittered(Math.min(probeMaxMs, probeMinMs * 2 ** failures), random),
  reason,
});
