import { placeholder } from '../file.ts';
import type { Key, Touched } from '../shop.ts';
import { localMoment } from './answers.ts';
import { identifier, literal, literals, moment, tableIdentifier } from './literal.ts';
import type { Row, Session } from './session.ts';
import { touchedTable } from './triggers.ts';

const touched = identifier(touchedTable);

/** A plain read: it waits for no writer, and no writer for it. */
export async function takeTouched(
  session: Session,
  limit: number,
  afterId: string | null,
): Promise<Touched[]> {
  const rows = await session.query(
    `SELECT id, kind, ref, CAST(UNIX_TIMESTAMP(touched_at) * 1000 AS UNSIGNED) AS at_ms
       FROM ${touched} ${afterId === null ? '' : `WHERE id > ${literal(afterId)}`} ORDER BY id LIMIT ${limit}`,
  );
  return rows.map((row) => ({
    id: textOf(row, 'id'),
    kind: textOf(row, 'kind'),
    ref: textOf(row, 'ref'),
    touchedAtMs: Number(row['at_ms']),
  }));
}

export async function forgetTouched(session: Session, ids: readonly string[]): Promise<void> {
  await session.query(`DELETE FROM ${touched} WHERE id IN (${literals(ids)})`);
}

/** A commit that waits for the disk, and all of the log before it. Whoever takes its row meanwhile finds no order by it. */
export async function flushLog(session: Session): Promise<void> {
  await session.query(`INSERT INTO ${touched} (kind, ref) VALUES ('', '')`);
  await session.query(`DELETE FROM ${touched} WHERE id = LAST_INSERT_ID()`);
}

export async function countTouched(session: Session): Promise<{ waiting: number; oldestMs: number | null }> {
  const [row] = await session.query(
    `SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM ${touched} LIMIT 1000000) counted) AS waiting,
            (SELECT CAST(UNIX_TIMESTAMP(touched_at) * 1000 AS UNSIGNED)
               FROM ${touched} ORDER BY id LIMIT 1) AS oldest_ms`,
  );
  const oldest = row?.['oldest_ms'] ?? null;
  return { waiting: Number(row?.['waiting'] ?? 0), oldestMs: oldest === null ? null : Number(oldest) };
}

/** The file's query with the keys in their places, as texts: MySQL reads them in the type of the column. */
export function partsStatement(parts: string, keys: readonly Key[]): string {
  const refsOf = (kind: string): string[] => [
    ...new Set(keys.filter((key) => key.kind === kind).map(({ ref }) => ref)),
  ];
  return parts
    .replace(placeholder, (_match, word: string, kind: string) => `${word} (${literals(refsOf(kind))})`)
    .replace(/;\s*$/, '');
}

export type WalkedTable = { table: string; column: string; since: Since | null };
export type Since = { column: string; unit: 'time' | 's' | 'ms'; type: string };
export type Walk = {
  newestFirst: boolean;
  tables: readonly WalkedTable[];
  after: string | null;
  sinceMs: number | null;
  limit: number;
};

/** Each table by its own index; a key that stands in two of them comes once. */
export async function walkKeys(
  session: Session,
  { tables, after, sinceMs, limit, newestFirst }: Walk,
): Promise<string[]> {
  const order = newestFirst ? ' DESC' : '';
  const branches = tables.map(({ table, column, since }) => {
    const name = identifier(column);
    const conditions = [
      `${name} IS NOT NULL`,
      ...(after === null ? [] : [`${name} ${newestFirst ? '<' : '>'} ${literal(after)}`]),
      ...(sinceMs === null || since === null ? [] : [sinceCondition(since, sinceMs)]),
    ];
    return `(SELECT DISTINCT ${name} AS ref FROM ${tableIdentifier(table)}
      WHERE ${conditions.join(' AND ')} ORDER BY ${name}${order} LIMIT ${limit})`;
  });
  if (branches.length === 0) return [];
  const [only, second] = branches;
  const statement =
    second === undefined ? (only ?? '') : `${branches.join('\nUNION\n')} ORDER BY ref${order} LIMIT ${limit}`;
  return (await session.query(statement)).map((row) => textOf(row, 'ref'));
}

function sinceCondition({ column, unit, type }: Since, ms: number): string {
  const name = identifier(column);
  if (unit === 'ms') return `${name} >= ${ms}`;
  if (unit === 's') return `${name} >= ${Math.floor(ms / 1000)}`;
  const from = type === 'timestamp' ? literal(moment(ms)) : localMoment(ms, type);
  return `${name} >= ${type === 'date' ? `CAST(${from} AS DATE)` : from}`;
}

/** The newest thousand rows tell seconds from milliseconds: the whole table would take its time without an index. */
export async function largestOf(session: Session, table: string, columns: [string, string]): Promise<number> {
  const [column, key] = columns.map(identifier);
  const [row] = await session.query(
    `SELECT MAX(value) AS largest FROM (SELECT ${column} AS value FROM ${tableIdentifier(table)}
      ORDER BY ${key} DESC LIMIT 1000) newest`,
  );
  return Number(row?.['largest'] ?? 0);
}

/** Keys that exist, the newest, to try a query on. */
export async function newestKeys(session: Session, table: string, column: string): Promise<string[]> {
  const name = identifier(column);
  const rows = await session.query(
    `SELECT DISTINCT ${name} AS ref FROM ${tableIdentifier(table)} WHERE ${name} IS NOT NULL ORDER BY ${name} DESC LIMIT 3`,
  );
  return rows.map((row) => textOf(row, 'ref'));
}

const textOf = (row: Row, column: string): string => row[column] ?? '';
