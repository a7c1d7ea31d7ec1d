import type { AdoptFile } from '../file.ts';
import type { Finding } from '../shop.ts';
import { hasGlobalRight, hasRight } from './grants.ts';
import type { Inspected, Settings } from './inspect.ts';
import type { Row, Server } from './session.ts';
import { columnOf, isBytes, type Plan, type Standing } from './triggers.ts';

/** What stands in the way of `apply`, and what may surprise. Pure. */
export type Facts = {
  file: AdoptFile;
  server: Server;
  settings: Settings;
  tables: ReadonlyMap<string, Inspected | null>;
  standing: Standing;
  plan: Plan;
};

export const trustRemedy =
  'Run `SET GLOBAL log_bin_trust_function_creators = 1;` as an administrator, and set it in my.cnf.';

const problem = (what: string, remedy: string): Finding => ({ level: 'problem', what, remedy });
const warning = (what: string, remedy: string): Finding => ({ level: 'warning', what, remedy });

export const findingsOf = (facts: Facts): Finding[] => [
  ...serverFindings(facts),
  ...rightFindings(facts),
  ...tableFindings(facts),
  ...keyFindings(facts),
  ...standingFindings(facts),
];

const serverFindings = (facts: Facts): Finding[] => [
  ...(isOld(facts.server)
    ? [
        warning(
          `the server is ${facts.server.versionText}`,
          'fahuo is tested with MySQL 8 and MariaDB 10.6 and newer: try it on a copy first.',
        ),
      ]
    : []),
  ...(facts.settings.readOnly && !mayWriteAnyway(facts)
    ? [problem('the server is read-only', 'Let the URL name the server that the shop writes to.')]
    : []),
  ...(facts.settings.binlog ? binlogFindings(facts.settings) : []),
];

const isOld = ({ isMariadb, version }: Server): boolean => version < (isMariadb ? 10_006 : 8_000);

/** Until MariaDB 10.11 SUPER was enough. */
const mayWriteAnyway = ({ server: { isMariadb, version }, settings }: Facts): boolean =>
  hasGlobalRight(settings.grants, [
    ...['READ ONLY ADMIN', 'READ_ONLY ADMIN', 'CONNECTION_ADMIN'],
    ...(isMariadb && version >= 10_011 ? [] : ['SUPER']),
  ]);

const binlogFindings = ({ grants, trustsCreators, binlogFormat }: Settings): Finding[] => [
  ...(trustsCreators || hasGlobalRight(grants, ['SUPER'])
    ? []
    : [problem('the server writes a binary log and lets only SUPER create triggers', trustRemedy)]),
  ...(binlogFormat === 'STATEMENT'
    ? [
        warning(
          'binlog_format is STATEMENT: each statement that fires a trigger writes warning 1592 into the error log',
          'Set binlog_format to MIXED or ROW.',
        ),
      ]
    : []),
];

function rightFindings({ file, server, settings }: Facts): Finding[] {
  const needed = [
    ...file.watch.map(({ table }) => [table, 'TRIGGER'] as const),
    ...file.watch.map(({ table }) => [table, 'SELECT'] as const),
    ...file.answers.map(({ table }) => [table, 'UPDATE'] as const),
    ...['CREATE', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'].map((right) => ['fahuo_touched', right] as const),
  ];
  const lacking = needed.filter(([table, right]) => {
    const [database = '', name = ''] = table.includes('.') ? table.split('.') : [server.database, table];
    return hasRight(settings.grants, right, { database, table: name }) === 'no';
  });
  return distinct(lacking.map(([table, right]) => `${right} on ${table}`)).map((what) =>
    problem(
      `this login lacks ${what}`,
      `Run \`GRANT ${what.replace(' on ', ` ON ${what.includes('.') ? '' : `${server.database}.`}`)} TO …;\` as an administrator.`,
    ),
  );
}

const distinct = (list: readonly string[]): string[] => [...new Set(list)];

/** Every place of the file that names a table, and the columns that it names there. */
const namedIn = (file: AdoptFile): { table: string; columns: string[]; where: string }[] => [
  ...file.watch.map(({ table, keys, columns }, index) => ({
    table,
    columns: [...Object.values(keys), ...(columns ?? [])],
    where: `watch[${index}]`,
  })),
  ...file.answers.map(({ table, keys, set }, index) => ({
    table,
    columns: [...Object.values(keys), ...Object.keys(set)],
    where: `answers[${index}]`,
  })),
  ...file.backfill.map(({ table, keys, since }, index) => ({
    table,
    columns: [...Object.values(keys), ...(since === undefined ? [] : [since])],
    where: `backfill[${index}]`,
  })),
];

function tableFindings({ file, tables }: Facts): Finding[] {
  const missing = namedIn(file).flatMap(({ table, columns, where }): Finding[] => {
    const found = tables.get(table) ?? null;
    if (found === null)
      return [problem(`${where} names the table ${table}, which is not there`, 'Correct the name.')];
    return distinct(columns)
      .filter((column) => columnOf(found.shape, column) === undefined)
      .map((column) =>
        problem(`${where} names the column ${column}, which ${table} does not have`, 'Correct the name.'),
      );
  });
  const watched = distinct(file.watch.map(({ table }) => table)).flatMap((table): Finding[] => {
    const found = tables.get(table) ?? null;
    if (found === null) return [];
    if (found.kind === 'view')
      return [problem(`${table} is a view, which has no triggers`, 'Watch the tables that it reads.')];
    return [
      ...(found.engine === 'InnoDB'
        ? []
        : [
            problem(
              `${table} is kept by ${found.engine}, without transactions: a rolled-back change could be sent`,
              `Run \`ALTER TABLE ${table} ENGINE=InnoDB;\` at a quiet hour.`,
            ),
          ]),
      ...found.cascades.map((name) =>
        warning(
          `the foreign key ${name} changes ${table} without firing its triggers`,
          'Watch the table that it refers to as well.',
        ),
      ),
    ];
  });
  return [...missing, ...watched];
}

function keyFindings({ file, tables }: Facts): Finding[] {
  const searched = [...file.answers, ...file.backfill].flatMap(({ table, keys }) =>
    Object.values(keys).map((column) => ({ table, column })),
  );
  const unindexed = searched.filter(({ table, column }) => {
    const found = tables.get(table) ?? null;
    return (
      found !== null &&
      columnOf(found.shape, column) !== undefined &&
      !found.indexed.some((one) => one.toLowerCase() === column.toLowerCase())
    );
  });
  const keys = [...file.watch, ...file.answers, ...file.backfill].flatMap(({ table, keys: named }) =>
    Object.values(named).map((column) => ({ table, column })),
  );
  return [
    ...distinct(unindexed.map(({ table, column }) => `${table}.${column}`)).map((key) =>
      warning(`no index begins with ${key}: each look at it reads the whole table`, 'Add an index.'),
    ),
    ...distinct(
      keys
        .filter(({ table, column }) => isKeyOfBytes(tables, table, column))
        .map((one) => Object.values(one).join('.')),
    ).map((key) =>
      problem(`the key ${key} holds bytes, and keys are texts`, 'Name a column with a number or a text.'),
    ),
    ...distinct(
      keys
        .filter(({ table, column }) => isLong(tables.get(table) ?? null, column))
        .map((one) => Object.values(one).join('.')),
    ).map((key) =>
      warning(`the key ${key} may be longer than 255 characters, and would be cut`, 'Name a shorter column.'),
    ),
  ];
}

function isKeyOfBytes(tables: Facts['tables'], table: string, column: string): boolean {
  const found = tables.get(table) ?? null;
  return found !== null && isBytes(columnOf(found.shape, column)?.type ?? '');
}

function isLong(found: Inspected | null, column: string): boolean {
  if (found === null) return false;
  const name = Object.keys(found.lengths).find((one) => one.toLowerCase() === column.toLowerCase());
  return (
    name !== undefined &&
    (found.lengths[name] ?? 0) > 255 &&
    !isBytes(columnOf(found.shape, column)?.type ?? '')
  );
}

const standingFindings = ({ standing, plan, file }: Facts): Finding[] => {
  const old = standing.triggers.filter(({ name }) => !plan.triggers.some((one) => one.name === name));
  const another = /^fahuo adopt: (\S+) /.exec(standing.comment ?? '')?.[1];
  return [
    ...(another === undefined || another === file.name
      ? []
      : [
          problem(
            `this database was adopted by the file named ${another}`,
            'Watch all tables of a database in one file, or undo that one first.',
          ),
        ]),
    ...old.map(({ name, table }) =>
      warning(`${table} has the trigger ${name} of an older file`, '`fahuo adopt apply` drops it.'),
    ),
  ];
};

/** More rows than this are slow to read for every batch of keys. */
const manyRows = 10_000;

/** Of the parts query's plan: a table that is read from end to end. */
export const scanFindings = (rows: readonly Row[]): Finding[] =>
  rows
    .filter((row) => row['type'] === 'ALL' && Number(row['rows']) >= manyRows)
    .map((row) =>
      warning(
        `the parts query reads all of ${row['table'] ?? ''} (about ${row['rows'] ?? ''} rows) for each batch of keys`,
        'Add an index on the column that it joins by, or join by another.',
      ),
    );

export const queryProblem = (message: string): Finding =>
  problem(`the parts query fails: ${message}`, 'Correct the query; run it in a client of your own first.');
