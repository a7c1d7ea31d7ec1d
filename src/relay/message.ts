import type { Message } from '../kafka/message.ts';

/** An outbox row as the driver gives it; `data` is carried byte for byte. */
export type OutboxRow = {
  id: number;
  eventId: string;
  type: string;
  source: string;
  time: string;
  appid: string;
  payment: string;
  version: number;
  reason: string | null;
  approvedBy: string | null;
  traceparent: string | null;
  data: string;
};

export const keyOf = (row: Pick<OutboxRow, 'appid' | 'payment'>): string => `${row.appid}/${row.payment}`;

/** CloudEvents 1.0, binary mode: attributes in headers, the stored text, encoded by the caller, as the value. */
export function messageOf(row: OutboxRow, value: Buffer): Message {
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: row.eventId,
    ce_type: row.type,
    ce_source: row.source,
    ce_time: row.time,
    ce_appid: row.appid,
    ce_version: String(row.version),
    'content-type': 'application/json',
  };
  if (row.reason !== null) headers['ce_reason'] = row.reason;
  if (row.approvedBy !== null) headers['ce_approvedby'] = row.approvedBy;
  if (row.traceparent !== null) headers['traceparent'] = row.traceparent;
  return { key: keyOf(row), value, headers };
}
