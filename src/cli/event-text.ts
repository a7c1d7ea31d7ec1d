import { messageOf } from '../errors.ts';

/** One event of a text, and the line where it begins; or what stands there instead of JSON. */
export type Written = { line: number } & ({ kind: 'json'; value: unknown } | { kind: 'broken'; why: string });

/**
 * Reads events as people keep them: one JSON object a line, one JSON event over many lines, or an array of events.
 * A line that is no JSON spoils itself alone. Lines count from 1.
 */
export function readEvents(text: string): Written[] {
  const whole = parse(text, 1);
  if (whole.kind === 'json') {
    const starts = valueStarts(text);
    return Array.isArray(whole.value)
      ? whole.value.map((value: unknown, index) => ({ line: starts[index] ?? 1, kind: 'json', value }))
      : [{ ...whole, line: firstLine(text) }];
  }
  const lines = text
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => parse(line, number));
  return text.trimStart().startsWith('[') || !lines.some(isObject) ? brokenWhole(text, whole) : lines;
}

const isObject = (written: Written): boolean =>
  written.kind === 'json' && typeof written.value === 'object' && written.value !== null;

const brokenWhole = (text: string, whole: Written): Written[] =>
  text.trim() === '' ? [] : [{ ...whole, line: firstLine(text) }];

function parse(text: string, line: number): Written {
  try {
    return { line, kind: 'json', value: JSON.parse(text) };
  } catch (error) {
    return { line, kind: 'broken', why: messageOf(error) };
  }
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split('\n').length;
const firstLine = (text: string): number => lineAt(text, text.search(/\S/));

const deeper: Record<string, number> = { '[': 1, '{': 1, ']': -1, '}': -1 };

/** The lines on which the elements of a JSON array begin; the text is known to be JSON. */
function valueStarts(text: string): number[] {
  const starts: number[] = [];
  let [line, depth, before] = [1, 0, ''];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[^\s",[\]{}]+|[[\]{},\n]/g)) {
    if (token === '\n') {
      line += 1;
      continue;
    }
    if (depth === 1 && token !== ']' && (before === '[' || before === ',')) starts.push(line);
    depth += deeper[token] ?? 0;
    before = token;
  }
  return starts;
}
