import type { AdoptFile, answerWords } from '../file.ts';
import type { ShopAnswer, TableShape } from '../shop.ts';
import { identifier, literal, literals, moment, tableIdentifier } from './literal.ts';
import { answerTable, columnOf } from './triggers.ts';

/** What answers write into a shop's database. Pure. */

const columns = [
  'kind',
  'ref',
  'appid',
  'payment',
  'state',
  'errcode',
  'errmsg',
  'rid',
  'reason',
  // MySQL assigns from left to right: what the comparison reads is written last.
  'version',
  'at',
] as const;
type Column = (typeof columns)[number];

const isNewer = `(VALUES(\`at\`) > \`at\` OR (VALUES(\`at\`) = \`at\` AND COALESCE(VALUES(\`version\`), 0) >= COALESCE(\`version\`, 0)))`;

/** Writes each answer, unless a newer one of its key stands there already. */
export function upsertAnswers(answers: readonly ShopAnswer[]): string {
  const rows = answers.map((answer) => `(${columns.map((column) => valueOf(answer, column)).join(', ')})`);
  const changes = columns
    .filter((column) => column !== 'kind' && column !== 'ref')
    .map((column) => {
      const name = identifier(column);
      return `${name} = IF(${isNewer}, VALUES(${name}), ${name})`;
    });
  return `INSERT INTO ${identifier(answerTable)} (${columns.map(identifier).join(', ')})
VALUES ${rows.join(',\n  ')}
ON DUPLICATE KEY UPDATE ${changes.join(',\n  ')}`;
}

function valueOf(answer: ShopAnswer, column: Column): string {
  if (column === 'at') return literal(moment(answer.atMs));
  const value = answer[column];
  return value === null ? 'NULL' : literal(String(value));
}

/** Whether the answer that stands is this one. */
export const standingAnswers = (answers: readonly ShopAnswer[]): string =>
  `SELECT \`kind\`, \`ref\`, \`version\`, \`state\`, CAST(UNIX_TIMESTAMP(\`at\`) * 1000 AS UNSIGNED) AS at_ms
  FROM ${identifier(answerTable)}
 WHERE (\`kind\`, \`ref\`) IN (${answers.map(({ kind, ref }) => `(${literal(kind)}, ${literal(ref)})`).join(', ')})`;

export type ShopUpdate = {
  table: string;
  kind: string;
  keyColumn: string;
  refs: readonly string[];
  /** Column and what is written there, as it stands in a statement. */
  set: readonly (readonly [string, string])[];
};

/** One update for all keys that are told the same. */
export function shopUpdates(
  file: Pick<AdoptFile, 'answers'>,
  answers: readonly ShopAnswer[],
  shapes: ReadonlyMap<string, TableShape>,
): ShopUpdate[] {
  const updates = new Map<string, ShopUpdate & { refs: string[] }>();
  for (const { table, keys, set } of file.answers)
    for (const answer of answers) {
      const keyColumn = keys[answer.kind];
      const assigned = Object.entries(set).flatMap(([column, states]) => {
        const given = states[answer.state];
        if (given === undefined) return [];
        const shape = shapes.get(table) ?? null;
        const type = shape === null ? '' : (columnOf(shape, column)?.type ?? '');
        return [[column, rendered(given, answer, type)] as const];
      });
      if (keyColumn === undefined || assigned.length === 0) continue;
      const name = JSON.stringify([table, keyColumn, assigned]);
      const update = updates.get(name) ?? { table, kind: answer.kind, keyColumn, refs: [], set: assigned };
      update.refs.push(answer.ref);
      updates.set(name, update);
    }
  return [...updates.values()];
}

/** A row that says so already is left alone: it would run the shop's triggers for nothing. */
export const updateStatement = ({ table, keyColumn, refs, set }: ShopUpdate): string =>
  `UPDATE ${tableIdentifier(table)}
   SET ${set.map(([column, value]) => `${identifier(column)} = ${value}`).join(', ')}
 WHERE ${identifier(keyColumn)} IN (${literals(refs)})
   AND NOT (${set.map(([column, value]) => `${identifier(column)} <=> ${value}`).join(' AND ')})`;

type Word = (typeof answerWords)[number];
const words: Readonly<Record<Word, (answer: ShopAnswer, type: string) => string>> = {
  $unix: ({ atMs }) => String(Math.floor(atMs / 1000)),
  $unix_ms: ({ atMs }) => String(atMs),
  $now: ({ atMs }, type) => localMoment(atMs, type),
  $errcode: ({ errcode }) => (errcode === null ? 'NULL' : String(errcode)),
  $errmsg: ({ errmsg }) => literal(errmsg),
  $rid: ({ rid }) => literal(rid),
  $reason: ({ reason }) => literal(reason),
  $version: ({ version }) => (version === null ? 'NULL' : String(version)),
  $state: ({ state }) => literal(state),
};

function rendered(given: string | number | boolean | null, answer: ShopAnswer, type: string): string {
  if (given === null) return 'NULL';
  if (typeof given === 'boolean') return given ? '1' : '0';
  if (typeof given === 'number') return String(given);
  const word = given as Word;
  return Object.hasOwn(words, given) ? words[word](answer, type) : literal(given);
}

/** A `timestamp` knows its zone; other columns hold the shop's own time, which is that of its server. */
export const localMoment = (ms: number, type: string): string => {
  const utc = literal(moment(ms));
  return type === 'timestamp' ? utc : `COALESCE(CONVERT_TZ(${utc}, '+00:00', @@global.time_zone), ${utc})`;
};
