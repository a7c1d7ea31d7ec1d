/** The longest text of others that is kept; what a person needs of it stands at its beginning. */
export const keptCharacters = 2_000;

/** At most `max` characters of `text`, none of them cut in half, and how many there were. */
export function cutText(text: string, max: number = keptCharacters): string {
  const characters = Array.from(text);
  return characters.length <= max
    ? text
    : `${characters.slice(0, max).join('')}… (${characters.length} characters)`;
}

/** Postgres text holds neither NUL nor half a surrogate pair, and a text of others may hold anything. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\uFFFD');

/** Of a file that is kept in GBK or UTF-16: read as it is, it would hold what nobody wrote. */
export const noUtf8 = 'is no UTF-8 text: save it as UTF-8';

/** What a file of a secret holds, or what is wrong with it. Line ends of editors and `echo` go; other blanks may be meant. */
export function secretText(bytes: Uint8Array): { text: string } | { why: string } {
  const text = utf8Text(bytes)?.replace(/[\r\n]+$/, '');
  if (text === undefined) return { why: noUtf8 };
  return text.trim() === '' ? { why: 'is empty' } : { text };
}

/** The text of a file that people wrote, without the byte order mark of Windows; null where it is no UTF-8, or no text. */
export function utf8Text(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\u0000') ? null : text;
  } catch {
    return null;
  }
}
