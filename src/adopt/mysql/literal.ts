/** Names and values as they stand in a statement. Whatever `sql_mode` the server has, they mean the same there. */

export const identifier = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** `orders`, or `shop.orders`. */
export const tableIdentifier = (table: string): string => table.split('.').map(identifier).join('.');

/**
 * A text, or NULL. Quotes and backslashes mean different things under `ANSI_QUOTES` and `NO_BACKSLASH_ESCAPES`, and
 * bytes beyond ASCII in different character sets: a text with one of them stands there in hexadecimal.
 */
export function literal(value: string | null): string {
  if (value === null) return 'NULL';
  if (/^[\x20-\x7e]*$/.test(value) && !/['\\]/.test(value)) return `'${value}'`;
  return `_utf8mb4 0x${Buffer.from(value, 'utf8').toString('hex')}`;
}

/** `in ()` is no SQL, and `in (NULL)` finds nothing. */
export const literals = (values: readonly string[]): string =>
  values.length === 0 ? 'NULL' : values.map(literal).join(', ');

/** As MySQL reads a moment: in UTC, which is our sessions' time zone. */
export const moment = (ms: number): string => new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
