import { headerRoom, spanOf, writeHeader, type Span } from '../kafka/record-batch.ts';
import { columnsAt, withRoom, type OutboxRow } from './row.ts';

/** What rows with the same type, source and app have in common. */
type Kind = { start: Buffer; type: string; keyPrefix: Buffer; headers: Buffer };

const kindHeaders = 5;
const name = (text: string): Buffer => Buffer.from(text);
const names = {
  specversion: name('ce_specversion'),
  contentType: name('content-type'),
  type: name('ce_type'),
  source: name('ce_source'),
  appid: name('ce_appid'),
  id: name('ce_id'),
  time: name('ce_time'),
  version: name('ce_version'),
  reason: name('ce_reason'),
  approvedBy: name('ce_approvedby'),
  traceparent: name('traceparent'),
};
const specversion = spanOf(Buffer.from('1.0'));
const json = spanOf(Buffer.from('application/json'));

/** Key, value and headers of the row that was read last; the spans are written over by the next. */
export type MessageSpans = {
  type: string;
  key: Span;
  value: Span;
  headers: Span;
  headerCount: number;
};

/**
 * CloudEvents 1.0, binary mode: attributes in headers, the stored bytes as the value. Reads one row at a time into the
 * same memory.
 */
export function createMessageReader(): (row: OutboxRow) => MessageSpans {
  const kinds = new Map<string, Kind>();
  let kind: Kind | undefined;
  const key = spanOf(Buffer.allocUnsafe(1_024));
  const value = spanOf(key.bytes);
  const headers = spanOf(Buffer.allocUnsafe(4_096));
  const column = spanOf(key.bytes);
  const message: MessageSpans = { type: '', key, value, headers, headerCount: 0 };

  /** Sets `column` to the one that begins at `at`; false when it is null. */
  const next = (bytes: Buffer, at: number): boolean => {
    const length = bytes.readInt32BE(at);
    column.bytes = bytes;
    column.start = at + 4;
    column.end = at + 4 + Math.max(0, length);
    return length >= 0;
  };
  const addHeader = (header: Buffer): void => {
    headers.bytes = withRoom(headers.bytes, headers.end, headerRoom(header, column));
    headers.end = writeHeader(headers.bytes, headers.end, header, column);
    message.headerCount += 1;
  };
  const addOptional = (bytes: Buffer, header: Buffer): void => {
    if (next(bytes, column.end)) addHeader(header);
  };

  return ({ bytes, start }) => {
    const from = start + columnsAt;
    if (kind === undefined || !beginsWith(bytes, from, kind.start)) kind = kindAt(kinds, bytes, from);
    message.type = kind.type;
    headers.bytes = withRoom(headers.bytes, 0, kind.headers.length);
    headers.end = kind.headers.copy(headers.bytes, 0);
    message.headerCount = kindHeaders;
    next(bytes, from + kind.start.length);
    key.bytes = withRoom(key.bytes, 0, kind.keyPrefix.length + column.end - column.start);
    key.end = kind.keyPrefix.copy(key.bytes, 0);
    key.end += bytes.copy(key.bytes, key.end, column.start, column.end);
    for (const header of [names.id, names.time, names.version]) addOptional(bytes, header);
    next(bytes, column.end);
    value.bytes = bytes;
    value.start = column.start;
    value.end = column.end;
    for (const header of [names.reason, names.approvedBy, names.traceparent]) addOptional(bytes, header);
    return message;
  };
}

/** Apps and sources are few; if they are not, the cache starts anew. */
export function remember<Value>(cache: Map<string, Value>, key: string, value: Value): Value {
  if (cache.size >= maxKinds) cache.clear();
  cache.set(key, value);
  return value;
}
const maxKinds = 1_000;

function kindAt(kinds: Map<string, Kind>, bytes: Buffer, from: number): Kind {
  const spans: Span[] = [];
  let at = from;
  for (let index = 0; index < 3; index++) {
    const start = at + 4;
    at = start + bytes.readInt32BE(at);
    spans.push({ bytes, start, end: at });
  }
  const id = bytes.toString('latin1', from, at);
  const known = kinds.get(id);
  if (known !== undefined) return known;
  const [type, source, appid] = spans as [Span, Span, Span];
  const fresh: Kind = {
    start: Buffer.from(bytes.subarray(from, at)),
    type: textOf(type),
    keyPrefix: Buffer.from(`${textOf(appid)}/`),
    headers: encodeHeaders([
      [names.specversion, specversion],
      [names.contentType, json],
      [names.type, type],
      [names.source, source],
      [names.appid, appid],
    ]),
  };
  return remember(kinds, id, fresh);
}

function encodeHeaders(headers: readonly (readonly [Buffer, Span])[]): Buffer {
  const bytes = Buffer.allocUnsafe(
    headers.reduce((sum, [header, value]) => sum + headerRoom(header, value), 0),
  );
  let end = 0;
  for (const [header, value] of headers) end = writeHeader(bytes, end, header, value);
  return bytes.subarray(0, end);
}

const textOf = ({ bytes, start, end }: Span): string => bytes.toString('utf8', start, end);

const beginsWith = (bytes: Buffer, from: number, start: Buffer): boolean =>
  bytes.compare(start, 0, start.length, from, Math.min(bytes.length, from + start.length)) === 0;
