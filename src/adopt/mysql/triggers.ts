import { createHash } from 'node:crypto';
import type { AdoptFile } from '../file.ts';
import type { ColumnType, TableShape } from '../shop.ts';
import { identifier, literal, tableIdentifier } from './literal.ts';

/** What `apply` and `undo` do to a shop's database, as statements that a person reviews. Pure. */

export const touchedTable = 'fahuo_touched';
export const answerTable = 'fahuo_answer';

type Event = 'INSERT' | 'UPDATE' | 'DELETE';
const shortEvents = { INSERT: 'ai', UPDATE: 'au', DELETE: 'ad' } as const;

export type Trigger = {
  /** With its schema before a dot, where the file names the table so. */
  name: string;
  table: string;
  event: Event;
  body: string;
};

/** What stands there: triggers of ours, of this file or of an older one. */
export type Standing = {
  /** Of `fahuo_touched`; null where there is no such table. */
  comment: string | null;
  triggers: readonly { name: string; table: string }[];
};

export type Plan = { triggers: readonly Trigger[]; comment: string };

/** The triggers that the file asks for. Tables that are not there have none. */
export function planTriggers(
  file: Pick<AdoptFile, 'name' | 'watch'>,
  shapes: ReadonlyMap<string, TableShape>,
  database: string,
): Plan {
  const tables = [...new Set(file.watch.map(({ table }) => table))];
  const triggers = tables.flatMap((table) => {
    const shape = shapes.get(table);
    if (shape === undefined || shape === null) return [];
    const watched = file.watch
      .filter((one) => one.table === table)
      .map(({ keys, columns }) => ({ keys, columns: columns ?? Object.keys(shape.columns) }));
    // A trigger looks for a table in its own schema first and last.
    const into = table.includes('.') ? `${database}.${touchedTable}` : touchedTable;
    return (['INSERT', 'UPDATE', 'DELETE'] as const).map((event) => ({
      name: triggerName(table, event),
      table,
      event,
      body: bodyOf(event, { watched, shape, into }),
    }));
  });
  const digest = createHash('sha256')
    .update(triggers.map((one) => createText(one)).join('\n'))
    .digest('hex')
    .slice(0, 16);
  return { triggers, comment: `fahuo adopt: ${file.name} ${digest}` };
}

/** A name of MySQL has at most 64 characters. */
export function triggerName(table: string, event: Event): string {
  const [schema, own] = splitTable(table);
  const full = `fahuo_${own}_${shortEvents[event]}`;
  const digest = createHash('sha256').update(own).digest('hex').slice(0, 8);
  const short = full.length <= 64 ? full : `fahuo_${own.slice(0, 46)}_${digest}_${shortEvents[event]}`;
  return schema === undefined ? short : `${schema}.${short}`;
}

const splitTable = (table: string): [string | undefined, string] => {
  const dot = table.indexOf('.');
  return dot < 0 ? [undefined, table] : [table.slice(0, dot), table.slice(dot + 1)];
};

type Watched = { keys: Readonly<Record<string, string>>; columns: readonly string[] };
type Body = { watched: readonly Watched[]; shape: NonNullable<TableShape>; into: string };

function bodyOf(event: Event, { watched, shape, into }: Body): string {
  const touch = (row: 'OLD' | 'NEW', kind: string, column: string, condition?: string): string[] => {
    const value = `${row}.${identifier(column)}`;
    const conditions = [
      ...(isNullable(shape, column) ? [`${value} IS NOT NULL`] : []),
      ...(condition === undefined ? [] : [condition]),
    ];
    return guarded(conditions, [
      `INSERT INTO ${tableIdentifier(into)} (${identifier('kind')}, ${identifier('ref')})`,
      `  VALUES (${literal(kind)}, ${refOf(value, typeOf(shape, column))});`,
    ]);
  };
  const row = event === 'DELETE' ? 'OLD' : 'NEW';
  const lines =
    event === 'UPDATE'
      ? watched.flatMap(({ keys, columns }) => {
          const looked = [...new Set([...Object.values(keys), ...columns])];
          return guarded(
            [`NOT (${looked.map((column) => same(shape, column)).join('\n    AND ')})`],
            Object.entries(keys).flatMap(([kind, column]) => [
              ...touch('NEW', kind, column),
              ...touch('OLD', kind, column, `NOT (${same(shape, column)})`),
            ]),
          );
        })
      : distinctKeys(watched).flatMap(([kind, column]) => touch(row, kind, column));
  return ['BEGIN', ...lines.map((line) => `  ${line}`), 'END'].join('\n');
}

const guarded = (conditions: readonly string[], lines: readonly string[]): string[] =>
  conditions.length === 0
    ? [...lines]
    : [`IF ${conditions.join(' AND ')} THEN`, ...lines.map((line) => `  ${line}`), 'END IF;'];

const distinctKeys = (watched: readonly Watched[]): [string, string][] => [
  ...new Map(
    watched.flatMap(({ keys }) =>
      Object.entries(keys).map((pair) => [pair.join(' '), pair] as [string, [string, string]]),
    ),
  ).values(),
];

const texts = ['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set'];
const bytes = ['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'];
const numbers = ['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal'];

/** By their bytes: most collations call `yt1` and `YT1 ` the same waybill. */
function same(shape: NonNullable<TableShape>, column: string): string {
  const [before, now] = [`OLD.${identifier(column)}`, `NEW.${identifier(column)}`];
  return texts.includes(typeOf(shape, column))
    ? `CAST(${before} AS BINARY) <=> CAST(${now} AS BINARY)`
    : `${before} <=> ${now}`;
}

/** A key as a text of at most 255 characters. It must not fail for content: bytes may be no text at all. */
function refOf(value: string, type: string): string {
  if (numbers.includes(type)) return value;
  if (type === 'bit') return `${value} + 0`;
  return `LEFT(${bytes.includes(type) ? `HEX(${value})` : value}, 255)`;
}

/** MySQL does not tell cases apart in names of columns. */
export function columnOf(shape: NonNullable<TableShape>, column: string): ColumnType | undefined {
  const name = Object.keys(shape.columns).find((one) => one.toLowerCase() === column.toLowerCase());
  return name === undefined ? undefined : shape.columns[name];
}
const typeOf = (shape: NonNullable<TableShape>, column: string): string =>
  columnOf(shape, column)?.type ?? '';
const isNullable = (shape: NonNullable<TableShape>, column: string): boolean =>
  columnOf(shape, column)?.nullable ?? true;

export const isBytes = (type: string): boolean => bytes.includes(type);

/** Its definer stays the login that `apply` ran as: a login that is dropped leaves triggers that fail. */
const createText = ({ name, table, event, body }: Trigger, verb = 'CREATE'): string =>
  `${verb} TRIGGER ${tableIdentifier(name)} AFTER ${event} ON ${tableIdentifier(table)} FOR EACH ROW\n${body}`;

const createTouched = `-- The keys of rows that changed. fahuo deletes a key when it has looked at its order.
CREATE TABLE IF NOT EXISTS ${identifier(touchedTable)} (
  \`id\` bigint unsigned NOT NULL AUTO_INCREMENT,
  \`kind\` varchar(32) NOT NULL,
  \`ref\` varchar(255) NOT NULL,
  \`touched_at\` timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (\`id\`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`;

const createAnswer = `-- What WeChat answered: one row a key, the newest.
CREATE TABLE IF NOT EXISTS ${identifier(answerTable)} (
  \`kind\` varchar(32) NOT NULL,
  \`ref\` varchar(255) NOT NULL,
  \`appid\` varchar(64) NOT NULL,
  \`payment\` varchar(128) NOT NULL,
  \`version\` int DEFAULT NULL,
  \`state\` varchar(16) NOT NULL,
  \`errcode\` int DEFAULT NULL,
  \`errmsg\` text,
  \`rid\` varchar(128) DEFAULT NULL,
  \`reason\` text,
  \`at\` timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
  PRIMARY KEY (\`kind\`, \`ref\`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`;

/** A trigger keeps the mode that it was created in: in this one a value is cut where another would fail the shop. */
const ownMode = "-- The triggers keep this mode: they never fail over a value.\nSET SESSION sql_mode = ''";

/**
 * From what stands to what the file asks for. The comment comes last: an `apply` that was cut off is not taken for done.
 * A trigger that stands is replaced in one step, so that no change of the shop's slips through: by `OR REPLACE` where
 * MariaDB has it, and with its table locked for an instant on MySQL.
 */
export function applyStatements(
  { triggers, comment }: Plan,
  standing: Standing,
  dialect: { canReplace: boolean },
): string[] {
  const isCurrent = standing.comment === comment;
  const stands = ({ name }: { name: string }): boolean => standing.triggers.some((one) => one.name === name);
  const unwanted = standing.triggers.filter(({ name }) => !triggers.some((one) => one.name === name));
  const tables = [...new Set(triggers.map(({ table }) => table))];
  const steps = [
    ...tables.flatMap((table) => {
      const own = triggers.filter((one) => one.table === table);
      const missing = own.filter((one) => !stands(one)).map((one) => createText(one));
      const old = isCurrent ? [] : own.filter(stands);
      return [...missing, ...replaceStatements(table, old, dialect)];
    }),
    ...unwanted.map(({ name }) => `DROP TRIGGER IF EXISTS ${tableIdentifier(name)}`),
  ];
  if (isCurrent && steps.length === 0) return [];
  return [
    ownMode,
    createTouched,
    createAnswer,
    ...steps,
    `ALTER TABLE ${identifier(touchedTable)} COMMENT = ${literal(comment)}`,
  ];
}

function replaceStatements(
  table: string,
  triggers: readonly Trigger[],
  { canReplace }: { canReplace: boolean },
): string[] {
  if (triggers.length === 0) return [];
  if (canReplace) return triggers.map((one) => createText(one, 'CREATE OR REPLACE'));
  return [
    `LOCK TABLES ${tableIdentifier(table)} WRITE`,
    ...triggers.flatMap((one) => [`DROP TRIGGER ${tableIdentifier(one.name)}`, createText(one)]),
    'UNLOCK TABLES',
  ];
}

/** The triggers first: a shop's statement that meets one without its table would fail. */
export const undoStatements = ({ triggers }: Pick<Standing, 'triggers'>): string[] => [
  ...triggers.map(({ name }) => `DROP TRIGGER IF EXISTS ${tableIdentifier(name)}`),
  `DROP TABLE IF EXISTS ${identifier(touchedTable)}`,
  `DROP TABLE IF EXISTS ${identifier(answerTable)}`,
];

/** For the `mysql` client, which ends a statement at the first semicolon unless another sign is named. */
export const clientScript = (statements: readonly string[]): string =>
  statements
    .map((text) => (/;\n/.test(text) ? `DELIMITER //\n${text} //\nDELIMITER ;\n` : `${text};\n`))
    .join('\n');
