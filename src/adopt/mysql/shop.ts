import { monotonicMs, sleep, systemRandom } from '../../clock.ts';
import { FahuoError, messageOf, type ErrorCode } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { AdoptFile } from '../file.ts';
import type { Finding, Key, Parts, Shop, ShopAnswer, TableShape, WalkOptions } from '../shop.ts';
import { shopUpdates, standingAnswers, updateStatement, upsertAnswers, type ShopUpdate } from './answers.ts';
import { faultKind, type FaultKind } from './fault.ts';
import { findingsOf, queryProblem, scanFindings, trustRemedy } from './findings.ts';
import { hasRight } from './grants.ts';
import {
  explain,
  hasOwnTables,
  inspectTable,
  readSettings,
  readStanding,
  type Inspected,
} from './inspect.ts';
import { createSession, type Server, type Session } from './session.ts';
import {
  countTouched,
  flushLog,
  forgetTouched,
  largestOf,
  newestKeys,
  partsStatement,
  takeTouched,
  walkKeys,
  type Since,
  type WalkedTable,
} from './store.ts';
import { applyStatements, planTriggers, undoStatements, type Plan } from './triggers.ts';
import { readMysqlUrl } from './url.ts';

export type MysqlShopOptions = {
  /** `mysql://` or `mariadb://`. */
  databaseUrl: string;
  file: AdoptFile;
  log: Log;
  queryTimeoutMs: number;
};

/** Rows of one DELETE, and of one INSERT. */
const chunkOfIds = 1_000;
const chunkOfAnswers = 200;
/** A lock of the shop's is waited for this long, at most this often; a statement of ours holds none for longer. */
const lockWaitSeconds = 1;
const attempts = 6;

type Context = MysqlShopOptions & { where: string; reading: Session; writing: Session };

/**
 * A shop's MySQL or MariaDB. Two sessions: one reads and cannot write, with the time limit of a query; one writes. They
 * are opened when they are needed, and anew after they were lost: the server may be away when this is called.
 * @throws FahuoError CONFIG_INVALID where the URL is none
 */
// eslint-disable-next-line @typescript-eslint/require-await -- as the other dialect's; a wrong URL rejects
export async function openMysqlShop(options: MysqlShopOptions): Promise<Shop> {
  const connection = readMysqlUrl(options.databaseUrl);
  const { queryTimeoutMs } = options;
  const context: Context = {
    ...options,
    where: `MySQL at ${connection.host}:${connection.port}`,
    reading: createSession({
      connection,
      setUp: (server) => readingSetUp(server, queryTimeoutMs),
      answerWithinMs: queryTimeoutMs + 15_000,
    }),
    writing: createSession({ connection, setUp: writingSetUp, answerWithinMs: 60_000 }),
  };
  return guardedShop(context, createShop(context));
}

const ownSettings = [
  'autocommit = 1',
  "time_zone = '+00:00'",
  `lock_wait_timeout = ${lockWaitSeconds}`,
  `innodb_lock_wait_timeout = ${lockWaitSeconds}`,
  'wait_timeout = GREATEST(@@session.wait_timeout, 28800)',
];

/** `sql_mode` stays the server's: the file's query was written for it. */
function readingSetUp({ isMariadb }: Server, timeoutMs: number): string[] {
  const limit = isMariadb ? `max_statement_time = ${timeoutMs / 1000}` : `max_execution_time = ${timeoutMs}`;
  const settings = [
    ...ownSettings,
    'group_concat_max_len = GREATEST(@@session.group_concat_max_len, 1048576)',
    limit,
  ];
  return [
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
    'SET SESSION TRANSACTION READ ONLY',
    `SET SESSION ${settings.join(', ')}`,
  ];
}

/** Not strict: an error message that is too long for the shop's column is cut, and does not fail. */
const writingSetUp = ({ logsStatements }: Server): string[] => [
  `SET SESSION TRANSACTION ISOLATION LEVEL ${logsStatements ? 'REPEATABLE READ' : 'READ COMMITTED'}`,
  `SET SESSION ${ownSettings.join(', ')}, sql_mode = 'NO_ENGINE_SUBSTITUTION'`,
];

function createShop(context: Context): Shop {
  const { reading, writing, file } = context;
  return {
    takeTouched: (limit, afterId) => takeTouched(reading, limit, afterId),
    forgetTouched: async (ids) => {
      for (const some of chunks(ids, chunkOfIds)) await patiently(() => forgetTouched(writing, some));
    },
    countTouched: () => countTouched(reading),
    readParts: (keys) => readParts(reading, file, keys),
    flush: () => patiently(() => flushLog(writing)),
    walk: (options) => walk(context, options),
    writeAnswers: async (answers) => {
      const locked: Key[] = [];
      for (const some of chunks(answers, chunkOfAnswers)) locked.push(...(await writeSome(context, some)));
      return locked;
    },
    readShapes: (tables) => readShapes(reading, tables),
    findings: () => findings(context),
    readApplied: () => readApplied(context),
    planApply: async () => {
      const { isMariadb } = await reading.server();
      return applyStatements(await planOf(context), await readStanding(reading), { canReplace: isMariadb });
    },
    planUndo: async () => undoStatements(await readStanding(reading)),
    run: (statements) => runAll(writing, statements),
    close: async () => {
      await Promise.all([reading.close(), writing.close()]);
    },
  };
}

async function readParts(session: Session, file: AdoptFile, keys: readonly Key[]): Promise<Parts> {
  try {
    return { kind: 'rows', rows: await session.query(partsStatement(file.parts, keys)) };
  } catch (error) {
    const kind = outcomes[faultKind(error)];
    if (kind === 'away' || error instanceof FahuoError) throw error;
    return { kind, message: messageOf(error) };
  }
}

const outcomes: Readonly<Record<FaultKind, 'failed' | 'broken' | 'away'>> = {
  lost: 'away',
  login_refused: 'away',
  read_only: 'away',
  busy: 'away',
  denied: 'broken',
  content: 'failed',
  statement: 'broken',
};

async function walk({ reading, file }: Context, options: WalkOptions): Promise<string[]> {
  const { kind, after, sinceMs, limit, newestFirst = false } = options;
  const tables: WalkedTable[] = [];
  for (const { table, keys, since } of walkedBy(file, kind)) {
    const column = keys[kind] ?? '';
    const unit =
      sinceMs === null || since === undefined ? null : await sinceOf(reading, { table, column, since });
    tables.push({ table, column, since: unit });
  }
  return walkKeys(reading, { tables, after, sinceMs, limit, newestFirst });
}

type Walked = { table: string; keys: Readonly<Record<string, string>>; since?: string | undefined };

/** The tables that the file walks for its backfill, else those that it watches. */
function walkedBy(file: AdoptFile, kind: string): Walked[] {
  const named = file.backfill.filter(({ keys }) => kind in keys);
  return named.length > 0 ? named : file.watch.filter(({ keys }) => kind in keys);
}

async function sinceOf(
  session: Session,
  { table, column, since }: { table: string; column: string; since: string },
): Promise<Since> {
  const shape = (await inspectTable(session, table))?.shape;
  const type = Object.entries(shape?.columns ?? {}).find(
    ([name]) => name.toLowerCase() === since.toLowerCase(),
  )?.[1].type;
  if (type === undefined || ['timestamp', 'datetime', 'date'].includes(type))
    return { column: since, unit: 'time', type: type ?? '' };
  const largest = await largestOf(session, table, [since, column]);
  return { column: since, unit: largest > 1e11 ? 'ms' : 's', type };
}

/** First what is ours, then the shop's columns: of an older answer they are told nothing. */
async function writeSome(
  { reading, writing, file }: Context,
  answers: readonly ShopAnswer[],
): Promise<Key[]> {
  await patiently(() => writing.query(upsertAnswers(answers)));
  if (file.answers.length === 0) return [];
  const standing = new Set(
    (await reading.query(standingAnswers(answers))).map((row) =>
      [row['kind'], row['ref'], row['version'], row['state'], row['at_ms']].join('\n'),
    ),
  );
  const current = answers.filter(({ kind, ref, version, state, atMs }) =>
    standing.has([kind, ref, version, state, atMs].join('\n')),
  );
  const shapes = await readShapes(reading, [...new Set(file.answers.map(({ table }) => table))]);
  const locked: Key[] = [];
  for (const update of shopUpdates(file, current, shapes)) locked.push(...(await tryUpdate(writing, update)));
  return locked;
}

/** An order that somebody holds a lock on keeps no other's answer back: each is tried alone then, for a second. */
async function tryUpdate(session: Session, update: ShopUpdate): Promise<Key[]> {
  try {
    await session.query(updateStatement(update));
    return [];
  } catch (error) {
    if (faultKind(error) !== 'busy') throw error;
    const { kind, refs } = update;
    if (refs.length === 1) return refs.map((ref) => ({ kind, ref }));
    const locked: Key[] = [];
    for (const ref of refs) locked.push(...(await tryUpdate(session, { ...update, refs: [ref] })));
    return locked;
  }
}

async function readShapes(session: Session, tables: readonly string[]): Promise<Map<string, TableShape>> {
  const shapes = new Map<string, TableShape>();
  for (const [table, found] of await inspectAll(session, tables)) shapes.set(table, found?.shape ?? null);
  return shapes;
}

async function inspectAll(
  session: Session,
  tables: readonly string[],
): Promise<Map<string, Inspected | null>> {
  const found = new Map<string, Inspected | null>();
  for (const table of tables) found.set(table, await inspectTable(session, table));
  return found;
}

async function planOf({ reading, file }: Context): Promise<Plan> {
  const { database } = await reading.server();
  return planTriggers(
    file,
    await readShapes(
      reading,
      file.watch.map(({ table }) => table),
    ),
    database,
  );
}

async function findings(context: Context): Promise<Finding[]> {
  const { reading, file } = context;
  const named = [...file.watch, ...file.answers, ...file.backfill].map(({ table }) => table);
  return [
    ...findingsOf({
      file,
      server: await reading.server(),
      settings: await readSettings(reading),
      tables: await inspectAll(reading, [...new Set(named)]),
      standing: await readStanding(reading),
      plan: await planOf(context),
    }),
    ...(await planFindings(context)),
  ];
}

/** How the server would run the parts query, for keys that are there. */
async function planFindings({ reading, file }: Context): Promise<Finding[]> {
  try {
    const keys: Key[] = [];
    for (const kind of file.kinds)
      for (const { table, keys: columns } of walkedBy(file, kind).slice(0, 1))
        keys.push(...(await newestKeys(reading, table, columns[kind] ?? '')).map((ref) => ({ kind, ref })));
    return scanFindings(await explain(reading, partsStatement(file.parts, keys)));
  } catch (error) {
    if (outcomes[faultKind(error)] === 'away' || error instanceof FahuoError) throw error;
    return [queryProblem(messageOf(error))];
  }
}

async function readApplied(context: Context): Promise<'applied' | 'outdated' | 'absent'> {
  const { reading, file } = context;
  const standing = await readStanding(reading);
  if (standing.comment === null) return 'absent';
  const plan = await planOf(context);
  if (standing.comment !== plan.comment || !(await hasOwnTables(reading))) return 'outdated';
  const { grants } = await readSettings(reading);
  const { database } = await reading.server();
  // A login without this right is shown no trigger: then the comment, which comes last, is believed.
  const isBlind = file.watch.some(({ table }) => {
    const [schema = '', name = ''] = table.includes('.') ? table.split('.') : [database, table];
    return hasRight(grants, 'TRIGGER', { database: schema, table: name }) === 'no';
  });
  const stands = plan.triggers.every(({ name }) => standing.triggers.some((one) => one.name === name));
  return stands || isBlind ? 'applied' : 'outdated';
}

/** In one session, which ends with them: they set its mode, and may lock a table. */
async function runAll(session: Session, statements: readonly string[]): Promise<void> {
  session.drop();
  try {
    for (const statement of statements) await patiently(() => session.query(statement));
  } finally {
    session.drop();
  }
}

/** Deadlocks and locks of the shop's pass. */
async function patiently<T>(work: () => Promise<T>, most = attempts): Promise<T> {
  const startedMs = monotonicMs();
  for (let attempt = 1; ; attempt++)
    try {
      return await work();
    } catch (error) {
      if (faultKind(error) !== 'busy' || attempt >= most || monotonicMs() - startedMs > 30_000) throw error;
      await sleep(20 * 2 ** attempt * (1 + systemRandom()));
    }
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  const found: T[][] = [];
  for (let start = 0; start < list.length; start += size) found.push(list.slice(start, start + size));
  return found;
}

/** Whatever a call rejects with names the server and a remedy. */
function guardedShop(context: Context, shop: Shop): Shop {
  const guard =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      try {
        return await call(...args);
      } catch (error) {
        throw rejection(context.where, error);
      }
    };
  return {
    takeTouched: guard(shop.takeTouched),
    forgetTouched: guard(shop.forgetTouched),
    countTouched: guard(shop.countTouched),
    readParts: guard(shop.readParts),
    flush: guard(shop.flush),
    walk: guard(shop.walk),
    writeAnswers: guard(shop.writeAnswers),
    readShapes: guard(shop.readShapes),
    findings: guard(shop.findings),
    readApplied: guard(shop.readApplied),
    planApply: guard(shop.planApply),
    planUndo: guard(shop.planUndo),
    run: guard(shop.run),
    close: shop.close,
  };
}

function rejection(where: string, cause: unknown): FahuoError {
  // Ours already, but for an answer that did not come in time.
  if (cause instanceof FahuoError && cause.code !== 'PART_FAILED') return cause;
  const says = `${where}: ${messageOf(cause) || ((cause as { code?: string }).code ?? 'no answer')}`;
  const [code, remedy] = rejections[cause instanceof FahuoError ? 'lost' : faultKind(cause)];
  const isTrust = says.includes('log_bin_trust_function_creators');
  return new FahuoError(code, says, { cause, remedy: isTrust ? trustRemedy : remedy });
}

const rejections: Readonly<Record<FaultKind, readonly [ErrorCode, string]>> = {
  login_refused: [
    'LOGIN_REFUSED',
    "Correct the user, the password or the database in the URL of the shop's MySQL.",
  ],
  denied: ['RIGHTS_MISSING', 'Grant this login what `fahuo adopt check` names.'],
  read_only: [
    'DATABASE_UNREACHABLE',
    'Wait for the failover to end, or let the URL name the server that the shop writes to.',
  ],
  busy: ['DATABASE_UNREACHABLE', 'Look for a transaction of the shop that stays open, and try again.'],
  content: ['DATABASE_UNREACHABLE', 'Correct what the message names, and try again.'],
  statement: ['DATABASE_UNREACHABLE', 'Run `fahuo adopt check` and do what it says.'],
  lost: [
    'DATABASE_UNREACHABLE',
    "Check the URL of the shop's MySQL and that it accepts connections from this host.",
  ],
};
