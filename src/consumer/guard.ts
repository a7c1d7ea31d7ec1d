import type { Pool } from '../../db/client.ts';
import { sleep } from '../clock.ts';
import { FahuoError, messageOf } from '../errors.ts';
import { createAdmin, type Admin } from '../kafka/admin.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { readDeployment, readTaken } from './deployment-store.ts';
import { ownerMark, strangersOf } from './owner.ts';

export type GuardDeps = { pool: Pool; connection: KafkaConnection; log: Log; metrics: Metrics };
/** `role`: whose wait it is; the consumer's where it is not said. */
export type GuardedGroup = { group: string; topic: string; role?: string };

const everyMs = 30_000;
const retryMs = 1_000;

/** The databases that a group belongs to beside this one; empty when it may be joined. */
export async function readStrangers(
  { pool, admin }: { pool: Pool; admin: Admin },
  named: GuardedGroup,
): Promise<{ own: string; strangers: string[] }> {
  const deployment = await readDeployment(pool);
  if (deployment === null)
    throw new FahuoError('INVARIANT', 'fahuo.deployment has no row: this database has no name');
  const metadata = await admin.groupMetadata(named.group, named.topic);
  const taken = await readTaken(pool, named);
  return { own: deployment.id, strangers: strangersOf(metadata, { own: deployment.id, taken }) };
}

/**
 * Waits until the group is known to be ours, and says the mark for its commits; null when stopped before that.
 * @throws FahuoError GROUP_OF_ANOTHER_DATABASE: two databases in one group would take events from one another.
 */
export async function joinGuarded(
  deps: GuardDeps,
  named: GuardedGroup,
  signal: AbortSignal,
): Promise<string | null> {
  return withAdmin(deps, async (admin) => {
    while (!signal.aborted) {
      const own = await checkOnce(deps, { admin, named });
      if (own !== null) return ownerMark(own);
      await sleep(retryMs, signal);
    }
    return null;
  });
}

/** Looks again and again: a second deployment that joined at the same moment shows in its first commits. */
export async function watchGroup(deps: GuardDeps, named: GuardedGroup, signal: AbortSignal): Promise<void> {
  await withAdmin(deps, async (admin) => {
    for (;;) {
      await sleep(everyMs, signal);
      if (signal.aborted) return;
      await checkOnce(deps, { admin, named });
    }
  });
}

/** This database's name; null when Kafka or Postgres could not say. */
async function checkOnce(
  { pool, log, metrics }: GuardDeps,
  { admin, named }: { admin: Admin; named: GuardedGroup },
): Promise<string | null> {
  try {
    const { own, strangers } = await readStrangers({ pool, admin }, named);
    if (strangers.length > 0) throw foreign(named, { own, strangers });
    return own;
  } catch (error) {
    if (error instanceof FahuoError && error.code === 'GROUP_OF_ANOTHER_DATABASE') throw error;
    metrics.waits.set(named.role ?? 'consume', messageOf(error)); // until the first fetch
    log.warn({ group: named.group, err: messageOf(error) }, 'group.not_checked');
    return null;
  }
}

const foreign = (
  { group, topic }: GuardedGroup,
  { own, strangers }: { own: string; strangers: readonly string[] },
): FahuoError =>
  new FahuoError(
    'GROUP_OF_ANOTHER_DATABASE',
    `the consumer group ${group} of ${topic} belongs to the database ${strangers.join(', ')}, and this one is ${own}`,
  );

async function withAdmin<T>({ connection, log }: GuardDeps, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = createAdmin(connection, log);
  try {
    return await work(admin);
  } finally {
    await admin.close().catch(() => undefined);
  }
}
