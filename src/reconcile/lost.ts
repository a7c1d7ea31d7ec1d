import type { Queryable } from '../../db/client.ts';
import type { Received } from '../kafka/message.ts';
import { topicOf } from '../relay/batch.ts';
import { locate } from '../relay/journal/locate.ts';
import { messageFrom } from '../relay/journal/read-range.ts';
import type { EventPlace } from './decide.ts';
import type { ReconcileOptions } from './deps.ts';
import { readConsumed, readEnded, readHeldEvents, type HeldEvent, type Name } from './held-store.ts';

/** Where the events of a payment are, and the messages of those that were lost, in their order. */
export type Events = { place: EventPlace; lost: Received[] };

const none: Events = { place: 'none', lost: [] };
type Options = Pick<ReconcileOptions, 'topics' | 'group'>;

/**
 * Of payments without uploads. An event is lost when the live group has passed its place in the topic and nothing is left
 * of it: its message is made again from the outbox, as the relay made it.
 */
export async function readEvents(
  db: Queryable,
  options: Options,
  { appid, names }: { appid: string; names: readonly Name[] },
): Promise<ReadonlyMap<string, Events>> {
  if (names.length === 0) return new Map();
  const ended = await readEnded(db, appid, names);
  const events = await readHeldEvents(db, appid, names);
  const consumed = await readConsumed(db, { group: options.group, topic: options.topics.events });
  const found = new Map<string, Events>();
  for (const id of ended) found.set(id, { place: 'ended', lost: [] });
  for (const event of events) {
    if (ended.has(event.transactionId) || topicOf(event.type, options.topics) !== options.topics.events)
      continue;
    const message = await lostMessage(db, event, { options, consumed });
    const { lost } = found.get(event.transactionId) ?? none;
    const next = message === null ? lost : [...lost, message];
    found.set(event.transactionId, { place: next.length > 0 ? 'lost' : 'under_way', lost: next });
  }
  return found;
}

/** Null while the event is on its way, and where no journal says any more where it lay. */
async function lostMessage(
  db: Queryable,
  event: HeldEvent,
  { options, consumed }: { options: Options; consumed: ReadonlyMap<number, number> },
): Promise<Received | null> {
  if (!event.published && event.parked === null) return null;
  const place = await locate(db, event, options.topics);
  if (place === null || place.topic !== options.topics.events) return null;
  const { topic, partition, offset } = place;
  return (consumed.get(partition) ?? 0) > offset ? messageFrom(event, { topic, partition, offset }) : null;
}
