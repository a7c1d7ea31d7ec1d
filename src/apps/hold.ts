import { jittered } from '../clock.ts';

/**
 * Whether an app's calls can reach WeChat: `held` while nothing of them goes out (no connection, no token). What was
 * not sent is no attempt (P6): instead of every row in turn, one probe asks whether WeChat is back.
 *
 * Times are milliseconds of the monotonic clock. `failures` counts holds and probes since the last call that went out.
 */
export type Hold =
  | { kind: 'open'; failures: number; answeredAtMs: number }
  | {
      kind: 'held';
      failures: number;
      answeredAtMs: number;
      sinceMs: number;
      probeAtMs: number;
      reason: string;
    };

export const freshHold: Hold = { kind: 'open', failures: 0, answeredAtMs: Number.NEGATIVE_INFINITY };

const probeMinMs = 200;
/**
 * A probe that is not sent costs WeChat and the database nothing, so it is made often. Together with the four seconds
 * that a token call may rest, a full window runs again within five seconds of WeChat's return (ADR 15).
 */
const probeMaxMs = 800;

type Now = { nowMs: number; random: () => number };

/**
 * A call could not be sent. When another one went out since this one began, WeChat is there, and the row alone comes
 * back later: one refused connection in a hundred must not stop the other ninety-nine.
 */
export function afterNotSent(hold: Hold, call: { startedAtMs: number; reason: string }, now: Now): Hold {
  if (hold.kind === 'held' || hold.answeredAtMs >= call.startedAtMs) return hold;
  return held(hold, { sinceMs: now.nowMs, reason: call.reason }, now);
}

/** A call went out, whatever became of it. */
export const afterSent = (nowMs: number): Hold => ({ kind: 'open', failures: 0, answeredAtMs: nowMs });

/** `reason` says why the probe was not sent; null that it was. Only a call of a row's own shortens the next wait. */
export function afterProbe(hold: Hold, reason: string | null, now: Now): Hold {
  if (hold.kind === 'open') return hold;
  if (reason !== null) return held(hold, { sinceMs: hold.sinceMs, reason }, now);
  return { kind: 'open', failures: hold.failures, answeredAtMs: hold.answeredAtMs };
}

const held = (
  { failures, answeredAtMs }: Hold,
  { sinceMs, reason }: { sinceMs: number; reason: string },
  { nowMs, random }: Now,
): Hold => ({
  kind: 'held',
  failures: failures + 1,
  answeredAtMs,
  sinceMs,
  probeAtMs: nowMs + jittered(Math.min(probeMaxMs, probeMinMs * 2 ** failures), random),
  reason,
});
