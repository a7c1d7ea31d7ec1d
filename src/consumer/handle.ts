import { turn } from '../clock.ts';
import type { Received } from '../kafka/message.ts';
import type { Metrics } from '../metrics.ts';
import type { Progress } from '../upload/insert-store.ts';
import { addAccepted, noneAccepted, type AcceptDeps, type AcceptOptions, type Accepted } from './accepted.ts';
import { chunksOf } from './batch.ts';
import { acceptChunk, firstOf, type Chunk } from './chunk.ts';
import { decodeAll } from './decode-all.ts';
import { noteProgress } from './store.ts';

/** Where the group stands when all the messages are in; a replay keeps no progress. */
export type LiveOptions = AcceptOptions & { progress?: Progress };

/**
 * The idempotent door for everything that comes from a topic, the live group and replays alike: every message ends
 * as an upload row or as a dead letter, once, however often it comes. Rejects only when the database is away; what
 * was accepted before that stays accepted, and the group's progress is noted up to there.
 */
export async function acceptMessages(
  deps: AcceptDeps,
  messages: readonly Received[],
  options: LiveOptions,
): Promise<Accepted> {
  let sum = noneAccepted;
  let storing: Promise<void> = Promise.resolve();
  const store = async (chunk: Chunk): Promise<void> => {
    const accepted = await acceptChunk(deps, chunk, options);
    count(deps.metrics, accepted);
    sum = addAccepted(sum, accepted);
  };
  const chunks = chunksOf(messages);
  // A stretch of markers and aborted messages: the group has passed it all the same.
  if (chunks.length === 0 && options.progress !== undefined) await noteProgress(deps.pool, options.progress);
  for (const chunk of chunks) {
    // One is decoded while the one before it is stored.
    const decoded = await decodeAll(chunk, options);
    const whole = { decoded, progress: options.progress ?? null };
    await storing;
    storing = store(chunk === chunks.at(-1) ? whole : firstOf(whole, chunk.length));
    storing.catch(() => undefined); // it is awaited in the next turn
    await turn(); // what was handed over is on its way then
  }
  await storing;
  return sum;
}

function count(metrics: Metrics, accepted: Accepted): void {
  for (const [result, number] of Object.entries(accepted))
    if (number > 0) metrics.consumerMessages.inc({ result }, number);
}
