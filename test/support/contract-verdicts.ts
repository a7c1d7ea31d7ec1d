/** Postgres' texts hold neither NUL nor half a pair: what stands for them there, and for them here, is one sign. */
const held = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- NUL is what is looked for
  text.toWellFormed().replace(/[\u0000\u0001\uffff]/g, '\ufffd');

export const canonical = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, member]) => [name, canonical(member)]),
  );
};
/** One text of an event and its notes, to be compared. */
export const sameEvent = (event: unknown, notes: string | null): string =>
  `${JSON.stringify(canonical(event))}\n${held(notes?.split('\n').sort().join('\n') ?? '')}`;
/** What the two parsers say of broken JSON is their own. */
export const sameProblems = (problems: { field: string; rule: string }[]): string =>
  held(
    problems
      .map(({ field, rule }) => (field === 'event' ? field : `${field}: ${rule}`))
      .sort()
      .join('\n'),
  );
