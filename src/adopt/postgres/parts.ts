import { blameOf } from '../../../db/blame.ts';
import { placeholder } from '../file.ts';
import type { Key } from '../shop.ts';

/** A parts query as Postgres takes it, and the kind of key that each of its parameters lists. */
export type PartsQuery = { text: string; kinds: readonly string[] };

/**
 * `in (:order_id)` becomes `= any ($1)`: Postgres finds the array's type by what stands before. Each place is a parameter
 * of its own, since one kind may be compared to a bigint here and to a text there. Pure.
 */
export function partsQuery(parts: string): PartsQuery {
  const kinds: string[] = [];
  const text = parts.replace(placeOrOther, (whole, _in, kind: string | undefined) =>
    kind === undefined ? whole : `= any ($${kinds.push(kind)})`,
  );
  return { text, kinds };
}

/** Comments, strings and quoted names are left as they are. */
const other = /--[^\n]*|\/\*[\s\S]*?\*\/|\be'(?:[^'\\]|''|\\[\s\S])*'|'(?:[^']|'')*'|"(?:[^"]|"")*"/;
const placeOrOther = new RegExp(`${other.source}|${placeholder.source}`, 'gi');

/** One list of keys a parameter; pg writes it as an array's text, so that its type stays open. */
export const partsValues = ({ kinds }: PartsQuery, keys: readonly Key[]): string[][] =>
  kinds.map((kind) => [...new Set(keys.filter((key) => key.kind === kind).map(({ ref }) => ref))]);

const BOOL_OID = 16;

/** Every value is text, so that a bigint, a numeric and a time stay as exact as Postgres writes them. */
export const rawTypes = {
  getTypeParser:
    (oid: number) =>
    (value: string | null): string | null =>
      oid === BOOL_OID && value !== null ? String(value === 't') : value,
};

/** What an error of the parts query says: `away` of the server or the way to it, a lock, an operator. */
export type PartsBlame = 'failed' | 'broken' | 'away';

const sqlState = /^[0-9A-Z]{5}$/;
/** The query itself: names, rights and syntax; what Postgres has not; a write in it; a view that is not filled. */
const ofTheQuery = ['0A', '26', '34', '3D', '3F', '42', '25', '55000'];
/** 57014 is the file's own time limit. */
const ofTheServer = ['08', '28', '40', '53', '55', '57', '58'];

/** Classifies by SQLSTATE, once. Pure. */
export function partsBlameOf(error: unknown): PartsBlame {
  const { code } = Object(error) as { code?: unknown };
  if (typeof code !== 'string' || !sqlState.test(code))
    return blameOf(error) === 'server' ? 'away' : 'failed';
  if (code === '57014') return 'failed';
  const isOf = (list: readonly string[]): boolean => list.some((one) => code.startsWith(one));
  if (isOf(ofTheQuery)) return code === '25P03' ? 'away' : 'broken';
  return isOf(ofTheServer) ? 'away' : 'failed';
}

type Said = { code?: string; message?: string; hint?: string };

/** A line for a person: what Postgres said, with its hint. */
export function partsMessageOf(error: unknown, timeoutMs: number): string {
  const { code, message, hint } = Object(error) as Said;
  if (code === '57014') return `the parts query took longer than timeout_ms: ${timeoutMs}`;
  return [message ?? String(error), hint === undefined ? '' : `(${hint})`]
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
