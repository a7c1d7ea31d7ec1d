import { monotonicMs } from '../clock.ts';
import { createDoorbell, type Doorbell } from '../loop.ts';
import type { Answer, Outcome } from '../wechat/outcome.ts';
import { afterNotSent, afterProbe, afterSent, freshHold, type Hold } from './hold.ts';

/** The holds of this process, one an app; its writes and its reads share it. */
export type Holds = {
  of: (appid: string) => Hold;
  /** Whether calls are held, for `forMs` at least. */
  isHeld: (appid: string, forMs?: number) => boolean;
  /** What a call that began at `startedAtMs` tells about the way to WeChat. */
  heard: (appid: string, call: { answer: Answer; outcome: Outcome | null; startedAtMs: number }) => void;
  probed: (appid: string, reason: string | null) => void;
  /** Rung when the app's hold begins or ends. */
  bell: (appid: string) => Doorbell;
};

export function createHolds(apps: readonly string[], random: () => number): Holds {
  const holds = new Map<string, Hold>();
  const bells = new Map(apps.map((appid) => [appid, createDoorbell()]));
  const of = (appid: string): Hold => holds.get(appid) ?? freshHold;
  const change = (appid: string, next: Hold): void => {
    const before = of(appid);
    holds.set(appid, next);
    if (before.kind !== next.kind) bells.get(appid)?.ring();
  };
  const now = () => ({ nowMs: monotonicMs(), random });
  return {
    of,
    isHeld: (appid, forMs = 0) => {
      const hold = of(appid);
      return hold.kind === 'held' && monotonicMs() - hold.sinceMs >= forMs;
    },
    heard: (appid, { answer, outcome, startedAtMs }) => {
      if (answer.notSent !== true) return change(appid, afterSent(monotonicMs()));
      const reason = unreachable(answer, outcome);
      if (reason !== null) change(appid, afterNotSent(of(appid), { startedAtMs, reason }, now()));
    },
    probed: (appid, reason) => change(appid, afterProbe(of(appid), reason, now())),
    bell: (appid) => bells.get(appid) ?? createDoorbell(),
  };
}

/**
 * Why nothing can be sent, if the way to WeChat is at fault. A call of ours that we ended ourselves says nothing, and
 * a stop or a throttle that answered the token call pauses the app instead.
 */
export function unreachable(answer: Answer, outcome: Outcome | null): string | null {
  if (answer.notSent !== true || answer.failure === 'aborted') return null;
  if (outcome === null || outcome.kind === 'token') return 'WeChat refuses the token';
  return outcome.kind === 'unknown' ? outcome.reason.replace(/^not sent: /, '') : null;
}
