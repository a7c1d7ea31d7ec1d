import { partitionIds, type OutboxPartition } from './partition-store.ts';

/** Two million ids ahead: at 5,000 a second, more than six minutes of trying. */
const aheadPartitions = 2;

/** The partitions to make so that ids have one for a while. Pure. */
export function missingPartitions(present: readonly OutboxPartition[], lastId: number): OutboxPartition[] {
  const end = Math.max(0, ...present.map((partition) => partition.to));
  const wanted = (Math.floor(lastId / partitionIds) + 1 + aheadPartitions) * partitionIds;
  const missing: OutboxPartition[] = [];
  for (let from = end; from < wanted; from += partitionIds)
    missing.push({ name: `outbox_p${from / partitionIds}`, from, to: from + partitionIds });
  return missing;
}

/** Partitions that lie behind the cursor as a whole. Pure; their age is checked one by one. */
export const passedPartitions = (present: readonly OutboxPartition[], cursor: number): OutboxPartition[] =>
  present.filter((partition) => partition.to <= cursor);
