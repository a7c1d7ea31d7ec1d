import { messageOf } from '../errors.ts';

type Nested = { apiId?: unknown; errors?: unknown; cause?: unknown };

/** The broker's error codes in an error of @platformatic/kafka, which nests them in lists and causes. */
export function brokerCodes(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return [];
  const { apiId, errors, cause } = error as Nested;
  const own = typeof apiId === 'string' ? [apiId] : [];
  return [...own, ...(Array.isArray(errors) ? errors.flatMap(brokerCodes) : []), ...brokerCodes(cause)];
}

/** What went wrong, in a line: the broker's codes, or the innermost messages. */
export function reasonOf(error: unknown): string {
  const codes = brokerCodes(error);
  return codes.length > 0 ? [...new Set(codes)].join(', ') : messageOf(innermost(error));
}

function innermost(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const { errors, cause } = error as Nested;
  const inner = Array.isArray(errors) ? (errors[0] as unknown) : cause;
  return inner === undefined || inner === null ? error : innermost(inner);
}
