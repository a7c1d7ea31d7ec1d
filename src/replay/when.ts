/** A datetime with its zone, or why it was refused. Without a zone an hour of events may be missed or doubled. */
export type When = { kind: 'instant'; at: Date } | { kind: 'bad'; rule: string };

const zoned = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

export function parseInstant(text: string): When {
  if (!zoned.test(text))
    return { kind: 'bad', rule: 'must be like 2026-11-23T10:00:00+08:00: the zone is required' };
  const at = new Date(text);
  if (Number.isNaN(at.getTime()) || !isDay(text.slice(0, 10)))
    return { kind: 'bad', rule: 'is not a date of the calendar' };
  return at.getTime() < 0
    ? { kind: 'bad', rule: 'is before 1970, where times begin in Kafka' }
    : { kind: 'instant', at };
}

/** `Date` takes the 30th of February for a day of March. */
const isDay = (day: string): boolean => new Date(day).toISOString().startsWith(day);

const iso8601 = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;

/** An ISO-8601 duration of days, hours, minutes and seconds, in milliseconds; null for anything else. */
export function parseDuration(text: string): number | null {
  const found = iso8601.exec(text);
  if (found === null || text === 'P' || text.endsWith('T')) return null;
  const [days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part || 0));
  return ((((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000;
}
