import { int4Array, int8Array, textArray } from '../../db/binary-array.ts';
import type { UploadKind } from '../../db/states.ts';

/** Events that are offered to fahuo.upload, as the insert takes them: one binary array a column. */

/** A validated event as a row; the names are the table's. */
export type NewUpload = {
  appid: string;
  payment: string;
  version: number;
  kind: UploadKind;
  event_id: string;
  source: string;
  event_time: string;
  reason: string | null;
  approved_by: string | null;
  traceparent: string | null;
  topic: string;
  partition: number;
  offset: number;
  body: string;
  body_hash: string;
  /** When the message was put on the topic, in Unix milliseconds; null where nobody says. */
  published_ms: number | null;
  /** What was changed because it means the same, one change a line. */
  notes: string | null;
};

export const offered = `unnest($1::text[], $2::text[], $3::int4[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
  $9::text[], $10::text[], $11::text[], $12::int4[], $13::int8[], $14::text[], $15::text[],
  $18::int8[], $23::text[]) as r(appid, payment, version, kind, event_id, source, event_time, reason, approved_by, traceparent, topic,
    partition, "offset", body, body_hash, published_ms, notes)`;

/** The parameters of `offered`, one a column. */
export const columnsOf = (uploads: readonly NewUpload[]): Buffer[] => {
  const texts = (name: TextColumn): Buffer => textArray(uploads.map((upload) => upload[name]));
  return [
    texts('appid'),
    texts('payment'),
    int4Array(uploads.map((upload) => upload.version)),
    texts('kind'),
    texts('event_id'),
    texts('source'),
    texts('event_time'),
    texts('reason'),
    texts('approved_by'),
    texts('traceparent'),
    texts('topic'),
    int4Array(uploads.map((upload) => upload.partition)),
    int8Array(uploads.map((upload) => upload.offset)),
    texts('body'),
    texts('body_hash'),
  ];
};
type TextColumn = Exclude<keyof NewUpload, 'version' | 'partition' | 'offset' | 'published_ms'>;

/** The parameter of `notes`. */
export const notesOf = (uploads: readonly NewUpload[]): Buffer =>
  textArray(uploads.map((upload) => upload.notes));

/** The last instant that a Date holds: what nobody dated is not older than a database. */
const undatedMs = 8.64e15;

/** The parameter of `published_ms`. */
export const publishedOf = (uploads: readonly NewUpload[]): Buffer =>
  int8Array(uploads.map((upload) => upload.published_ms ?? undatedMs));

export const insertColumns = `appid, payment, version, kind, event_id, source, event_time, reason, approved_by, traceparent, topic,
  partition, "offset", body, body_hash, state, finished_at, detail, caution, next_attempt_at, notes`;
