export type CommandWords = { kind: 'words'; words: string[] } | { kind: 'wrong'; why: string };

/**
 * Splits a command line at blanks. Quotes, single or double, keep blanks together and are left out; nothing else has a
 * meaning: no variable, no backslash, no pipe, since no shell reads it. What means something to a shell alone, and stands
 * outside of quotes, is refused, so that nobody thinks that it works. Pure.
 */
export function splitCommand(line: string): CommandWords {
  const bare = line.replaceAll(quoted, '');
  const [open] = /["']/.exec(bare) ?? [];
  if (open !== undefined) return wrong(`has a ${open} that does not end`);
  const [strange] = /[|&;<>$`\\*?~]/.exec(bare) ?? [];
  if (strange !== undefined)
    return wrong(`holds ${strange}, and no shell reads it: call a script, or put it in quotes`);
  const words = (line.match(word) ?? []).map((one) => one.replaceAll(quoted, (text) => text.slice(1, -1)));
  return (words[0] ?? '') === '' ? wrong('names no program') : { kind: 'words', words };
}

const quoted = /"[^"]*"|'[^']*'/g;
const word = /(?:[^\s"']+|"[^"]*"|'[^']*')+/g;
const wrong = (why: string): CommandWords => ({ kind: 'wrong', why });
