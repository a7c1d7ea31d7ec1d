/**
 * Where a process can die: before and after every effect that one step leaves for the next. The names are of the
 * campaign; the product knows nothing of them. Statements are told by a part of their text that says what they do.
 */
const statements = {
  'relay.read': /from fahuo\.outbox where id >/,
  'relay.cursor': /update fahuo\.relay_cursor set cursor/,
  accept: /insert into fahuo\.upload \(/,
  claim: /set state = 'uploading'/,
  acknowledge: /set state = 'acknowledged'/,
  reject: /set state = 'rejected'/,
  park: /set state = 'parked'/,
  postpone: /set state = 'pending', absent_reads = 0/,
  give_back: /attempts = u\.attempts - 1/,
  doubt: /set state = 'unknown', absent_reads = i\.absent_reads/,
  claim_unknown: /state = 'unknown' and next_attempt_at <=/,
  renew: /u\.lease_owner = \$4 and u\.state in \('uploading', 'unknown'\)/,
  expire: /where state = 'uploading' and lease_until </,
} as const;
type Statement = keyof typeof statements;

const requests = { upload: '/upload_shipping_info', read: '/get_order', token: '_token' } as const;
type Request = keyof typeof requests;

const keysOf = <K extends string>(object: Readonly<Record<K, unknown>>): K[] => Object.keys(object) as K[];
const around = ['before', 'after'] as const;
const ofRequest = ['before', 'sent', 'answered', 'after'] as const;

export const killPoints: readonly string[] = [
  ...keysOf(statements).flatMap((name) => around.map((when) => `${name}.${when}`)),
  ...keysOf(requests).flatMap((name) => ofRequest.map((when) => `${name}.${when}`)),
  ...['publish', 'commit'].flatMap((name) => around.map((when) => `${name}.${when}`)),
];

/** Only the instance that leads the relay passes these. */
export const isOfRelay = (point: string): boolean => /^(relay|publish)\./.test(point);

/** Points that are passed hundreds of times a second: dying at the first pass would leave no work done. */
export const isBusy = (point: string): boolean => /^(upload|read|claim|acknowledge)\./.test(point);

export const statementOf = (text: string): Statement | undefined =>
  keysOf(statements).find((name) => statements[name].test(text));

export function requestOf(path: string): Request | undefined {
  const bare = path.split('?')[0] ?? '';
  return keysOf(requests).find((name) => bare.endsWith(requests[name]));
}
