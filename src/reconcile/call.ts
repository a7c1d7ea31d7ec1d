import { sleep } from '../clock.ts';
import { cutText, storable } from '../text.ts';
import { applyButItsDay, takeRead } from '../upload/read-order.ts';
import type { Answer } from '../wechat/answer.ts';
import type { Failed } from '../wechat/client.ts';
import type { ReconcileDeps } from './deps.ts';
import { saveFailure, type Saved } from './store.ts';
import { backoffOf } from './windows.ts';

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

/** Whether WeChat's answer is about the payment that was asked for, and not about the app, its quota or the way there. */
export const isOfPayment = ({ outcome, answer }: Failed): boolean =>
  answer.errcode !== null && ['invalid', 'read_first', 'unknown', 'unchanged'].includes(outcome.kind);

export const describeAnswer = ({ errcode, errmsg, failure }: Answer): string =>
  errcode === null
    ? `WeChat does not answer (${failure ?? 'no body that could be read'})`
    : errcode === 0
      ? 'WeChat answers something else than documented'
      : `WeChat answers ${errcode} ${errmsg ?? ''}`.trimEnd();

/** A sweep's call failed: what that means to the app is carried there, and the sweep waits. */
export async function failSweep(
  deps: ReconcileDeps,
  saved: Saved & { failures: number },
  { outcome, answer }: Failed,
): Promise<void> {
  const { appid, sweep, failures } = saved;
  const quotaIsGone = await applyButItsDay(deps, appid, outcome);
  const failure = storable(cutText(describeAnswer(answer), keptFailure));
  const retryMs = backoffOf(failures, quotaIsGone);
  deps.log.warn({ appid, sweep, err: failure, retry_in_ms: retryMs }, 'reconcile.waits');
  await saveFailure(deps.pool, saved, { failure, retryMs, dropCursor: answer.errcode === badCursor });
}
const keptFailure = 300;

/** The code of a cursor that WeChat does not take any more (wechat.md §1.4). */
const badCursor = 10060011;
