import { nearest } from '../nearest.ts';
import { neededColumns, partColumns } from './part.ts';
import type { Finding } from './shop.ts';

/** A column that is misspelt would be read as missing, in silence. Pure. */
export function columnFindings(given: readonly string[], kinds: readonly string[]): Finding[] {
  const known = [...partColumns, ...kinds];
  const unread = given.filter((column) => !known.includes(column));
  const missing = neededColumns.filter((column) => !given.includes(column));
  return [
    ...unread.map((column): Finding => {
      const near = nearest(
        column,
        known.filter((one) => !given.includes(one)),
      );
      return {
        level: 'warning',
        what: `the parts query gives a column ${column}, which nobody reads`,
        remedy:
          near === undefined
            ? 'Leave it out, or see docs/adopting.md for the names.'
            : `Did you mean ${near}?`,
      };
    }),
    ...missing.map((column): Finding => ({
      level: 'problem',
      what: `the parts query gives no column ${column}`,
      remedy: 'Add it to the query: docs/adopting.md says what it holds.',
    })),
  ];
}
