import type { Queryable } from '../../db/client.ts';
import type { Received } from '../kafka/message.ts';
import type { Log } from '../log.ts';
import {
  insertUploads,
  positionOf,
  readRivals,
  type Inserted,
  type NewUpload,
  type Progress,
} from '../upload/insert-store.ts';
import { paymentIn } from '../shipment/payment.ts';
import { addAccepted, type AcceptDeps, type AcceptOptions, type Accepted } from './accepted.ts';
import { isRepeat, judgeLeftOut } from './batch.ts';
import { namesOf, type Decoded } from './decode.ts';
import { insertReceipts, readReceiptRivals } from './receipt-store.ts';
import { judgeReceipt, namesOfReceipt, type NewReceipt } from './receipt.ts';
import { renderReceipt, renderUpload } from './render.ts';
import { insertRepeats } from './repeat-store.ts';
import { insertDeadLetters, noteProgress, outcomeOf, type NewDeadLetter } from './store.ts';

/** Messages of one partition in their order, and where the group stands when they are in. */
export type Chunk = { decoded: readonly Decoded[]; progress: Progress | null };

/** The first `count` messages: the group has come to the end of them. */
export function firstOf({ decoded, progress }: Chunk, count: number): Chunk {
  const first = decoded.slice(0, count);
  const last = first.at(-1);
  const next = last === undefined ? 0 : last.received.offset + 1;
  return { decoded: first, progress: progress === null ? null : { ...progress, next } };
}

/**
 * A message that the database refuses, or that we stumble over, must not hold up the others: the chunk is halved until it
 * stands alone (P7). Then it is tried once more, and becomes a dead letter.
 */
export async function acceptChunk(deps: AcceptDeps, chunk: Chunk, options: AcceptOptions): Promise<Accepted> {
  const outcome = await outcomeOf(insertChunk(deps, chunk, options));
  if (outcome.kind === 'written') return outcome.value;
  const { decoded, progress } = chunk;
  const [only] = decoded;
  if (decoded.length === 1 && only !== undefined) return acceptAlone(deps, { only, progress }, options);
  const middle = Math.ceil(decoded.length / 2);
  const first = await acceptChunk(deps, firstOf(chunk, middle), options);
  const second = await acceptChunk(deps, { decoded: decoded.slice(middle), progress }, options);
  return addAccepted(first, second);
}

/** As it is; as a dead letter; and where not even that can be kept, as one that says where the message lies. */
async function acceptAlone(
  deps: AcceptDeps,
  { only, progress }: { only: Decoded; progress: Progress | null },
  options: AcceptOptions,
): Promise<Accepted> {
  const again = await outcomeOf(insertChunk(deps, { decoded: [only], progress }, options));
  if (again.kind === 'written') return again.value;
  const letter = refusedLetter(only, again.detail);
  const kept = await outcomeOf(insertChunk(deps, { decoded: [letter], progress }, options));
  if (kept.kind === 'written') return kept.value;
  return insertChunk(deps, { decoded: [bareLetter(letter, kept.detail)], progress }, options);
}

type Dead = Extract<Decoded, { kind: 'dead' }>;

function refusedLetter(one: Decoded, detail: string): Dead {
  if (one.kind === 'dead') return { ...one, detail };
  const { received, event } = one;
  const { id: eventId, type, source, appid } = event;
  const version = 'version' in event ? event.version : null;
  // Not through renderUpload: it may be what stumbles.
  const { order_key: key } = Object(event.data) as { order_key?: unknown };
  const names = { eventId, type, source, appid, version, payment: paymentIn(key) };
  return { ...names, kind: 'dead', received, reason: 'invalid', detail };
}

/** Its bytes are left where they lie, on its topic; who wrote it finds the answer by its names. */
const bareLetter = ({ received, ...letter }: Dead, detail: string): Dead => ({
  ...letter,
  received: { ...received, key: null, value: null, headers: {}, rawHeaders: [] },
  detail: `${letter.detail}; its bytes are not kept: ${detail}`,
});

/** An event with the message that brought it; positions tell apart two that share an event id. */
type Offered = { upload: NewUpload; received: Received };

async function insertChunk(
  { pool, log }: AcceptDeps,
  { decoded, progress }: Chunk,
  { acknowledgements, readFirst }: AcceptOptions,
): Promise<Accepted> {
  const offered = decoded.flatMap((one): Offered[] =>
    one.kind === 'event' ? [{ upload: renderUpload(one), received: one.received }] : [],
  );
  const unreadable = decoded.filter((one) => one.kind === 'dead');
  const receipts = decoded.flatMap((one) => (one.kind === 'received' ? [one] : []));
  // No transaction around the statements: each is idempotent, and the last of them alone notes how far the group is.
  const mayBeLast = unreadable.length + receipts.length === 0 ? progress : null;
  const inserted =
    offered.length === 0
      ? none
      : await insertUploads(pool, uploadsOf(offered), { acknowledgements, progress: mayBeLast, readFirst });
  const isIn = ({ upload }: Offered): boolean => inserted.positions?.has(positionOf(upload)) ?? true;
  if (log.isLevelEnabled('debug')) for (const one of offered) logAccepted(log, one.upload, isIn(one));
  const leftOut = offered.filter((one) => !isIn(one));
  const judged = leftOut.filter(({ upload }) => !inserted.forgotten.has(positionOf(upload)));
  const refused = await judge(pool, judged);
  const received =
    receipts.length === 0 ? noReceipts : await acceptReceipts(pool, receipts, acknowledgements);
  const letters: NewDeadLetter[] = [...unreadable, ...refused, ...received.refused];
  if (letters.length > 0) await insertDeadLetters(pool, letters, { acknowledgements, progress });
  else if (leftOut.length + receipts.length > 0 && progress !== null) await noteProgress(pool, progress);
  for (const letter of letters) logDead(log, letter);
  return {
    inserted: inserted.count - inserted.superseded + received.first,
    duplicate: leftOut.length - refused.length + received.duplicate,
    superseded: inserted.superseded + received.second,
    dead: letters.length,
  };
}

/** The dead letters among the rows that the insert left out; the others are there already. */
async function judge(pool: Queryable, leftOut: readonly Offered[]): Promise<NewDeadLetter[]> {
  if (leftOut.length === 0) return [];
  const rivals = await readRivals(pool, uploadsOf(leftOut));
  const repeats = uploadsOf(leftOut).filter((upload) => isRepeat(upload, rivals));
  if (repeats.length > 0) await insertRepeats(pool, repeats);
  return leftOut.flatMap(({ upload, received }) => {
    const judged = judgeLeftOut(upload, rivals);
    return judged.kind === 'duplicate' ? [] : [{ ...namesOf(upload), ...judged, received }];
  });
}

/** Received events by what became of them; `second` are those whose payment has its reminder already. */
type Receipts = { first: number; second: number; duplicate: number; refused: NewDeadLetter[] };
const noReceipts: Receipts = { first: 0, second: 0, duplicate: 0, refused: [] };

async function acceptReceipts(
  pool: Queryable,
  decoded: readonly Extract<Decoded, { kind: 'received' }>[],
  acknowledgements: boolean,
): Promise<Receipts> {
  const offered = decoded.map((one) => ({ receipt: renderReceipt(one), received: one.received }));
  const receiptsOf = (some: typeof offered): NewReceipt[] => some.map(({ receipt }) => receipt);
  const inserted = await insertReceipts(pool, receiptsOf(offered), { acknowledgements });
  const first = inserted.filter((one) => one.first).length;
  const places = new Set(inserted.map(positionOf));
  const leftOut = offered.filter(({ receipt }) => !places.has(positionOf(receipt)));
  const rivals = leftOut.length === 0 ? null : await readReceiptRivals(pool, receiptsOf(leftOut));
  const refused = leftOut.flatMap(({ receipt, received }): NewDeadLetter[] => {
    const judged = rivals === null ? null : judgeReceipt(receipt, rivals);
    return judged?.kind === 'conflict'
      ? [{ ...namesOfReceipt(receipt), received, reason: 'conflict', detail: judged.detail }]
      : [];
  });
  return {
    first,
    second: inserted.length - first,
    duplicate: leftOut.length - refused.length,
    refused,
  };
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
