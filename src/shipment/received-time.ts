/** The payment's reminder is for express alone, and shipping through WeChat is younger. */
const firstPayment = Date.parse('2013-01-01T00:00:00Z') / 1000;
/** No seconds are so many, and milliseconds since 1973 are more. */
const tooManySeconds = 100_000_000_000;
/** So far clocks may differ. */
const aheadSeconds = 300;

export const receivedRule = 'must be when the buyer had the goods, in whole seconds since 1970';

/**
 * What is wrong with a `received_time`, in seconds as WeChat takes it (wechat.md §1.5); null where nothing is. Pure.
 * `fahuo.received_time_problem` is the same in SQL.
 */
export function receivedTimeProblem(value: unknown, now: Date | undefined): string | null {
  if (typeof value === 'string') return `${receivedRule}: send a number, not a string`;
  if (typeof value !== 'number') return receivedRule;
  if (value >= tooManySeconds)
    return 'must be seconds since 1970, and is too many: divide milliseconds by 1000';
  if (value < firstPayment)
    return 'must be when the buyer had the goods, after 2012: send the seconds since 1970';
  if (now !== undefined && value > now.getTime() / 1000 + aheadSeconds)
    return 'must not be in the future: send the event when the buyer has the goods';
  return Number.isInteger(value) ? null : receivedRule;
}
