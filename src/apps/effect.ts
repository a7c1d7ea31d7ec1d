import type { Outcome } from '../wechat/outcome.ts';

/** What an outcome means for the whole app; the row's own way is decided in upload/decide-send.ts. */
export type AppEffect =
  | { kind: 'none' }
  | { kind: 'slow_down'; forMs: number }
  /** 45009: what is left decides for how long the endpoint stops; see rates.ts. */
  | { kind: 'quota'; endpoint: 'upload' | 'read' }
  | { kind: 'pause'; endpoint: Endpoint; errcode: number; reason: string; resumeAt: Date | null };

/** What a pause covers: one endpoint, or the app as a whole. */
export type Endpoint = 'upload' | 'read' | '*';

export function appEffectOf(outcome: Outcome, endpoint: 'upload' | 'read'): AppEffect {
  if (outcome.kind === 'account_stop') {
    return {
      kind: 'pause',
      endpoint: '*',
      errcode: outcome.errcode,
      reason: outcome.reason,
      resumeAt: outcome.resumesAt ?? null,
    };
  }
  if (outcome.kind !== 'throttled') return { kind: 'none' };
  if (outcome.scope === 'minute') return { kind: 'slow_down', forMs: outcome.retryAfterMs };
  return { kind: 'quota', endpoint };
}
