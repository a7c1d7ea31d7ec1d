import { monotonicMs, sleep } from '../clock.ts';
import type { ReadResult, WechatClient } from '../wechat/client.ts';
import type { Order } from '../wechat/order.ts';
import type { Outcome } from '../wechat/outcome.ts';
import { countAttempt, recordsOf, wasSent } from './attempt-records.ts';
import { insertAliases, putOffOtherKeys, readSiblingRows } from './alias-store.ts';
import { aliasOf } from './alias.ts';
import { readTombstonesOf } from './tombstone-store.ts';
import { compare, contentOf } from './content.ts';
import type { Reading } from './reading.ts';
import { appEffectOf } from '../apps/effect.ts';
import type { AttemptDeps, UploaderDeps } from './deps.ts';
import { pauseForQuota } from '../apps/rates.ts';
import type { AttemptRecord, LeasedRow } from './row.ts';
import { believed, noSiblings, siblingsOf, type Siblings } from './siblings.ts';

export type ReadDeps = Pick<
  AttemptDeps,
  'pool' | 'wechat' | 'budget' | 'clock' | 'random' | 'metrics' | 'pauses' | 'reach'
>;

export type OrderRead = {
  reading: Reading;
  /** Read after WeChat, and after what it says of the payment's keys is on record. */
  siblings: Siblings;
  /** Empty where nothing went out. */
  attempts: AttemptRecord[];
};

/** Waits for the share of reads; false when stopped meanwhile, or when it does not come in time (monotonicMs). */
export async function takeRead(
  { budget }: Pick<UploaderDeps, 'budget'>,
  appid: string,
  signal: AbortSignal,
  untilMs = Infinity,
): Promise<boolean> {
  while (!signal.aborted && monotonicMs() < untilMs) {
    const { granted, retryAfterMs } = await budget.take({ appid, kind: 'read', wanted: 1 });
    if (granted === 1) return true;
    await sleep(Math.min(retryAfterMs, Math.max(1, untilMs - monotonicMs())), signal);
  }
  return false;
}

/** get_order for one row: what it and our own record say about the row's content, and the record of the call. */
export async function readOrder(deps: ReadDeps, row: LeasedRow, signal: AbortSignal): Promise<OrderRead> {
  const { order_key: key } = contentOf(row.body);
  const startedAtMs = monotonicMs();
  const read = await deps.wechat.getOrder({ appid: row.appid, key }, signal);
  const outcome = read.kind === 'failed' ? read.outcome : null;
  deps.reach.noteCall(row.appid, { answer: read.answer, outcome, startedAtMs });
  const name = outcome?.kind ?? read.kind;
  const attempts = recordsOf({ kind: 'read', outcome: name, uploadTimeMs: null }, read).filter(wasSent);
  for (const attempt of attempts) countAttempt(deps.metrics, attempt);
  if (outcome !== null) await applyToApp(deps, row.appid, outcome, { endpoint: 'read' });
  if (read.kind !== 'order') return { reading: readingOf(read), siblings: noSiblings, attempts };
  const siblings = await readSiblings(deps, row, read.order);
  const verdict = compare(contentOf(row.body), read.order, siblings.acknowledged);
  const shipped = read.order.shipping !== null;
  return { reading: { kind: 'verdict', verdict: believed(verdict, siblings), shipped }, siblings, attempts };
}

const isNotSent = ({ answer }: ReadResult): boolean => answer.notSent === true;

function readingOf(read: Exclude<ReadResult, { kind: 'order' }>): Reading {
  if (read.kind === 'absent') return { kind: 'absent' };
  const { answer, outcome } = read;
  const blameless = isNotSent(read) || ['throttled', 'token', 'account_stop'].includes(outcome.kind);
  return { kind: 'failed', reason: `${answer.errcode ?? answer.failure ?? 'no answer'}`, blameless };
}

type TellDeps = Pick<ReadDeps, 'budget' | 'pauses' | 'clock' | 'random'> & {
  wechat: Pick<WechatClient, 'getQuota'>;
};

/**
 * As {@link applyToApp}, for an interface whose day is its own: when that is used up it waits, and nobody else. True then.
 */
export async function applyButItsDay(deps: TellDeps, appid: string, outcome: Outcome): Promise<boolean> {
  if (outcome.kind === 'throttled' && outcome.scope === 'day') return true;
  await applyToApp(deps, appid, outcome, { endpoint: 'read' });
  return false;
}

/** Carries a throttle or a stop to everybody who calls for this app. */
export async function applyToApp(
  deps: TellDeps,
  appid: string,
  outcome: Outcome,
  { endpoint }: { endpoint: 'upload' | 'read' },
): Promise<void> {
  const effect = appEffectOf(outcome, endpoint);
  switch (effect.kind) {
    case 'none':
      return;
    case 'slow_down':
      return deps.budget.slowDown(appid, effect.forMs);
    case 'quota':
      return pauseForQuota(deps, appid, effect).catch(() => undefined); // the copy in memory stays
    case 'pause':
      await deps.pauses.impose(appid, effect).catch(() => undefined);
  }
}

/** What our own record says of the payment's other events, under the keys that this read has shown as well. */
async function readSiblings(
  { pool }: Pick<ReadDeps, 'pool'>,
  row: LeasedRow,
  order: Order,
): Promise<Siblings> {
  const alias = aliasOf(row, order);
  if (alias !== null && (await insertAliases(pool, alias))) await putOffOtherKeys(pool, row);
  const rows = await readSiblingRows(pool, row, alias !== null);
  return siblingsOf(row, rows, await readTombstonesOf(pool, row));
}
