import type { Pool } from '../../../db/client.ts';
import { findPooler } from '../../../db/pooler.ts';
import { cutText } from '../../text.ts';
import type { AdoptFile } from '../file.ts';
import type { Finding, Parts } from '../shop.ts';
import {
  readMissingRights,
  readServer,
  readTableState,
  type ServerState,
  type TableState,
} from './findings-store.ts';
import { columnOf, times, wholeNumbers, type Relation } from './relation.ts';
import { countTouched } from './store.ts';
import { fileNameOf, judgeStanding, type Relations, type Standing } from './triggers.ts';

export type FindingsDeps = {
  databaseUrl: string;
  own: Pool;
  file: AdoptFile;
  relations: () => Promise<Relations>;
  standing: () => Promise<Standing>;
  /** Plans the parts query without a key, and runs nothing. */
  explainParts: () => Promise<Parts>;
  nowMs: () => number;
};

const oldestServer = 140_000;
/** A loop that runs takes a key within seconds. */
const abandonedMs = 600_000;

/** Everything that {@link Shop.findings} says, the first hindrance first. */
export async function readFindings(deps: FindingsDeps): Promise<Finding[]> {
  const sign = await findPooler(deps.databaseUrl);
  if (sign !== null)
    return [
      problem(
        `a pooler stands before the shop's Postgres: ${cutText(sign)}`,
        'Let the database URL of the shop name Postgres itself: fahuo sets its search path and its time limits per session.',
      ),
    ];
  const server = await readServer(deps.own);
  const [relations, standing] = [await deps.relations(), await deps.standing()];
  const applied = judgeStanding(deps.file, relations, standing);
  return [
    ...ofServer(server, standing),
    ...ofRemark(deps.file, standing),
    ...(await ofTables(deps, relations, applied === 'applied')),
    ...ofParts(await deps.explainParts()),
    ...(standing?.tables === true ? await ofOwnTables(deps) : []),
  ];
}

const problem = (what: string, remedy: string): Finding => ({ level: 'problem', what, remedy });
const warning = (what: string, remedy: string): Finding => ({ level: 'warning', what, remedy });

function ofServer(
  { version, standby, readOnly, mayCreate, ...names }: ServerState,
  standing: Standing,
): Finding[] {
  const found: Finding[] = [];
  if (version < oldestServer)
    found.push(
      problem(`this is Postgres ${Math.floor(version / 10_000)}`, 'Postgres 14 or later is needed.'),
    );
  if (standby) found.push(problem('this server is a standby: nothing can be written', 'Name the primary.'));
  else if (readOnly)
    found.push(
      problem(
        `sessions of ${names.login} are read-only`,
        `Let the owner run: alter role ${names.login} reset default_transaction_read_only.`,
      ),
    );
  if (standing === null && !mayCreate)
    found.push(
      problem(
        `${names.login} may make no schema in ${names.database}`,
        `Let an administrator run: grant create on database ${names.database} to ${names.login}.`,
      ),
    );
  return found;
}

function ofRemark({ name }: AdoptFile, standing: Standing): Finding[] {
  if (standing === null) return [];
  const other = fileNameOf(standing.remark);
  if (other === name) return [];
  return [
    other === null
      ? problem(
          'there is a schema fahuo_adopt that `fahuo adopt apply` did not finish, or did not make',
          'Look at it, and drop it if nobody uses it.',
        )
      : problem(
          `this database was adopted by a file of another name: ${other}`,
          `Put both watch lists into one file, or undo ${other} first.`,
        ),
  ];
}

async function ofTables(
  { own, file }: FindingsDeps,
  relations: Relations,
  applied: boolean,
): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const table of tablesOf(file)) {
    const relation = relations.get(table);
    if (relation === undefined) {
      found.push(
        problem(
          `there is no table ${table}, or this login may not see it`,
          'Correct its name, put its schema before it (shop.orders), or grant usage on its schema.',
        ),
      );
      continue;
    }
    const one: Looked = { table, relation, state: await readTableState(own, relation) };
    found.push(
      ...ofTable(one),
      ...ofWatch(file, one, applied),
      ...ofAnswers(file, one),
      ...ofBackfill(file, one),
    );
  }
  return found;
}

/** Every table that the file names, once. */
export const tablesOf = (file: AdoptFile): string[] => [
  ...new Set([...file.watch, ...file.answers, ...file.backfill].map(({ table }) => table)),
];

type Looked = { table: string; relation: Relation; state: TableState };

function ofTable({ table, state }: Looked): Finding[] {
  const found: Finding[] = [];
  if (!state.maySelect)
    found.push(problem(`this login may not read ${table}`, `Grant it SELECT on ${table}.`));
  if (state.rowSecurity)
    found.push(
      warning(
        `row security hides rows of ${table} from this login, unless a policy shows them`,
        'Give the login a policy that shows all rows, or BYPASSRLS: orders that it does not see are never sent.',
      ),
    );
  return found;
}

function ofWatch(file: AdoptFile, { table, relation, state }: Looked, applied: boolean): Finding[] {
  const watches = file.watch.filter((one) => one.table === table);
  if (watches.length === 0) return [];
  const found = watches.flatMap(({ keys, columns }) => [
    ...missing(relation, table, [...Object.values(keys), ...(columns ?? [])]),
    ...Object.values(keys).flatMap((name) => [
      ...unindexed(state, relation, table, name),
      ...(columnOf(relation, name)?.isVirtual === true
        ? [
            problem(
              `${table}.${name} is computed when it is read: a trigger cannot see it`,
              'Name a stored column as the key.',
            ),
          ]
        : []),
    ]),
  ]);
  if (!['r', 'p'].includes(relation.kind))
    found.push(
      problem(`${table} is no table that can have row triggers`, 'Watch the tables that the view reads.'),
    );
  else if (!relation.owned && !applied)
    found.push(
      problem(
        `this login does not own ${table}: it may not set a trigger that always fires`,
        `Run apply with the login that owns ${table}, or with a superuser.`,
      ),
    );
  if (state.children)
    found.push(
      warning(
        `other tables inherit from ${table}: no trigger of ${table} sees their rows`,
        'Name the children in the watch list as well.',
      ),
    );
  return found;
}

const missing = (relation: Relation, table: string, names: readonly string[]): Finding[] =>
  [...new Set(names)]
    .filter((name) => columnOf(relation, name) === undefined)
    .map((name) => problem(`${table} has no column ${name}`, 'Correct the name in the file.'));

const unindexed = (state: TableState, relation: Relation, table: string, name: string): Finding[] => {
  const column = columnOf(relation, name);
  return column === undefined || state.indexed.includes(column.name)
    ? []
    : [
        warning(
          `no index of ${table} begins with ${name}: who looks an order up by it reads the whole table`,
          `create index concurrently on ${table} (${name}), unless the table stays small.`,
        ),
      ];
};

const ofAnswers = (file: AdoptFile, { table, relation, state }: Looked): Finding[] =>
  file.answers
    .filter((one) => one.table === table)
    .flatMap(({ keys, set }) => [
      ...missing(relation, table, [...Object.values(keys), ...Object.keys(set)]),
      ...Object.values(keys).flatMap((name) => unindexed(state, relation, table, name)),
      ...Object.keys(set)
        .map((name) => columnOf(relation, name)?.name)
        .filter((name) => name !== undefined && !state.updatable.includes(name))
        .map((name) =>
          problem(
            `this login may not write ${table}.${name ?? ''}`,
            `Grant it UPDATE (${name ?? ''}) on ${table}.`,
          ),
        ),
    ]);

const ofBackfill = (file: AdoptFile, { table, relation, state }: Looked): Finding[] =>
  file.backfill
    .filter((one) => one.table === table)
    .flatMap(({ keys, since }) => [
      ...missing(relation, table, [...Object.values(keys), ...(since === undefined ? [] : [since])]),
      ...Object.values(keys).flatMap((name) => unindexed(state, relation, table, name)),
      ...(relation.primaryKey.length === 0
        ? [
            warning(
              `${table} has no primary key: backfill goes by ${Object.values(keys).join(', ')} alone`,
              'See that this column has an index and that no order is without it.',
            ),
          ]
        : []),
      ...sinceOf(relation, table, since),
    ]);

function sinceOf(relation: Relation, table: string, since: string | undefined): Finding[] {
  const column = since === undefined ? undefined : columnOf(relation, since);
  if (column === undefined || [...times, ...wholeNumbers].includes(column.type)) return [];
  return [
    problem(
      `${table}.${column.name} is ${column.type}: backfill cannot tell times by it`,
      'Name a timestamp, a date, or a whole number of seconds or milliseconds as since.',
    ),
  ];
}

function ofParts(parts: Parts): Finding[] {
  if (parts.kind === 'rows') return [];
  return [
    problem(
      `the parts query does not run: ${parts.message}`,
      'Correct the query, or grant this login SELECT on what it reads.',
    ),
  ];
}

async function ofOwnTables({ own, nowMs }: FindingsDeps): Promise<Finding[]> {
  const lacking = await readMissingRights(own);
  if (lacking.length > 0)
    return [
      problem(
        `this login lacks ${lacking.join(', ')}`,
        'Grant it, and usage on schema fahuo_adopt, as the comment in `fahuo adopt plan` says.',
      ),
    ];
  const { waiting, oldestMs } = await countTouched(own);
  if (oldestMs === null || nowMs() - oldestMs < abandonedMs) return [];
  return [
    warning(
      `${waiting} changes wait to be looked at since ${new Date(oldestMs).toISOString()}`,
      'Start fahuo with the role adopt; where nobody is to run it any more, `fahuo adopt undo`.',
    ),
  ];
}
