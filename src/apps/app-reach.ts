import { monotonicMs } from '../clock.ts';
import { createDoorbell, type Doorbell } from '../loop.ts';
import type { Answer, Outcome } from '../wechat/outcome.ts';
import { afterNotSent, afterProbe, afterSent, freshReach, type Reach } from './reach.ts';

/** What this process knows of the way to WeChat, app by app; an app's writes and reads share it. */
export type AppReach = {
  of: (appid: string) => Reach;
  /** Whether no call has gone out for `forMs` at least. */
  isUnreachable: (appid: string, forMs?: number) => boolean;
  /** What a call that began at `startedAtMs` says about the way to WeChat. */
  noteCall: (appid: string, call: { answer: Answer; outcome: Outcome | null; startedAtMs: number }) => void;
  noteProbe: (appid: string, reason: string | null) => void;
  /** Rung when the app becomes unreachable, and when it is reachable again. */
  bell: (appid: string) => Doorbell;
};

export function createAppReach(random: () => number): AppReach {
  const byApp = new Map<string, Reach>();
  const bells = new Map<string, Doorbell>();
  const bellOf = (appid: string): Doorbell => {
    const bell = bells.get(appid) ?? createDoorbell();
    bells.set(appid, bell);
    return bell;
  };
  const of = (appid: string): Reach => byApp.get(appid) ?? freshReach;
  const change = (appid: string, next: Reach): void => {
    const before = of(appid);
    byApp.set(appid, next);
    if (before.kind !== next.kind) bellOf(appid).ring();
  };
  const now = () => ({ nowMs: monotonicMs(), random });
  return {
    of,
    isUnreachable: (appid, forMs = 0) => {
      const reach = of(appid);
      return reach.kind === 'unreachable' && monotonicMs() - reach.sinceMs >= forMs;
    },
    noteCall: (appid, { answer, outcome, startedAtMs }) => {
      if (answer.notSent !== true) return change(appid, afterSent(monotonicMs()));
      const reason = unreachableReason(answer, outcome);
      if (reason !== null) change(appid, afterNotSent(of(appid), { startedAtMs, reason }, now()));
    },
    noteProbe: (appid, reason) => change(appid, afterProbe(of(appid), reason, now())),
    bell: bellOf,
  };
}

/**
 * Why nothing can be sent, if the way to WeChat is at fault. A call of ours that we ended ourselves says nothing, and
 * a stop or a throttle that answered the token call pauses the app instead.
 */
export function unreachableReason(answer: Answer, outcome: Outcome | null): string | null {
  if (answer.notSent !== true || answer.failure === 'aborted') return null;
  if (outcome === null || outcome.kind === 'token') return 'WeChat refuses the token';
  return outcome.kind === 'unknown' ? outcome.reason.replace(/^not sent: /, '') : null;
}
