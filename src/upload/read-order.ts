import { monotonicMs } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import type { ReadResult } from '../wechat/client.ts';
import type { Order } from '../wechat/order.ts';
import { isListed, type Outcome } from '../wechat/outcome.ts';
import { insertAliases, putOffOtherKeys, readSiblingRows } from './alias-store.ts';
import { aliasOf } from './alias.ts';
import { readTombstonesOf } from './tombstone-store.ts';
import { compare, contentOf } from './content.ts';
import type { Reading } from './decide-read.ts';
import { appEffectOf } from '../apps/effect.ts';
import type { UploaderDeps } from './deps.ts';
import type { Holds } from '../apps/holds.ts';
import type { Pauses } from '../apps/pauses.ts';
import { pauseForQuota } from '../apps/rates.ts';
import type { AttemptRecord, LeasedRow } from './row.ts';
import { believed, noSiblings, siblingsOf, type Siblings } from './siblings.ts';

export type ReadDeps = Pick<UploaderDeps, 'pool' | 'wechat' | 'budget' | 'clock' | 'random' | 'metrics'> & {
  pauses: Pauses;
  holds: Holds;
};

export type OrderRead = {
  reading: Reading;
  /** Read after WeChat, and after what it told of the payment's keys is on record. */
  siblings: Siblings;
  /** Empty where nothing went out. */
  attempts: AttemptRecord[];
};

/** get_order for one row: what it and our own record say about the row's content, and the record of the call. */
export async function readOrder(deps: ReadDeps, row: LeasedRow, signal: AbortSignal): Promise<OrderRead> {
  const { order_key: key } = contentOf(row.body);
  const startedAtMs = monotonicMs();
  const read = await deps.wechat.getOrder({ appid: row.appid, key }, signal);
  const outcome = outcomeName(read);
  const { answer } = read;
  deps.holds.heard(row.appid, { answer, outcome: read.kind === 'failed' ? read.outcome : null, startedAtMs });
  countAttempt(deps.metrics, { kind: 'read', outcome, answer });
  if (read.kind === 'failed') await applyToApp(deps, row.appid, read.outcome, { endpoint: 'read' });
  const attempts: AttemptRecord[] = isNotSent(read)
    ? []
    : [{ kind: 'read', outcome, answer, uploadTimeMs: null }];
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

/** Counts a request; codes that no list has share one label, so that no answer makes a new one. */
export function countAttempt(
  metrics: Metrics,
  { kind, outcome, answer }: Pick<AttemptRecord, 'kind' | 'outcome' | 'answer'>,
): void {
  if (answer.notSent === true) return;
  const { errcode } = answer;
  const label = errcode === null ? 'none' : isListed(errcode) ? String(errcode) : 'unlisted';
  metrics.uploadAttempts.inc({ kind, outcome, errcode: label });
}

const outcomeName = (read: ReadResult): string => (read.kind === 'failed' ? read.outcome.kind : read.kind);

/** Carries a throttle or a stop to everybody who calls for this app. */
export async function applyToApp(
  deps: Pick<ReadDeps, 'budget' | 'pauses' | 'wechat' | 'clock' | 'random'>,
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
      return pauseForQuota(deps, appid, effect).catch(() => undefined); // the copy in memory holds
    case 'pause':
      await deps.pauses.impose(appid, effect).catch(() => undefined);
  }
}

/** What our own record says of the payment's other events, under the keys that this read has told as well. */
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
