import { table } from '../table.ts';
import type { Row } from './shop-database.ts';
import type { Waiting } from './shop-store.ts';

/** What the demo's statements lead to, by answer; both shops have the same. Orders that are not shipped have none. */
const expected = { acknowledged: 12, skipped: 3, held: 1, proposed: 1, '-': 3 };
/** Before its waybill changes, the order of the correction is acknowledged like the others. */
const expectedBefore = { acknowledged: 13, skipped: 3, held: 1, '-': 3 };
const notShipped = '-';

/** The shop's own rows, with what is on record beside them: why an order has no event. Pure. */
export const withSkipped = (rows: readonly Row[], skipped: ReadonlyMap<string, string>): Row[] =>
  rows.map((row) => {
    const why = skipped.get(row['order'] ?? '');
    if (row['answer'] !== null) return row;
    return why === undefined ? { ...row, answer: notShipped } : { ...row, answer: 'skipped', why };
  });

export const countAnswers = (rows: readonly Row[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const { answer } of rows) counts[answer ?? ''] = (counts[answer ?? ''] ?? 0) + 1;
  return counts;
};

export const isAnswered = (rows: readonly Row[]): boolean => isEqual(countAnswers(rows), expectedBefore);
export const isAsDesigned = (rows: readonly Row[]): boolean => isEqual(countAnswers(rows), expected);

const isEqual = (left: Readonly<Record<string, number>>, right: Readonly<Record<string, number>>): boolean =>
  Object.keys({ ...left, ...right }).every((name) => left[name] === right[name]);

export function renderCounts(rows: readonly Row[]): string {
  const counts = countAnswers(rows);
  return ['waiting', ...Object.keys(expected)]
    .filter((answer) => answer !== notShipped && counts[answer] !== undefined)
    .map((answer) => `${answer} ${counts[answer] ?? 0}`)
    .join(', ');
}

/** Long reasons stand in the notes below: a remedy is a sentence. */
export function renderOrders(rows: readonly Row[]): string {
  const [first = {}] = rows;
  const cells = rows.map((row) =>
    Object.entries(row).map(([name, cell]) => (name === 'why' && isWaiting(row) ? 'see below' : cell)),
  );
  return table([Object.keys(first), ...cells]);
}

const isWaiting = ({ answer }: Row): boolean => answer === 'held' || answer === 'proposed';

/** What a person does about the payments that wait. */
export function renderWaiting(
  rows: readonly Row[],
  waiting: readonly Waiting[],
  databaseUrl: string,
): string[] {
  const whyOf = (ref: string): string => rows.find((row) => row['order'] === ref)?.['why'] ?? '';
  return waiting.flatMap(({ payment, state, refs }) => [
    `${state} ${refs.join(', ')}: ${whyOf(refs[0] ?? '')}`,
    ...(state === 'held' ? [] : approval(payment, databaseUrl)),
  ]);
}

const approval = (payment: string, databaseUrl: string): string[] => [
  '  WeChat keeps what it was told, until a person spends the only correction that it takes:',
  `  DATABASE_URL=${databaseUrl} npx fahuo adopt approve ${payment} --by "Li Lei"`,
];

/** The kinds of things that stand in a database, counted. */
export const renderShape = (shape: readonly string[]): string =>
  Object.entries({ table: 'tables', column: 'columns', index: 'indexes', trigger: 'triggers' })
    .map(([kind, name]) => `${shape.filter((line) => line.startsWith(`${kind} `)).length} ${name}`)
    .join(', ');

/** What `apply` ran, in a line. */
export function renderApplied(statements: readonly string[], tables: number): string {
  const triggers = statements.filter((text) => /^create (or replace )?trigger/im.test(text)).length;
  return `${statements.length} statements: ${triggers} triggers on ${tables} tables, each of which only notes which order changed`;
}

/** A statement as it runs, indented. */
export const renderStatement = (statement: string): string =>
  statement
    .split('\n')
    .map((line) => `    ${line.trim().length > 150 ? `${line.trim().slice(0, 149)}…` : line.trim()}`)
    .join('\n');
