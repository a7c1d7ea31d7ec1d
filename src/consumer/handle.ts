import type { Pool } from '../../db/client.ts';
import { turn } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Received } from '../kafka/message.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import {
  insertUploads,
  positionOf,
  readRivals,
  type Inserted,
  type NewUpload,
  type Progress,
} from '../upload/insert-store.ts';
import { chunksOf, judgeLeftOut } from './batch.ts';
import { decode, type Decoded, type DecodeOptions } from './decode.ts';
import { renderUpload } from './render.ts';
import { insertDeadLetters, noteProgress, type NewDeadLetter } from './store.ts';

export type AcceptDeps = { pool: Pool; log: Log; metrics: Metrics };
export type AcceptOptions = DecodeOptions & { acknowledgements: boolean };
/** Where the group stands when all the messages are in; a replay has no place to keep. */
export type LiveOptions = AcceptOptions & { progress?: Progress };

/** What became of messages; the numbers add up to the messages given. */
export type Accepted = { inserted: number; duplicate: number; superseded: number; dead: number };

const nothing: Accepted = { inserted: 0, duplicate: 0, superseded: 0, dead: 0 };

const add = (left: Accepted, right: Accepted): Accepted => ({
  inserted: left.inserted + right.inserted,
  duplicate: left.duplicate + right.duplicate,
  superseded: left.superseded + right.superseded,
  dead: left.dead + right.dead,
});

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
  let sum = nothing;
  let storing: Promise<void> = Promise.resolve();
  const store = async (chunk: Chunk): Promise<void> => {
    const accepted = await acceptChunk(deps, chunk, options);
    count(deps.metrics, accepted);
    sum = add(sum, accepted);
  };
  const chunks = chunksOf(messages);
  for (const chunk of chunks) {
    // One is decoded while the one before it is stored.
    const decoded = chunk.map((message) => decode(message, options));
    const whole = { decoded, progress: options.progress ?? null };
    await storing;
    storing = store(chunk === chunks.at(-1) ? whole : upTo(whole, chunk.length));
    storing.catch(() => undefined); // it is awaited in the next turn
    await turn(); // what was handed over is on its way then
  }
  await storing;
  return sum;
}

/** Messages of one partition in their order, and where the group stands when they are in. */
type Chunk = { decoded: readonly Decoded[]; progress: Progress | null };

/** The first `count` messages: the group has come to the end of them. */
function upTo({ decoded, progress }: Chunk, count: number): Chunk {
  const first = decoded.slice(0, count);
  const last = first.at(-1);
  const next = last === undefined ? 0 : last.received.offset + 1;
  return { decoded: first, progress: progress === null ? null : { ...progress, next } };
}

/** A row that the database refuses must not hold up the others: the chunk is halved until it stands alone (P7). */
async function acceptChunk(deps: AcceptDeps, chunk: Chunk, options: AcceptOptions): Promise<Accepted> {
  try {
    return await insertChunk(deps, chunk, options);
  } catch (error) {
    if (!isDataError(error)) throw error;
    const { decoded, progress } = chunk;
    const [only] = decoded;
    if (decoded.length > 1 || only === undefined) {
      const middle = Math.ceil(decoded.length / 2);
      const first = await acceptChunk(deps, upTo(chunk, middle), options);
      return add(first, await acceptChunk(deps, { decoded: decoded.slice(middle), progress }, options));
    }
    const { received } = only;
    const detail = `the database refused it: ${messageOf(error)}`;
    const payment = only.kind === 'event' ? renderUpload(only).payment : only.payment;
    const dead: Decoded = { kind: 'dead', received, reason: 'invalid', detail, eventId: null, payment };
    return insertChunk(deps, { decoded: [dead], progress }, options);
  }
}

/** Classes 22 and 23: the data is at fault, and trying again does not mend it. */
const isDataError = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  typeof error.code === 'string' &&
  /^2[23]/.test(error.code);

/** An event with the message that brought it; positions tell apart two that share an event id. */
type Offered = { upload: NewUpload; received: Received };

async function insertChunk(
  { pool, log }: AcceptDeps,
  { decoded, progress }: Chunk,
  { acknowledgements }: AcceptOptions,
): Promise<Accepted> {
  const offered = decoded.flatMap((one): Offered[] =>
    one.kind === 'event' ? [{ upload: renderUpload(one), received: one.received }] : [],
  );
  const unreadable = decoded.filter((one) => one.kind === 'dead');
  // No transaction around the statements: each is idempotent, and the last of them alone notes how far the group is.
  const mayBeLast = unreadable.length === 0 ? progress : null;
  const inserted =
    offered.length === 0
      ? none
      : await insertUploads(pool, uploadsOf(offered), { acknowledgements, progress: mayBeLast });
  const isIn = ({ upload }: Offered): boolean => inserted.positions?.has(positionOf(upload)) ?? true;
  if (log.isLevelEnabled('debug')) for (const one of offered) logAccepted(log, one.upload, isIn(one));
  const leftOut = offered.filter((one) => !isIn(one));
  const judged = leftOut.filter(({ upload }) => !inserted.forgotten.has(positionOf(upload)));
  const refused = await judge(pool, judged);
  const letters: NewDeadLetter[] = [...unreadable, ...refused];
  if (letters.length > 0) await insertDeadLetters(pool, letters, progress);
  else if (leftOut.length > 0 && progress !== null) await noteProgress(pool, progress);
  for (const letter of letters) logDead(log, letter);
  return {
    inserted: inserted.count - inserted.superseded,
    duplicate: leftOut.length - refused.length,
    superseded: inserted.superseded,
    dead: letters.length,
  };
}

/** The dead letters among the rows that the insert left out; the others are there already. */
async function judge(pool: Pool, leftOut: readonly Offered[]): Promise<NewDeadLetter[]> {
  if (leftOut.length === 0) return [];
  const rivals = await readRivals(pool, uploadsOf(leftOut));
  return leftOut.flatMap(({ upload, received }) => {
    const judged = judgeLeftOut(upload, rivals);
    return judged.kind === 'duplicate'
      ? []
      : [{ ...judged, received, eventId: upload.event_id, payment: upload.payment }];
  });
}

const uploadsOf = (offered: readonly Offered[]): NewUpload[] => offered.map(({ upload }) => upload);

const none: Inserted = { count: 0, superseded: 0, positions: null, forgotten: new Set() };

const logAccepted = (log: Log, upload: NewUpload, inserted: boolean): void =>
  log.debug(
    {
      event_id: upload.event_id,
      appid: upload.appid,
      payment: upload.payment,
      version: upload.version,
      topic: upload.topic,
      partition: upload.partition,
      offset: upload.offset,
      inserted,
      traceparent: upload.traceparent ?? undefined,
    },
    'event.accepted',
  );

const logDead = (log: Log, { received, reason, detail, eventId }: NewDeadLetter): void =>
  log.warn(
    {
      topic: received.topic,
      partition: received.partition,
      offset: received.offset,
      event_id: eventId,
      reason,
      detail: detail.slice(0, 300),
    },
    'message.dead_lettered',
  );

function count(metrics: Metrics, accepted: Accepted): void {
  for (const [result, number] of Object.entries(accepted))
    if (number > 0) metrics.consumerMessages.inc({ result }, number);
}
