/**
 * A row as Postgres sends it in a binary copy of `columns`: nothing of it is decoded unless somebody asks. Many rows
 * lie in one buffer.
 */
export type OutboxRow = { id: number; bytes: Buffer; start: number };

/** Whose text the relay carries, in the order of the copy; the id stands before them. */
export const columns = [
  'type',
  'source',
  'appid',
  'payment',
  'event_id',
  'event_time',
  'version',
  'data',
  'reason',
  'approved_by',
  'traceparent',
] as const;
type Column = (typeof columns)[number];

/** Column count, length of the id, the id. */
const idAt = 6;
export const columnsAt = idAt + 8;

export const idOf = (bytes: Buffer, start: number): number =>
  bytes.readInt32BE(start + idAt) * 2 ** 32 + bytes.readUInt32BE(start + idAt + 4);

/** The columns of a row as text, for logs and for parking. */
export function decodeRow({ bytes, start }: OutboxRow): Record<Column, string | null> {
  const texts: Partial<Record<Column, string | null>> = {};
  let at = start + columnsAt;
  for (const column of columns) {
    const length = bytes.readInt32BE(at);
    at += 4;
    texts[column] = length < 0 ? null : bytes.toString('utf8', at, at + length);
    at += Math.max(0, length);
  }
  return texts as Record<Column, string | null>;
}

export const keyOf = (row: { appid: string; payment: string }): string => `${row.appid}/${row.payment}`;

export function rawKeyOf(row: OutboxRow): string {
  const { appid, payment } = decodeRow(row);
  return keyOf({ appid: appid ?? '', payment: payment ?? '' });
}

/** The same buffer, or a larger one that begins with the `used` bytes of it. */
export function withRoom(bytes: Buffer, used: number, more: number): Buffer {
  if (used + more <= bytes.length) return bytes;
  const larger = Buffer.allocUnsafe(Math.max(bytes.length * 2, used + more));
  bytes.copy(larger, 0, 0, used);
  return larger;
}
