import type { DeadLetterReason } from '../../db/states.ts';
import type { Received } from '../kafka/message.ts';
import type { NewUpload, Rival } from '../upload/insert-store.ts';

const maxRows = 500;
/** A chunk is in memory several times over: as it came, decoded, and as a parameter. 500 ordinary events fit. */
const maxBytes = 524_288;

/** Cuts a batch into pieces that one statement takes: at most 500 rows and 512 KiB, a larger message alone. */
export function chunksOf(messages: readonly Received[]): Received[][] {
  const chunks: Received[][] = [];
  let chunk: Received[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    if (chunk.length > 0 && (chunk.length >= maxRows || bytes + size > maxBytes)) {
      chunks.push(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(message);
    bytes += size;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

const sizeOf = ({ key, value, rawHeaders = [] }: Received): number =>
  (key?.length ?? 0) +
  (value?.length ?? 0) +
  rawHeaders.reduce((sum, header) => sum + header.name.length + (header.value?.length ?? 0), 0);

/**
 * Whether the unique rules of fahuo.upload leave a row out beside these ones: what the insert itself decides, for those who
 * ask without inserting. One that is outdated goes on record as superseded, and takes no correction's place. Pure.
 */
export function isLeftOut(upload: NewUpload, rivals: readonly Rival[]): boolean {
  const wantsCorrection = upload.kind === 'corrected' && !isOutdated(upload, rivals);
  return rivals.some(
    (rival) =>
      isOfEvent(rival, upload) ||
      (isOfPayment(rival, upload) &&
        (rival.version === upload.version ||
          (wantsCorrection && rival.kind === 'corrected' && !isFailed(rival)))),
  );
}

/** A version that is older than an acknowledged one is on record and never sent. Pure. */
export const isOutdated = (upload: NewUpload, rivals: readonly Rival[]): boolean =>
  rivals.some(
    (rival) => isOfPayment(rival, upload) && rival.state === 'acknowledged' && rival.version > upload.version,
  );

export type LeftOut = { kind: 'duplicate' } | { kind: 'dead'; reason: DeadLetterReason; detail: string };

/**
 * Why a row was left out of the insert: a redelivery, or something that must not pass for one. Pure. An equal row makes
 * it a duplicate whatever else became of its event id: what it says is in the table.
 */
export function judgeLeftOut(upload: NewUpload, rivals: readonly Rival[]): LeftOut {
  if (rivals.some((rival) => isSame(rival, upload))) return { kind: 'duplicate' };
  if (rivals.some((rival) => isOfEvent(rival, upload)))
    return conflict(`the event id ${upload.event_id} of ${upload.source} was used before with other content`);
  const ofPayment = rivals.filter((rival) => isOfPayment(rival, upload));
  const sameVersion = ofPayment.find((rival) => rival.version === upload.version);
  if (sameVersion !== undefined)
    return conflict(
      `version ${upload.version} of this payment came before with other content (event ${sameVersion.eventId}): send the next version`,
    );
  const correction = ofPayment.find((rival) => rival.kind === 'corrected' && !isFailed(rival));
  return {
    kind: 'dead',
    reason: 'second_correction',
    detail: `the payment has its one correction already (event ${correction?.eventId ?? 'unknown'}): WeChat takes no second`,
  };
}

const isOfEvent = (rival: Rival, upload: NewUpload): boolean =>
  rival.eventId === upload.event_id && rival.source === upload.source;

/** Whether another event had the same version with the same content: that one's answer is this one's, too. Pure. */
export const isRepeat = (upload: NewUpload, rivals: readonly Rival[]): boolean =>
  rivals.some((rival) => isSame(rival, upload)) && !rivals.some((rival) => isOfEvent(rival, upload));

const isOfPayment = (rival: Rival, upload: NewUpload): boolean =>
  rival.appid === upload.appid && rival.payment === upload.payment;

/** A correction that was rejected or superseded leaves its place to another. */
const isFailed = ({ state }: Rival): boolean => state === 'rejected' || state === 'superseded';

export const isSame = (rival: Rival, upload: NewUpload): boolean =>
  isOfPayment(rival, upload) &&
  rival.version === upload.version &&
  rival.kind === upload.kind &&
  rival.bodyHash === upload.body_hash;

const conflict = (detail: string): LeftOut => ({ kind: 'dead', reason: 'conflict', detail });
