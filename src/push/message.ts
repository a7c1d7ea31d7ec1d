import { XMLParser } from 'fast-xml-parser';
import { isDeeperThan } from '../shipment/nesting.ts';
import { storable } from '../text.ts';

/** The members of a message as they stood on the wire, JSON or XML; those that nest are of no interest here. */
export type Message = ReadonlyMap<string, unknown>;

/** WeChat's own nest three deep. */
const maxDepth = 32;
/** A message of WeChat has a dozen tags; a parser's time grows with them faster than with the bytes. */
const maxTags = 2_000;
const xml = new XMLParser({
  ignoreAttributes: true,
  processEntities: false,
  parseTagValue: false,
  trimValues: false,
  maxNestedTags: maxDepth,
});

/** Null where the text is neither a JSON object nor one XML element. Pure. */
export function readMessage(text: string): Message | null {
  const members = text.trimStart().startsWith('<') ? readXml(text) : readJson(text);
  return typeof members === 'object' && members !== null && !Array.isArray(members)
    ? new Map(Object.entries(members))
    : null;
}

function readJson(text: string): unknown {
  if (isDeeperThan(text, maxDepth)) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function readXml(text: string): unknown {
  const outside = withoutCdata(text);
  // A declaration of any kind, and a comment in which one could hide, stands nowhere in WeChat's messages.
  if (outside === null || outside.includes('<!') || countOf(outside, '<') > maxTags) return null;
  // The parser takes a text that was cut for a whole one.
  if (!outside.trimEnd().endsWith('</xml>')) return null;
  try {
    return (xml.parse(text) as { xml?: unknown }).xml;
  } catch {
    return null;
  }
}

const cdataStart = '<![CDATA[';
const cdataEnd = ']]>';

/** By hand, since a pattern would look for the end of every start anew. Null where one has no end. */
function withoutCdata(text: string): string | null {
  const outside: string[] = [];
  let from = 0;
  for (;;) {
    const start = text.indexOf(cdataStart, from);
    if (start === -1) return outside.concat(text.slice(from)).join(' ');
    const end = text.indexOf(cdataEnd, start + cdataStart.length);
    if (end === -1) return null;
    outside.push(text.slice(from, start));
    from = end + cdataEnd.length;
  }
}

const countOf = (text: string, part: string): number => text.split(part, maxTags + 2).length - 1;

const longestText = 128;

/** A text of at most 128 characters, without blanks at its ends; null for an empty one, a longer one, and none. */
export function textIn(message: Message, name: string): string | null {
  const value = message.get(name);
  const text = Number.isSafeInteger(value) ? String(value) : typeof value === 'string' ? value.trim() : '';
  return text === '' || text.length > longestText ? null : storable(text);
}

/** A whole number above zero, whether it came as a number or as text; null for zero, which WeChat sends for "not yet". */
export function wholeIn(message: Message, name: string): number | null {
  const text = textIn(message, name);
  return text !== null && /^\d{1,15}$/.test(text) && Number(text) > 0 ? Number(text) : null;
}

/** The last second of the year 9999: what is beyond is no time, and Postgres would refuse it. */
const lastSecond = 253_402_300_799;

/** Unix seconds; null for zero, an empty text, and what is no time. */
export function timeIn(message: Message, name: string): Date | null {
  const seconds = wholeIn(message, name);
  return seconds === null || seconds > lastSecond ? null : new Date(seconds * 1_000);
}
