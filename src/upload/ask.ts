import type { ReadResult } from '../wechat/client.ts';
import { readAcknowledgedBodies } from './claim-store.ts';
import { readTombstone } from './tombstone-store.ts';
import { compare, contentOf, finishes, paymentKeyOf } from './content.ts';
import type { Reading, Siblings } from './decide-read.ts';
import { appEffectOf } from './decide-send.ts';
import type { UploaderDeps } from './deps.ts';
import type { Pauses } from './pauses.ts';
import { pauseForQuota } from './quota.ts';
import type { AttemptRecord, Held } from './row.ts';
import type { Outcome } from '../wechat/outcome.ts';

export type AskDeps = Pick<UploaderDeps, 'pool' | 'wechat' | 'budget' | 'clock' | 'random' | 'metrics'> & {
  pauses: Pauses;
};

/** get_order for one row: what it says about the row's content, and the record of it. */
export async function askWechat(
  deps: AskDeps,
  row: Held,
  signal: AbortSignal,
): Promise<{ reading: Reading; attempt: AttemptRecord }> {
  const content = contentOf(row.body);
  const read = await deps.wechat.getOrder({ appid: row.appid, key: paymentKeyOf(content) }, signal);
  const outcome = outcomeName(read);
  const { answer } = read;
  deps.metrics.uploadAttempts.inc({ kind: 'read', outcome, errcode: String(answer.errcode) });
  if (read.kind === 'failed') await applyToApp(deps, row.appid, read.outcome, { endpoint: 'read' });
  const reading: Reading =
    read.kind === 'order'
      ? { kind: 'verdict', verdict: compare(content, read.order), shipped: read.order.shipping !== null }
      : read.kind === 'absent'
        ? read
        : { kind: 'failed', reason: `${answer.errcode ?? answer.failure ?? 'no answer'}` };
  return { reading, attempt: { kind: 'read', outcome, answer, uploadTimeMs: null } };
}

const outcomeName = (read: ReadResult): string => (read.kind === 'failed' ? read.outcome.kind : read.kind);

/** Carries a throttle or a stop to everybody who calls for this app. */
export async function applyToApp(
  deps: Pick<AskDeps, 'budget' | 'pauses' | 'wechat' | 'clock' | 'random'>,
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

/** What our own record says of the payment's other events. */
export async function readSiblings({ pool }: Pick<AskDeps, 'pool'>, row: Held): Promise<Siblings> {
  const bodies = await readAcknowledgedBodies(pool, row);
  const grave = row.caution == null ? null : await readTombstone(pool, row);
  return {
    finished: grave?.finished === true || bodies.some(({ body }) => finishes(contentOf(body))),
    chanceSpent: grave?.chanceSpent === true,
    acknowledgedHashes: bodies.map(({ bodyHash }) => bodyHash),
  };
}
