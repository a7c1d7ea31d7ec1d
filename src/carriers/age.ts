import type { CarrierState } from './store.ts';

const oldSeconds = 7 * 86_400;

export const refreshRemedy =
  'Let an instance run the role upload and reach WeChat, or run `fahuo carriers refresh`; a new carrier is refused until then.';

/** What is to be said of a list that WeChat has not given for a week; null of any other. Pure. */
export function describeAge({ refreshedAt, ageSeconds, failure }: CarrierState): string | null {
  if (ageSeconds <= oldSeconds) return null;
  const since = refreshedAt === null ? 'never' : `not since ${refreshedAt.toISOString()}`;
  return `WeChat's list of carriers was ${since} taken${failure === null ? '' : `: ${failure}`}`;
}
