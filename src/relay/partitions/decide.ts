import { partitionIds, type OutboxPartition } from './store.ts';

/** Two million ids ahead: at 5,000 a second, more than six minutes of trying. */
const aheadPartitions = 2;

/** The partitions to make so that ids have one for a while; one that could not be made is tried again. Pure. */
export function missingPartitions(present: readonly OutboxPartition[], lastId: number): OutboxPartition[] {
  const current = Math.floor(lastId / partitionIds);
  return Array.from({ length: aheadPartitions + 1 }, (_, ahead) => current + ahead)
    .map((number) => ({
      name: `outbox_p${number}`,
      from: number * partitionIds,
      to: (number + 1) * partitionIds,
    }))
    .filter(({ to }) => !present.some((partition) => partition.from < to && partition.to >= to));
}

/** Partitions that lie behind the cursor as a whole. Pure; their age is checked one by one. */
export const passedPartitions = (present: readonly OutboxPartition[], cursor: number): OutboxPartition[] =>
  present.filter((partition) => partition.to <= cursor);
