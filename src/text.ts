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
