import { isUtf8 } from 'node:buffer';
import type { Received } from '../kafka/message.ts';

/** What a message may be an event by, unchecked. */
export type Candidate = Partial<
  Record<
    | 'id'
    | 'type'
    | 'source'
    | 'time'
    | 'appid'
    | 'version'
    | 'traceparent'
    | 'reason'
    | 'approved_by'
    | 'data',
    unknown
  >
>;

/** CloudEvents in binary mode: attributes in headers. */
export function fromBinary(received: Received, data: unknown): Candidate {
  const version = header(received, 'ce_version');
  return withoutUndefined({
    id: header(received, 'ce_id'),
    type: header(received, 'ce_type'),
    source: header(received, 'ce_source'),
    time: header(received, 'ce_time'),
    appid: header(received, 'ce_appid'),
    version: version !== undefined && /^[0-9]{1,9}$/.test(version) ? Number(version) : version,
    traceparent: header(received, 'traceparent') ?? header(received, 'ce_traceparent'),
    reason: header(received, 'ce_reason'),
    approved_by: header(received, 'ce_approvedby'),
    data,
  });
}

/**
 * Extension attributes are lower case without separators (CloudEvents 1.0 §3); ours are appid, version, reason and
 * approvedby. Those of others (`partitionkey`, `tracestate`) are passed over, as unknown headers are in binary mode.
 */
export function fromStructured(value: unknown): Candidate {
  const { id, type, source, time, appid, version, traceparent, reason, data } = Object(value) as Candidate;
  const { approvedby, approved_by: plain } = Object(value) as { approvedby?: unknown; approved_by?: unknown };
  const approvedBy = plain ?? approvedby;
  return withoutUndefined({
    id,
    type,
    source,
    time,
    appid,
    version,
    traceparent,
    reason,
    approved_by: approvedBy,
    data,
  });
}

/** A member that is deleted makes the object slow to read, so what is undefined is not copied. */
function withoutUndefined(candidate: Candidate): Candidate {
  const defined: Candidate = {};
  let name: keyof Candidate;
  for (name in candidate) if (candidate[name] !== undefined) defined[name] = candidate[name];
  return defined;
}

export const header = ({ headers }: Received, name: string): string | undefined =>
  headers[name]?.toString('utf8');

/** Other attributes have a form of their own, in which no such character stands. */
const free = ['ce_id', 'ce_source', 'ce_reason', 'ce_approvedby'];

/** What is wrong with a header that is no UTF-8: bytes that differ would become one text. */
export function garbledHeader({ headers }: Received): string | undefined {
  const name = free.find((one) => headers[one] !== undefined && !isUtf8(headers[one]));
  return name === undefined ? undefined : `${name} is no UTF-8: send the header as UTF-8 text`;
}
