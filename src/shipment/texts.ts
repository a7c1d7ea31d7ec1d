/** At most this many code points in an `item_desc`: WeChat documents 120 and has refused less (wechat.md §6.7). */
export const maxItemDesc = 100;

// eslint-disable-next-line no-control-regex -- control characters are exactly what is looked for
const controlCharacters = /[\u0000-\u001f\u007f-\u009f]/u;
// eslint-disable-next-line no-control-regex -- as above
const controlRuns = /[\u0000-\u001f\u007f-\u009f]+/gu;
/** What `String.prototype.trim` takes away, without the control characters; `fahuo.event_problems` has the same list. */
const blank = /^[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]*$/u;

/**
 * No half of a surrogate pair, which is what cutting in the middle of a character leaves. U+FFFF is no character, either:
 * Postgres cannot hold half a pair, so `fahuo.readable_json` puts U+FFFF into its place.
 */
export const isWhole = (text: string): boolean => text.isWellFormed() && !text.includes('\uffff');
export const hasControls = (text: string): boolean => controlCharacters.test(text);
export const isClean = (text: string): boolean => isWhole(text) && !hasControls(text);
export const isBlank = (text: string): boolean => blank.test(text);
export const byteLength = (text: string): number => Buffer.byteLength(text, 'utf8');

/** A text has at most as many code points as units, so most need no counting. */
export const hasCodePoints = (text: string, max: number): boolean =>
  text.length <= max || Array.from(text).length <= max;

/** Marks, selectors, joiners, skin tones and tags: they belong to the character before them. */
const extender =
  // eslint-disable-next-line no-misleading-character-class -- each of them stands alone, and ranges are named by code points
  /[\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u200d\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}\u{e0100}-\u{e01ef}]/u;
const joiner = '\u200d';
const flagHalf = /[\u{1f1e6}-\u{1f1ff}]/u;
const flagHalvesAtEnd = /[\u{1f1e6}-\u{1f1ff}]*$/u;

export const spaceControls = (text: string): string => text.replace(controlRuns, ' ');

/**
 * The text with … in the place of what is beyond the limit, cut between whole characters as the buyer sees them: not before a
 * mark, not within a family of emoji, not between the halves of a flag. `fahuo.cut_text` is the same rule in SQL.
 */
export function cutItemDesc(text: string): string {
  if (hasCodePoints(text, maxItemDesc)) return text;
  const characters = Array.from(text);
  let kept = maxItemDesc - 1;
  while (kept > 0 && isWithin(characters, kept)) kept -= 1;
  return `${characters.slice(0, kept === 0 ? maxItemDesc - 1 : kept).join('')}…`;
}

function isWithin(characters: readonly string[], at: number): boolean {
  const [before = '', after = ''] = [characters[at - 1], characters[at]];
  if (extender.test(after) || before === joiner) return true;
  if (!flagHalf.test(after) || !flagHalf.test(before)) return false;
  const halves = flagHalvesAtEnd.exec(characters.slice(0, at).join(''))?.[0] ?? '';
  return Array.from(halves).length % 2 === 1;
}
