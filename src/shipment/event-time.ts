const date =
  '(?:(?:[0-9][0-9][2468][048]|[0-9][0-9][13579][26]|[0-9][0-9]0[48]|[02468][048]00|[13579][26]00)-02-29|' +
  '[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8])))';
const clock = '(?:[01][0-9]|2[0-3]):[0-5][0-9]';
const rfc3339 = new RegExp(`^${date}T${clock}:[0-5][0-9](?:\\.[0-9]+)?(?:Z|[+-]${clock})$`);
const maxCharacters = 64;

/** A day that exists and a time with seconds and a zone, as fahuo keeps it. `fahuo.is_event_time` is the same in SQL. */
export const isEventTime = (text: string): boolean => text.length <= maxCharacters && rfc3339.test(text);

const readable =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]+)?)? ?(?:([Zz])|([+-][0-9]{2})(?::?([0-9]{2}))?)(?:\[[A-Za-z0-9_+:/-]{1,40}\])?$/;

/**
 * A time as other languages write it, as RFC 3339: PHP's `+0800`, Java's without seconds or with `[Asia/Shanghai]` after the
 * offset, Postgres' and Ruby's with a space, lower-case `t` and `z` (RFC 3339 §5.6 allows both). Null where there is no zone,
 * or no such time: nobody can tell then which instant is meant. `fahuo.read_time` is the same in SQL.
 */
export function readEventTime(text: string): string | null {
  const found = readable.exec(text);
  if (found === null) return null;
  const [, day, minutes, seconds = ':00', zulu, hours, rest = '00'] = found;
  const time = `${day}T${minutes}${seconds}${zulu === undefined ? `${hours}:${rest}` : 'Z'}`;
  return isEventTime(time) ? time : null;
}
