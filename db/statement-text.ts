/**
 * A statement as it may be shown: it may carry a buyer's data in its literals, and a label, a log line or an answer
 * must not. What is cut off inside a literal counts as one to its end. Pure.
 */
export const withoutLiterals = (query: string): string =>
  query
    .replaceAll(literals, (found) => (/^[\d.]/.test(found) ? '…' : "'…'"))
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, longest);

const longest = 100;

/** `$tag$…$tag$`, `E'…'` with backslashes, `'…'`, a number; names such as p0 and "Order 1" are left alone. */
const literals =
  /\$(\w*)\$[\s\S]*?(?:\$\1\$|$)|\b[eE]'(?:[^'\\]|''|\\[\s\S])*(?:'|\\?$)|'(?:[^']|'')*(?:'|$)|(?<![\w."$])\d[\d.]*(?:e[+-]?\d+)?/g;
