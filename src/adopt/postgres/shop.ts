import { HeldUpError, namingBlockers } from '../../../db/blockers.ts';
import { blameOf } from '../../../db/blame.ts';
import {
  connectAlone,
  createPool,
  inTransaction,
  serviceQueryTimeoutMs,
  trustedPath,
  type Pool,
} from '../../../db/client.ts';
import { systemClock } from '../../clock.ts';
import { FahuoError, messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { AdoptFile } from '../file.ts';
import type { Key, Parts, Shop, ShopAnswer, TableShape, WalkOptions } from '../shop.ts';
import { columnsStatement, newestOf } from './answers.ts';
import { readFindings, tablesOf } from './findings.ts';
import { partsBlameOf, partsMessageOf, partsQuery, partsValues, rawTypes } from './parts.ts';
import { columnOf, type Relation } from './relation.ts';
import {
  countTouched,
  flushLog,
  forgetTouched,
  readRelation,
  readStanding,
  resolveTable,
  takeTouched,
  upsertAnswers,
  walkKeys,
  writeColumns,
} from './store.ts';
import { applyStatements, judgeStanding, undoStatements, type Relations } from './triggers.ts';

export type PostgresShopOptions = {
  databaseUrl: string;
  file: AdoptFile;
  log: Log;
  /** The longest that one of our own statements may take; the parts query has `timeout_ms` of the file. */
  queryTimeoutMs?: number;
  /** The longest wait of apply and undo for one table: what queues behind us is the shop. */
  lockTimeoutMs?: number;
};

const defaultLockTimeoutMs = 3_000;
/** Beyond the file's limit: the server is to say that it was too slow, not we. */
const graceMs = 5_000;

type Deps = {
  databaseUrl: string;
  file: AdoptFile;
  log: Log;
  /** Sessions for our own statements: nothing of the shop's is looked up by a bare name (ADR 16). */
  own: Pool;
  /** Sessions with the login's own search path, for the shop's names: its query, and which table a name means. */
  shops: Pool;
};

/** The shop's Postgres. It connects when it is first asked. */
// eslint-disable-next-line @typescript-eslint/require-await -- the dialects open alike, and MySQL's asks the server first
export async function openPostgresShop(options: PostgresShopOptions): Promise<Shop> {
  const deps = connect(options);
  const { own, file } = deps;
  const relations = (): Promise<Relations> => readRelations(deps, tablesOf(file));
  const columns = keepRelations(relations);
  return {
    takeTouched: (limit, afterId) => takeTouched(own, limit, afterId),
    forgetTouched: (ids) => forgetTouched(own, ids),
    countTouched: () => countTouched(own),
    readParts: (keys) => readParts(deps, keys),
    flush: () => inTransaction(own, flushLog),
    walk: (walk) => walkShop(deps, walk),
    writeAnswers: (answers) => writeAnswers(deps, columns, answers),
    readShapes: async (tables) => shapesOf(tables, await readRelations(deps, tables)),
    findings: () =>
      readFindings({
        ...deps,
        relations,
        standing: () => readStanding(own),
        explainParts: () => readParts(deps, [], 'explain '),
        nowMs: () => systemClock().getTime(),
      }),
    readApplied: async () => judgeStanding(file, await relations(), await readStanding(own)),
    planApply: async () => applyStatements(file, await relations(), await readStanding(own)),
    planUndo: async () => undoStatements(await readStanding(own)),
    run: (statements) => run(options, statements),
    close: async () => {
      await Promise.all([own.end(), deps.shops.end()]);
    },
  };
}

function connect({
  databaseUrl,
  file,
  log,
  queryTimeoutMs = serviceQueryTimeoutMs,
}: PostgresShopOptions): Deps {
  const common = {
    databaseUrl,
    applicationName: 'fahuo-adopt',
    onError: (error: Error) => log.warn({ err: messageOf(error) }, 'adopt.connection_lost'),
  };
  return {
    databaseUrl,
    file,
    log,
    own: createPool({ ...common, max: 3, queryTimeoutMs, settings: trustedPath }),
    shops: createPool({
      ...common,
      max: 2,
      queryTimeoutMs: Math.max(queryTimeoutMs, file.timeout_ms * 2 + graceMs),
    }),
  };
}

async function readRelations({ own, shops }: Deps, tables: readonly string[]): Promise<Relations> {
  const relations = new Map<string, Relation>();
  for (const table of tables) {
    const oid = await resolveTable(shops, table);
    const relation = oid === null ? null : await readRelation(own, oid);
    if (relation !== null) relations.set(table, relation);
  }
  return relations;
}

const shapesOf = (tables: readonly string[], relations: Relations): Map<string, TableShape> =>
  new Map(
    tables.map((table) => {
      const relation = relations.get(table);
      return [table, relation === undefined ? null : shapeOf(relation)];
    }),
  );

const shapeOf = ({ columns, primaryKey }: Relation): TableShape => ({
  columns: Object.fromEntries(columns.map(({ name, type, nullable }) => [name, { type, nullable }])),
  primaryKey,
});

async function readParts({ shops, file }: Deps, keys: readonly Key[], verb = ''): Promise<Parts> {
  const query = partsQuery(file.parts);
  try {
    return await inTransaction(shops, async (tx) => {
      await tx.query(`set transaction read only; set local statement_timeout = ${file.timeout_ms}`);
      const { rows } = await tx.query<Record<string, string | null>>({
        text: `${verb}${query.text}`,
        values: partsValues(query, keys),
        types: rawTypes,
      });
      return { kind: 'rows', rows };
    });
  } catch (error) {
    const kind = partsBlameOf(error);
    if (kind === 'away') throw error;
    return { kind, message: partsMessageOf(error, file.timeout_ms) };
  }
}

/** @throws CONFIG_INVALID where the file has no way to walk this kind. */
async function walkShop(
  deps: Deps,
  { kind, after, sinceMs, limit, newestFirst = false }: WalkOptions,
): Promise<string[]> {
  const entry = deps.file.backfill.find(({ keys }) => keys[kind] !== undefined);
  if (entry === undefined) throw wrongFile(`backfill names no table for ${kind}`);
  const relation = (await readRelations(deps, [entry.table])).get(entry.table);
  if (relation === undefined) throw wrongFile(`there is no table ${entry.table}`);
  const column = (name: string) => {
    const found = columnOf(relation, name);
    if (found === undefined) throw wrongFile(`${entry.table} has no column ${name}`);
    return found;
  };
  if (sinceMs !== null && entry.since === undefined)
    throw wrongFile(`backfill of ${entry.table} names no column as since`);
  return walkKeys(deps.own, {
    relation,
    key: column(entry.keys[kind] ?? ''),
    after,
    limit,
    newestFirst,
    since: sinceMs === null ? null : { column: column(entry.since ?? ''), ms: sinceMs },
  });
}

const wrongFile = (message: string): FahuoError =>
  new FahuoError('CONFIG_INVALID', `adopt: ${message}`, { remedy: 'Correct the adopt file.' });

type Kept = { get: () => Promise<Relations>; forget: () => void };

/** The catalog is not read for each batch, and is read again after an error: a column may be gone or of another type. */
function keepRelations(read: () => Promise<Relations>): Kept {
  let kept: Promise<Relations> | null = null;
  return { get: () => (kept ??= read()), forget: () => (kept = null) };
}

/** All at once; one by one where the content of some row does not fit, so that it holds up no other. */
async function writeAnswers(deps: Deps, kept: Kept, answers: readonly ShopAnswer[]): Promise<Key[]> {
  const newest = newestOf(answers);
  if (newest.length === 0) return [];
  try {
    return await writeBatch(deps, await kept.get(), newest);
  } catch (error) {
    kept.forget();
    if (blameOf(error) === 'server') throw error;
    const [one, ...more] = newest;
    if (one === undefined || more.length === 0) return await writeAlone(deps, newest, error);
    const locked: Key[] = [];
    for (const answer of newest) locked.push(...(await writeAnswers(deps, kept, [answer])));
    return locked;
  }
}

const writeBatch = (deps: Deps, relations: Relations, answers: readonly ShopAnswer[]): Promise<Key[]> =>
  inTransaction(deps.own, async (tx) => {
    await upsertAnswers(tx, answers);
    const locked: Key[] = [];
    for (const entry of deps.file.answers) {
      const relation = relations.get(entry.table);
      const statement = relation === undefined ? null : columnsStatement(entry, relation);
      if (statement === null) continue;
      const refs = answers.filter(({ kind }) => kind === statement.kind).map(({ ref }) => ref);
      if (refs.length === 0) continue;
      const { kind } = statement;
      locked.push(...(await writeColumns(tx, statement.text, refs)).map((ref) => ({ kind, ref })));
    }
    return locked;
  });

/** The answer without the shop's columns, which do not take it. */
async function writeAlone({ own, log }: Deps, [one]: readonly ShopAnswer[], error: unknown): Promise<Key[]> {
  if (one === undefined) return [];
  log.warn({ kind: one.kind, ref: one.ref, err: messageOf(error) }, 'adopt.columns_refused');
  await upsertAnswers(own, [one]);
  return [];
}

/** In one transaction: all of it, or nothing. */
async function run(
  { databaseUrl, lockTimeoutMs = defaultLockTimeoutMs }: PostgresShopOptions,
  statements: readonly string[],
): Promise<void> {
  const client = await connectAlone(databaseUrl, 'fahuo-adopt', {
    ...trustedPath,
    lock_timeout: String(lockTimeoutMs),
  });
  client.on('error', () => undefined);
  try {
    await namingBlockers(databaseUrl, client, 'fahuo-adopt', async () => {
      await client.query('begin');
      for (const statement of statements) await client.query(statement);
      await client.query('commit');
    });
  } catch (error) {
    if (error instanceof HeldUpError)
      throw new FahuoError('ADOPT_BLOCKED', `adopt: ${error.message}`, { cause: error });
    if ((Object(error) as { code?: unknown }).code === '42501')
      throw new FahuoError('RIGHTS_MISSING', `adopt: Postgres: ${messageOf(error)}`, { cause: error });
    throw error;
  } finally {
    await client.end();
  }
}
