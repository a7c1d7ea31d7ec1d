import type { TableShape } from '../shop.ts';
import { literal, literals } from './literal.ts';
import type { Row, Session } from './session.ts';
import { answerTable, touchedTable, type Standing } from './triggers.ts';

/** What the server says of itself and of a shop's tables. */
export type Inspected = {
  kind: 'table' | 'view';
  engine: string;
  shape: NonNullable<TableShape>;
  /** The first columns of its indexes. */
  indexed: readonly string[];
  /** Of columns with a text: how many characters it may have. */
  lengths: Readonly<Record<string, number>>;
  /** Foreign keys that change its rows behind its triggers' back. */
  cascades: readonly string[];
};

export async function inspectTable(session: Session, table: string): Promise<Inspected | null> {
  const { database } = await session.server();
  const [schema, name] = table.includes('.') ? table.split('.') : [database, table];
  const where = `table_schema = ${literal(schema ?? '')} AND table_name = ${literal(name ?? '')}`;
  const [found] = await session.query(
    `SELECT engine AS engine, table_type AS kind FROM information_schema.tables WHERE ${where}`,
  );
  if (found === undefined) return null;
  const columns = await session.query(
    `SELECT column_name AS name, data_type AS type, is_nullable AS nullable, character_maximum_length AS length
       FROM information_schema.columns WHERE ${where} ORDER BY ordinal_position`,
  );
  const indexes = await session.query(
    `SELECT index_name AS name, column_name AS col, seq_in_index AS place
       FROM information_schema.statistics WHERE ${where} ORDER BY index_name, seq_in_index`,
  );
  const cascades = await session.query(
    `SELECT constraint_name AS name FROM information_schema.referential_constraints
      WHERE constraint_schema = ${literal(schema ?? '')} AND table_name = ${literal(name ?? '')}
        AND (delete_rule IN ('CASCADE', 'SET NULL') OR update_rule IN ('CASCADE', 'SET NULL'))`,
  );
  return {
    kind: of(found, 'kind') === 'VIEW' ? 'view' : 'table',
    engine: of(found, 'engine'),
    shape: {
      columns: Object.fromEntries(
        columns.map((row) => [
          of(row, 'name'),
          { type: of(row, 'type').toLowerCase(), nullable: of(row, 'nullable') === 'YES' },
        ]),
      ),
      primaryKey: indexes.filter((row) => of(row, 'name') === 'PRIMARY').map((row) => of(row, 'col')),
    },
    indexed: indexes.filter((row) => of(row, 'place') === '1').map((row) => of(row, 'col')),
    lengths: Object.fromEntries(
      columns
        .filter((row) => row['length'] !== null)
        .map((row) => [of(row, 'name'), Number(of(row, 'length'))]),
    ),
    cascades: cascades.map((row) => of(row, 'name')),
  };
}

/** Ours in this database, and in another schema that the file watches from here. */
export async function readStanding(session: Session): Promise<Standing> {
  const { database } = await session.server();
  const [table] = await session.query(
    `SELECT table_comment AS comment FROM information_schema.tables
      WHERE table_schema = ${literal(database)} AND table_name = ${literal(touchedTable)}`,
  );
  const from = `\`${database}\`.\`${touchedTable}\``;
  const triggers = await session.query(
    `SELECT trigger_schema AS db, trigger_name AS name, event_object_table AS tbl FROM information_schema.triggers
      WHERE LEFT(trigger_name, 6) = 'fahuo_' AND (INSTR(action_statement, ${literal(from)}) > 0
         OR (trigger_schema = ${literal(database)} AND INSTR(action_statement, ${literal(touchedTable)}) > 0))
      ORDER BY event_object_table, trigger_name`,
  );
  const qualified = (row: Row, column: string): string =>
    of(row, 'db').toLowerCase() === database.toLowerCase()
      ? of(row, column)
      : `${of(row, 'db')}.${of(row, column)}`;
  return {
    comment: table === undefined ? null : of(table, 'comment'),
    triggers: triggers.map((row) => ({ name: qualified(row, 'name'), table: qualified(row, 'tbl') })),
  };
}

/** Whether both of our tables stand. */
export async function hasOwnTables(session: Session): Promise<boolean> {
  const { database } = await session.server();
  const rows = await session.query(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = ${literal(database)} AND table_name IN (${literals([touchedTable, answerTable])})`,
  );
  return rows.length === 2;
}

export type Settings = {
  readOnly: boolean;
  binlog: boolean;
  binlogFormat: string;
  trustsCreators: boolean;
  grants: readonly string[];
};

export async function readSettings(session: Session): Promise<Settings> {
  const [row] = await session.query(
    `SELECT @@global.read_only AS read_only, @@global.log_bin AS log_bin, @@global.binlog_format AS format,
            @@global.log_bin_trust_function_creators AS trusts`,
  );
  const grants = await session.query('SHOW GRANTS');
  return {
    readOnly: row?.['read_only'] === '1',
    binlog: row?.['log_bin'] === '1',
    binlogFormat: row?.['format'] ?? '',
    trustsCreators: row?.['trusts'] === '1',
    grants: grants.map((grant) => Object.values(grant)[0] ?? ''),
  };
}

export const explain = (session: Session, statement: string): Promise<Row[]> =>
  session.query(`EXPLAIN ${statement}`);

const of = (row: Row, column: string): string => row[column] ?? '';
