import type { Consumer } from 'kafkajs';
import { messageOf } from '../errors.ts';
import type { Batch, GroupOptions } from './group-options.ts';

/**
 * Says to the group how far it is. A member that the coordinator forgot (a restart, a rebalance) cannot commit, and kafkajs
 * would take that for a crash. The rows are in; the next commit or the next owner of the partition goes on from here.
 */
export async function commit(
  consumer: Consumer,
  { mark, log }: GroupOptions,
  { topic, partition, next }: Pick<Batch, 'topic' | 'partition' | 'next'>,
): Promise<void> {
  const offsets = [{ topic, partition, offset: String(next), metadata: mark ?? null }];
  await consumer.commitOffsets(offsets).catch((error: unknown) => {
    log.warn({ topic, partition, next, err: messageOf(error) }, 'offset.not_committed');
  });
}
