import type { Consumer } from 'kafkajs';
import { sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { createAdmin } from './admin.ts';
import { decideBeginning, type Positions } from './beginning.ts';
import type { KafkaConnection } from './connection.ts';
import { commit } from './commit.ts';
import type { MemberOptions } from './group-options.ts';

const retryMs = 1_000;

/**
 * After each join, and before anything is fetched: looks up what Kafka and the database say of the partitions, and sends
 * the member back where they differ. Until that is known the partitions are paused; kafkajs would otherwise move an offset that
 * is out of range on its own, and what it was is forgotten.
 */
export function watchJoins(
  connection: KafkaConnection,
  options: MemberOptions,
  { consumer, signal }: { consumer: Consumer; signal: AbortSignal },
): void {
  let joins = 0;
  const fetches = watchFetches(consumer, options);
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const join = (joins += 1);
    fetches.areMeant = false;
    const { topic, groupId: group, log } = options;
    const partitions = payload.memberAssignment[topic] ?? [];
    log.info({ topic, group, partitions, member: payload.memberId }, 'consumer.joined');
    consumer.pause([{ topic, partitions }]);
    findPositions(connection, options, () => join === joins && !signal.aborted)
      .then((positions) => {
        if (positions === null || join !== joins) return; // another join came, or the end
        for (const partition of partitions) seekBeginning(consumer, options, { partition, positions });
        consumer.resume([{ topic, partitions }]);
        fetches.areMeant = true;
        return passLost(consumer, options, { partitions, positions, signal });
      })
      // A member that ended meanwhile takes neither; the next one looks again.
      .catch((error: unknown) => log.debug({ topic, group, err: messageOf(error) }, 'consumer.gone'));
  });
}

/** While partitions are paused kafkajs says that it fetched, and asks no broker. */
function watchFetches(consumer: Consumer, { onFetched }: MemberOptions): { areMeant: boolean } {
  const fetches = { areMeant: false };
  let began = false;
  consumer.on(consumer.events.FETCH_START, () => void (began = fetches.areMeant));
  consumer.on(consumer.events.FETCH, () => {
    if (began && fetches.areMeant) onFetched();
  });
  return fetches;
}

/** Tries until both answer; null when nobody waits for it any more. */
async function findPositions(
  connection: KafkaConnection,
  { topic, groupId, log, readNoted, onWait }: MemberOptions,
  isWanted: () => boolean,
): Promise<ReadonlyMap<number, Positions> | null> {
  while (isWanted()) {
    const admin = createAdmin(connection, log);
    try {
      const [available, committed, noted] = await Promise.all([
        admin.topicOffsets(topic),
        admin.groupOffsets(groupId, topic),
        readNoted(),
      ]);
      const of = (from: ReadonlyMap<number, number>, partition: number) => from.get(partition) ?? null;
      return new Map(
        available.map(({ partition, low, high }) => [
          partition,
          { committed: of(committed, partition), noted: of(noted, partition), low, high },
        ]),
      );
    } catch (error) {
      onWait?.(messageOf(error));
      log.warn({ topic, group: groupId, err: messageOf(error) }, 'consumer.beginning_unknown');
      await sleep(retryMs);
    } finally {
      await admin.close().catch(() => undefined);
    }
  }
  return null;
}

function seekBeginning(
  consumer: Consumer,
  { topic, groupId: group, log, reached, onLost }: MemberOptions,
  { partition, positions }: { partition: number; positions: ReadonlyMap<number, Positions> },
): void {
  const found = positions.get(partition);
  if (found === undefined) return;
  const beginning = decideBeginning(found);
  reached.set(partition, 'from' in beginning ? beginning.from : (found.committed ?? found.low));
  if (beginning.kind === 'agreed') return;
  const line = { topic, group, partition, ...found, ...beginning };
  if (beginning.kind === 'commit_lost') log.info(line, 'offset.differs');
  else log.warn(line, 'offset.differs');
  if (beginning.kind === 'messages_gone')
    onLost?.({ partition, from: beginning.firstGone, to: beginning.from });
  if ('from' in beginning) consumer.seek({ topic, partition, offset: String(beginning.from) });
}

/** What is gone is passed now, also where nothing follows it: or each member to come would find it again, and say it again. */
async function passLost(
  consumer: Consumer,
  options: MemberOptions,
  {
    partitions,
    positions,
    signal,
  }: { partitions: number[]; positions: ReadonlyMap<number, Positions>; signal: AbortSignal },
): Promise<void> {
  const { topic } = options;
  for (const partition of partitions) {
    const found = positions.get(partition);
    if (found === undefined || decideBeginning(found).kind !== 'messages_gone') continue;
    const { low: next, high: highWatermark } = found;
    // Messages that were read meanwhile are further on.
    if (options.reached.get(partition) !== next) continue;
    if (await options.onBatch({ topic, partition, messages: [], next, highWatermark }, signal))
      await commit(consumer, options, { topic, partition, next });
  }
}
