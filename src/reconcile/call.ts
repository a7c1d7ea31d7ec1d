import { sleep } from '../clock.ts';
import { applyToApp, takeRead } from '../upload/read-order.ts';
import type { Answer } from '../wechat/answer.ts';
import type { Failed } from '../wechat/client.ts';
import type { ReconcileDeps } from './deps.ts';

/** Waits for a pause of the app's reads to end, and for the budget; false when `signal` aborts first. */
export async function mayRead(
  deps: Pick<ReconcileDeps, 'budget' | 'pauses'>,
  appid: string,
  signal: AbortSignal,
): Promise<boolean> {
  while (deps.pauses.isPaused(appid, 'read') && !signal.aborted) {
    await sleep(pauseLookMs, signal);
    await deps.pauses.refresh();
  }
  return takeRead(deps, appid, signal);
}
const pauseLookMs = 1_000;

/**
 * Carries what a failed call means to the app: a throttle slows all down, a stop pauses it. The list's quota of the day is
 * its own: it keeps the list waiting, and no read of the uploader. True where it is gone.
 */
export async function noteFailure(
  deps: Pick<ReconcileDeps, 'budget' | 'pauses' | 'wechat' | 'clock' | 'random'>,
  appid: string,
  { outcome }: Failed,
): Promise<boolean> {
  if (outcome.kind === 'throttled' && outcome.scope !== 'minute') return true;
  await applyToApp(deps, appid, outcome, { endpoint: 'read' });
  return false;
}

/** Whether WeChat's answer is about the payment that was asked for, and not about the app, its quota or the way there. */
export const isOfPayment = ({ outcome, answer }: Failed): boolean =>
  answer.errcode !== null && ['invalid', 'read_first', 'unknown', 'unchanged'].includes(outcome.kind);

export const describeAnswer = ({ errcode, errmsg, failure }: Answer): string =>
  errcode === null
    ? `WeChat does not answer (${failure ?? 'no body that could be read'})`
    : errcode === 0
      ? 'WeChat answers something else than documented'
      : `WeChat answers ${errcode} ${errmsg ?? ''}`.trimEnd();

/** The code of a cursor that WeChat does not take any more (wechat.md §1.4). */
export const badCursor = 10060011;
