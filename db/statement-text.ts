/**
 * A statement as it may be shown: it may carry a buyer's data in its literals and comments, and a label, a log line or an
 * answer must not. What is cut off inside a literal or a comment counts as one to its end. Pure.
 */
export function withoutLiterals(query: string): string {
  let shown = '';
  for (let at = 0; at < query.length;) {
    const end = endOfToken(query, at);
    shown += shownAs(query.slice(at, end));
    at = end;
  }
  return shown.replaceAll(/\s+/g, ' ').trim().slice(0, longest);
}

const longest = 100;

/**
 * What stands at one place of a statement, in this order: a comment to the end of its line; `$tag$…$tag$`; `E'…'`, where
 * a backslash hides a quote; other strings; a quoted name; a word or a parameter (`p0`, `$1`); a number.
 */
const token =
  /--[^\n]*|\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?(?:\$\1\$|$)|[eE]'(?:[^'\\]|''|\\[\s\S])*(?:'|\\?$)|(?:[uU]&|[bBnNxX])?'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|\$\d+|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?/y;

function endOfToken(query: string, at: number): number {
  if (query.startsWith('/*', at)) return endOfComment(query, at);
  token.lastIndex = at;
  return token.test(query) ? token.lastIndex : at + 1;
}

/** Postgres' block comments nest. */
function endOfComment(query: string, at: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = at;
  let depth = 0;
  for (let mark = marks.exec(query); mark !== null; mark = marks.exec(query)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return query.length;
}

function shownAs(text: string): string {
  if (/^(--|\/\*)/.test(text)) return ' ';
  if (/^\$\D/.test(text) || /^([eE]|[uU]&|[bBnNxX])?'/.test(text)) return "'…'";
  return /^\.?\d/.test(text) ? '…' : text;
}
