import type { Pool } from '../../db/client.ts';
import { monotonicMs, sleep } from '../clock.ts';
import type { Log } from '../log.ts';
import { runLoop, type StepResult } from '../loop.ts';
import { decideGraves, type Grave } from './forget.ts';
import { olderIsQuiet, releaseOlder } from './older-store.ts';
import * as store from './retention-store.ts';
import { writeTombstones } from './tombstone-store.ts';

/**
 * Retention. Reads and deletes the old end of every table; writes fahuo.tombstone.
 *
 * I1 A payment's tombstone is committed, and every insert that does not see it has ended, before its rows go: an event
 *    that comes at that moment finds the rows or the tombstone (P12).
 * I2 A payment is forgotten whole: all its rows are final and past their retention.
 * I3 A step is small and takes what nobody holds; one instance at a time does it, at its leisure.
 */
export type RetentionDeps = { pool: Pool; log: Log };
export type RetentionOptions = {
  instance: string;
  uploadMs: number;
  deadLetterMs: number;
  outboxMs: number;
  webhookDeliveredMs: number;
  webhookUndeliveredMs: number;
  /** How long nothing older than the database must have come before what is here is decided about. */
  olderQuietMs: number;
  /** Write acknowledgements to the ack topic as well as to the view. */
  acknowledgements: boolean;
  /** From one pass over the tables to the next. */
  everyMs: number;
};

const name = 'retention';
const leaseMs = 60_000;
const pageRows = 500;
/** As long as a step is short, retention has less than half of one connection. */
const stepGapMs = 50;
const insertersWithinMs = 10_000;
const insertersEveryMs = 20;
const tokenMs = 30 * 86_400_000;

export async function runRetention(
  deps: RetentionDeps,
  options: RetentionOptions,
  signal: AbortSignal,
): Promise<void> {
  const olderEveryMs = Math.min(5_000, options.everyMs);
  const loop = (loopName: string, everyMs: number, step: () => Promise<StepResult>): Promise<void> => {
    const waits = { idleMinMs: everyMs, idleMaxMs: everyMs, errorMinMs: everyMs, errorMaxMs: everyMs };
    return runLoop(step, { name: `retention.${loopName}`, ...waits, log: deps.log }, signal);
  };
  await Promise.all([
    loop('tables', options.everyMs, () => retain(deps, options, signal)),
    loop('older', olderEveryMs, () => releaseWaiting(deps, options)),
  ]);
}

/** One small step; `busy` while there may be more. */
export async function retain(
  deps: RetentionDeps,
  options: RetentionOptions,
  signal: AbortSignal,
): Promise<StepResult> {
  const { pool, log } = deps;
  const after = await store.takeMaintenance(pool, { name, owner: options.instance, leaseMs });
  if (after === null) return 'idle';
  const page = await store.readPage(pool, { after, limit: pageRows, retentionMs: options.uploadMs });
  const forgotten = await forget(deps, options, { page, signal });
  const trim = { limit: pageRows, retentionMs: options.outboxMs };
  const counts = {
    ...forgotten,
    dead_letters: await store.deleteDeadLetters(pool, {
      limit: pageRows,
      retentionMs: options.deadLetterMs,
    }),
    refused_offers: await store.deleteRefusedOffers(pool, {
      limit: pageRows,
      retentionMs: options.deadLetterMs,
    }),
    drawn_versions: await store.deleteDrawnVersions(pool, {
      limit: pageRows,
      retentionMs: Math.max(options.uploadMs, options.outboxMs),
    }),
    adopted: await store.deleteAdopted(pool, { limit: pageRows, retentionMs: options.uploadMs }),
    pushed: await store.deletePushed(pool, { limit: pageRows, retentionMs: options.uploadMs }),
    payments: await store.deletePayments(pool, { limit: pageRows, retentionMs: options.uploadMs }),
    findings: await store.deleteFindings(pool, { limit: pageRows, retentionMs: options.uploadMs }),
    receipts: await store.deleteReceipts(pool, { limit: pageRows, retentionMs: options.uploadMs }),
    replays: await store.deleteReplays(pool, { limit: pageRows, retentionMs: options.uploadMs }),
    webhooks: await forgetWebhooks(deps, options),
    outbox: await trimOutbox(pool, trim),
    journal: await store.deleteJournal(pool, trim),
    tokens: await store.deleteTokens(pool, tokenMs),
  };
  if (Object.values(counts).some((count) => count > 0)) log.debug(counts, 'retention.deleted');
  const over = page.length < pageRows || page.some((row) => row.fresh);
  const more = [
    counts.dead_letters,
    counts.refused_offers,
    counts.drawn_versions,
    counts.adopted,
    counts.pushed,
    counts.payments,
    counts.findings,
    counts.receipts,
    counts.webhooks,
    counts.outbox,
    counts.journal,
  ].some((count) => count === pageRows);
  const cursor = over ? 0 : (page.at(-1)?.id ?? 0);
  await store.saveMaintenance(pool, { name, owner: options.instance, cursor, over: over && !more });
  if (over && !more) return 'idle';
  await sleep(stepGapMs, signal);
  return 'busy';
}

async function forgetWebhooks({ pool, log }: RetentionDeps, options: RetentionOptions): Promise<number> {
  const { taken, untaken } = await store.deleteWebhooks(pool, { ...options, limit: pageRows });
  if (untaken > 0) log.warn({ rows: untaken }, 'webhook.forgotten');
  return Math.max(taken, untaken);
}

type Page = { page: readonly store.PageRow[]; signal: AbortSignal };

async function forget(
  { pool, log }: RetentionDeps,
  options: RetentionOptions,
  { page, signal }: Page,
): Promise<{ uploads: number; attempts: number }> {
  const nothing = { uploads: 0, attempts: 0 };
  const due = page.filter((row) => row.due);
  if (due.length === 0) return nothing;
  const graves = decideGraves(await store.readAged(pool, due, options.uploadMs));
  if (graves.length === 0) return nothing;
  await writeTombstones(pool, graves);
  if (!(await insertersEnded(pool, signal))) {
    log.info({ remedy: 'end the transaction that holds fahuo.upload open' }, 'retention.waits');
    return nothing;
  }
  return store.deleteForgotten(pool, idsOf(graves), options.uploadMs);
}

const idsOf = (graves: readonly Grave[]): number[] => graves.flatMap((grave) => grave.ids);

/** Whether all who may not see the tombstones have ended. */
async function insertersEnded(pool: Pool, signal: AbortSignal): Promise<boolean> {
  const deadline = monotonicMs() + insertersWithinMs;
  let open = await store.readInserters(pool);
  while (open.length > 0 && !signal.aborted && monotonicMs() < deadline) {
    await sleep(insertersEveryMs, signal);
    const now = new Set(await store.readInserters(pool));
    open = open.filter((inserter) => now.has(inserter));
  }
  return open.length === 0;
}

async function trimOutbox(pool: Pool, of: { limit: number; retentionMs: number }): Promise<number> {
  const upTo = await store.readPublishedUpTo(pool);
  for (const partition of await store.readPublishedPartitions(pool, upTo)) {
    const deleted = await store.deletePublished(pool, { ...of, partition, upTo });
    if (deleted > 0) return deleted;
  }
  return 0;
}

async function releaseWaiting({ pool, log }: RetentionDeps, options: RetentionOptions): Promise<StepResult> {
  if (!(await olderIsQuiet(pool, options.olderQuietMs))) return 'idle';
  const released = await releaseOlder(pool, {
    limit: pageRows,
    acknowledgements: options.acknowledgements,
  });
  if (released.rows === 0) return 'idle';
  log.info({ ...released }, 'older.released');
  return 'busy';
}
