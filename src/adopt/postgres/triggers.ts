import { createHash } from 'node:crypto';
import type { AdoptFile } from '../file.ts';
import { columnOf, hasEquality, literal, nameOf, quoted, type Column, type Relation } from './relation.ts';

/** The watched tables that there are, by the name that the file gives them. */
export type Relations = ReadonlyMap<string, Relation>;

/** A trigger of ours that stands on a table of the shop. */
export type StandingTrigger = {
  schema: string;
  table: string;
  trigger: string;
  function: string;
  /** Fires whatever `session_replication_role` says. */
  always: boolean;
};

/** What stands in schema fahuo_adopt; null where there is no such schema. */
export type Standing = {
  /** {@link remarkOf} of the file that was applied; null where the schema says something else. */
  remark: string | null;
  triggers: readonly StandingTrigger[];
  /** Names of our functions there. */
  functions: readonly string[];
  /** Whether both tables are there. */
  tables: boolean;
} | null;

type Watch = AdoptFile['watch'][number];
type File = Pick<AdoptFile, 'name' | 'watch' | 'answers'>;

const events = ['insert', 'update', 'delete'] as const;
const functionOf = (index: number): string => `touch_${index + 1}`;
const triggerOf = (index: number, event: string): string => `fahuo_adopt_${index + 1}_${event}`;

/**
 * The statements of `apply`, one a text, as a person reviews them and as they are run, in one transaction. Each can be
 * run again. Pure.
 */
export function applyStatements(file: File, relations: Relations, standing: Standing): string[] {
  const wanted = file.watch.flatMap((watch, index) => watchStatements(file, watch, index, relations));
  return [
    ...tableStatements(),
    ...obsolete(file, relations, standing),
    ...wanted,
    `comment on schema fahuo_adopt is ${literal(remarkOf(file, relations))};`,
  ];
}

/** The name of the file, and a hash of the triggers that it asks for. */
export const remarkOf = (file: File, relations: Relations): string =>
  `fahuo adopt: ${file.name} ${createHash('sha256')
    .update(file.watch.flatMap((watch, index) => watchStatements(file, watch, index, relations)).join('\n'))
    .digest('hex')
    .slice(0, 16)}`;

/** Which file a remark is of; null where it is none of ours. */
export const fileNameOf = (remark: string | null): string | null =>
  /^fahuo adopt: (\w+) [0-9a-f]{16}$/.exec(remark ?? '')?.[1] ?? null;

/** Whether what stands is what the file asks for. */
export function judgeStanding(
  file: File,
  relations: Relations,
  standing: Standing,
): 'applied' | 'outdated' | 'absent' {
  if (standing === null || (!standing.tables && standing.triggers.length === 0)) return 'absent';
  const stands = new Set(
    standing.triggers.filter(({ always }) => always).map((one) => `${nameOfTable(one)} ${one.trigger}`),
  );
  const complete = wantedTriggers(file, relations).every((one) => stands.has(one));
  return complete &&
    standing.tables &&
    standing.triggers.every(({ always }) => always) &&
    standing.remark === remarkOf(file, relations)
    ? 'applied'
    : 'outdated';
}

const nameOfTable = ({ schema, table }: StandingTrigger): string => nameOf({ schema, name: table });

const wantedTriggers = ({ watch }: File, relations: Relations): string[] =>
  watch.flatMap(({ table }, index) =>
    events.map((event) => {
      const relation = relations.get(table);
      return `${relation === undefined ? quoted(table) : nameOf(relation)} ${triggerOf(index, event)}`;
    }),
  );

/** The statements of `undo`. What is not ours in the schema makes the last one fail, and with it all. Pure. */
export function undoStatements(standing: Standing): string[] {
  if (standing === null) return [];
  return [
    ...standing.triggers.map(dropTrigger),
    ...standing.functions.map((name) => `drop function if exists fahuo_adopt.${quoted(name)}();`),
    'drop table if exists fahuo_adopt.touched;',
    'drop table if exists fahuo_adopt.answer;',
    'drop schema if exists fahuo_adopt;',
  ];
}

const dropTrigger = (one: StandingTrigger): string =>
  `drop trigger if exists ${quoted(one.trigger)} on ${nameOfTable(one)};`;

/** Triggers and functions of an earlier file, which this one does not ask for. */
function obsolete(file: File, relations: Relations, standing: Standing): string[] {
  const wanted = new Set(wantedTriggers(file, relations));
  const functions = new Set(file.watch.map((_, index) => functionOf(index)));
  return [
    ...(standing?.triggers ?? [])
      .filter((one) => !wanted.has(`${nameOfTable(one)} ${one.trigger}`))
      .map(dropTrigger),
    ...(standing?.functions ?? [])
      .filter((name) => !functions.has(name))
      .map((name) => `drop function if exists fahuo_adopt.${quoted(name)}();`),
  ];
}

const tableStatements = (): string[] => [
  `-- Everything of fahuo in this database stands in this schema, but for the triggers. "fahuo adopt undo" drops it.
create schema if not exists fahuo_adopt;`,
  `-- Keys of orders to look at. A trigger inserts one as the shop's row changes, and fahuo deletes it.
create table if not exists fahuo_adopt.touched (
  id bigserial primary key,
  kind text not null,
  ref text not null,
  touched_at timestamptz not null default pg_catalog.clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0);`,
  `-- What became of an order at WeChat: one row a key, the newest answer.
-- Grants: nobody but this login may read it. Where the shop's own login is to read answers, grant it here by hand:
--   grant usage on schema fahuo_adopt to THE_SHOP; grant select on fahuo_adopt.answer to THE_SHOP;
-- Where fahuo runs with another login than the one that applies this:
--   grant usage on schema fahuo_adopt to FAHUO; grant select, delete on fahuo_adopt.touched to FAHUO;
--   grant select, insert, update on fahuo_adopt.answer to FAHUO;
create table if not exists fahuo_adopt.answer (
  kind text not null,
  ref text not null,
  appid text not null,
  payment text not null,
  version integer,
  state text not null,
  errcode integer,
  errmsg text,
  rid text,
  reason text,
  at timestamptz not null,
  primary key (kind, ref)
);`,
];

/** The function of one watched table, and its three triggers. */
function watchStatements(file: File, watch: Watch, index: number, relations: Relations): string[] {
  const relation = relations.get(watch.table);
  if (relation === undefined) return [missingTable(watch.table)];
  const keys = Object.entries(watch.keys).map(([kind, name]) => ({
    kind,
    column: columnFor(relation, name),
  }));
  const columns = watchedColumns(file, watch, relation);
  const name = functionOf(index);
  return [
    functionText(name, watch.table, keys),
    `revoke execute on function fahuo_adopt.${name}() from public;`,
    ...events.flatMap((event) => {
      const trigger = triggerOf(index, event);
      return [
        `${event === 'update' ? updateRemark : ''}create or replace trigger ${trigger} after ${event} on ${nameOf(relation)}
for each row when (${conditionOf(event, keys, columns)})
execute function fahuo_adopt.${name}();`,
        `alter table ${nameOf(relation)} enable always trigger ${trigger};`,
      ];
    }),
  ];
}

/** Nothing is applied in part: this statement fails as well. */
const missingTable = (table: string): string =>
  `-- There is no table ${table}: correct the file.
lock table ${table.split('.').map(quoted).join('.')} in share row exclusive mode;`;

const updateRemark = `-- Fires where a value really changed, whatever columns the statement names. Before one of these columns is renamed,
-- dropped or given another type: "fahuo adopt undo", and "fahuo adopt apply" afterwards.
`;

type WatchedKey = { kind: string; column: Column };

/** A column that is missing keeps its name: the statement says so when it is run, and findings say it before. */
const columnFor = (relation: Relation, name: string): Column =>
  columnOf(relation, name) ?? {
    name,
    type: 'text',
    castType: 'text',
    nullable: true,
    isEnum: false,
    isVirtual: false,
  };

/** All columns where the file names none, but for those that fahuo's own answers are written to. */
function watchedColumns(file: File, watch: Watch, relation: Relation): Column[] {
  if (watch.columns !== undefined) return watch.columns.map((name) => columnFor(relation, name));
  const written = new Set(
    file.answers
      .filter(({ table }) => table.toLowerCase() === watch.table.toLowerCase())
      .flatMap(({ set }) => Object.keys(set))
      .map((name) => columnFor(relation, name).name),
  );
  return relation.columns.filter(({ name }) => !written.has(name));
}

function conditionOf(
  event: (typeof events)[number],
  keys: readonly WatchedKey[],
  columns: readonly Column[],
): string {
  if (event !== 'update') {
    const row = event === 'insert' ? 'new' : 'old';
    return keys.map(({ column }) => `${row}.${quoted(column.name)} is not null`).join(' or ');
  }
  const compared = new Map([...keys.map(({ column }) => column), ...columns].map((one) => [one.name, one]));
  return [...compared.values()].map(changed).join('\n  or ');
}

function changed(column: Column): string {
  const cast = hasEquality(column) ? '' : '::pg_catalog.text';
  const name = quoted(column.name);
  return `old.${name}${cast} is distinct from new.${name}${cast}`;
}

/**
 * It runs with the rights of whoever applied it, in the session of whoever changes the shop's row, so it calls nothing of
 * theirs (ADR 16): `format` asks the type for its text and looks for no cast, which the table's owner could define.
 */
function functionText(name: string, table: string, keys: readonly WatchedKey[]): string {
  const body = `begin${keys.map(touchOf).join('')}
  return null;
end`;
  const tag = freeTag(body);
  return `-- Notes which order to look at when a row of ${table} changes, and nothing else. It runs with the rights of the
-- login that applies this, so that the shop's logins need none.
create or replace function fahuo_adopt.${name}() returns trigger
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as ${tag}
${body}
${tag};`;
}

/** A column may have dollars in its name. */
function freeTag(body: string): string {
  let tag = '$touch$';
  while (body.includes(tag)) tag = `$_${tag.slice(1)}`;
  return tag;
}

/** In an insert `old` is null, and in a delete `new` is. */
function touchOf({ kind, column }: WatchedKey): string {
  const [before, after] = [textOf('old', column), textOf('new', column)];
  const name = quoted(column.name);
  const note = (ref: string): string =>
    `insert into fahuo_adopt.touched (kind, ref) values (${literal(kind)}, ${ref});`;
  return `
  if new.${name} is not null then
    ${note(after)}
  end if;
  if old.${name} is not null and (new.${name} is null or ${before} operator(pg_catalog.<>) ${after}) then
    ${note(before)}
  end if;`;
}

function textOf(row: 'old' | 'new', { name, type }: Column): string {
  const text = `pg_catalog.format('%s', ${row}.${quoted(name)})`;
  return type === 'bpchar' ? `pg_catalog.rtrim(${text}, ' ')` : text;
}
