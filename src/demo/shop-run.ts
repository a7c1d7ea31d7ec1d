import { relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { monotonicMs, sleep } from '../clock.ts';
import { createLog } from '../log.ts';
import { whileOpen, type Opened } from '../opened.ts';
import { startParts, type LocalServices } from '../parts/start.ts';
import { mysqlUrlOf, readConfig } from '../roles/config.ts';
import { actionsOf, sampleShops, type Action, type ShopName } from './sample-shop.ts';
import type { Row } from './shop-database.ts';
import * as report from './shop-report.ts';
import { readSkipped, readWaiting, type Waiting } from './shop-store.ts';
import { makeWorld, startFahuo, type World } from './shop-world.ts';

/**
 * An open-source shop on its real tables: adopted, its orders shipped by its own statements, answered by the sandbox, and
 * left as it was. Resolves with whether everything came out as designed; false as well when `signal` aborts before the
 * answers are there. Nothing of it stays, neither a process nor a folder nor a database.
 */
export type ShopDemoOptions = { shop: ShopName; once: boolean; json: boolean };

const answeredWithinMs = 60_000;
const lookEveryMs = 200;
/** Of the shop's actions, as many are shown statement by statement. */
const shownActions = 2;

type Say = (line: string) => void;
type Given = ShopDemoOptions & { parts: LocalServices; opened: Opened; say: Say };

export async function runShopDemo(options: ShopDemoOptions, signal: AbortSignal): Promise<boolean> {
  const say = (line: string): void =>
    void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  try {
    return await withParts(options.shop, { say, signal }, (parts) =>
      whileOpen(createLog({ level: 'error' }), (opened) => tell({ ...options, parts, opened, say }, signal)),
    );
  } catch (error) {
    if (!signal.aborted) throw error;
    say('Stopped before the end; nothing of it is left.');
    return false;
  }
}

async function withParts<T>(
  shop: ShopName,
  { say, signal }: { say: Say; signal: AbortSignal },
  work: (parts: LocalServices) => Promise<T>,
): Promise<T> {
  const { database, kafka } = readConfig();
  const needMysql = sampleShops[shop].server === 'mysql';
  say(`Starting Postgres, Kafka${needMysql ? ', MariaDB' : ''} and the sandbox …`);
  const parts = await startParts({
    databaseUrl: database.url,
    kafkaBrokers: kafka.brokers?.join(','),
    mysqlUrl: mysqlUrlOf(),
    needRedis: false,
    needMysql,
    signal,
  });
  try {
    signal.throwIfAborted();
    return await work(parts);
  } finally {
    await parts.stop();
  }
}

/** From the shop as it was to the shop as it was. */
async function tell(given: Given, signal: AbortSignal): Promise<boolean> {
  const startedAtMs = monotonicMs();
  const { say } = given;
  const world = await makeWorld({ ...given, name: given.shop });
  signal.throwIfAborted();
  const before = await world.database.shape();
  introduce(given, world, before);
  const statements = await adopt(given, world);
  const fahuo = await startFahuo(world, given.opened, signal);
  const told = await shipAndShow(given, world, fahuo.signal);
  if (!given.once) await untilAborted(given, world, { ...told, signal: fahuo.signal });
  await fahuo.stop();
  const restored = await undo(given, world, before);
  const asDesigned = told.asDesigned && restored;
  const totalMs = monotonicMs() - startedAtMs;
  say(
    `\n${asDesigned ? 'Every order is accounted for.' : 'NOT AS DESIGNED.'} ${(totalMs / 1000).toFixed(1)} s`,
  );
  if (given.json)
    process.stdout.write(
      `${JSON.stringify({ shop: given.shop, statements, ...told, asDesigned, restored })}\n`,
    );
  return asDesigned;
}

function introduce(
  { parts, say, shop }: Given,
  { database, sandbox, databaseUrl }: World,
  shape: readonly string[],
): void {
  say(`fahuo     ${databaseUrl}\nKafka     ${parts.kafkaBrokers}\nSandbox   ${sandbox.url}`);
  say(`${shop.padEnd(8)}  ${database.url}`);
  say(`          its own tables, made here: ${report.renderShape(shape)}; 20 made-up orders\n`);
}

/** @returns the statements of `apply`. */
async function adopt({ say, shop: name }: Given, { shop, file, filePath }: World): Promise<string[]> {
  const statements = await shop.planApply();
  say(`$ fahuo adopt apply ${shorter(filePath)}`);
  await shop.run(statements);
  say(`  ${report.renderApplied(statements, file.watch.length)}.`);
  say(
    `  To read them: fahuo demo --shop ${name} --once --json; of a shop of yours: fahuo adopt plan FILE.\n`,
  );
  return statements;
}

type Told = { asDesigned: boolean; orders: Row[]; waiting: Waiting[] };

async function shipAndShow({ shop, say }: Given, world: World, signal: AbortSignal): Promise<Told> {
  const { first, later } = actionsOf(shop);
  say(`The shop ships, with its own statements (${first.length} actions):`);
  for (const [index, action] of first.entries()) {
    signal.throwIfAborted();
    await act(world, action, index < shownActions ? say : () => undefined);
  }
  say(`  … and ${first.length - shownActions} more.\n`);
  const answered = await untilLooksLike({ shop, say }, world, { isDone: report.isAnswered, signal });
  say('\nA waybill changes after its shipment was complete:');
  for (const action of later) await act(world, action, say);
  const { orders, ...end } = await untilLooksLike({ shop, say }, world, {
    isDone: report.isAsDesigned,
    shown: report.renderCounts(answered.orders),
    signal,
  });
  const waiting = await readWaiting(world.pool, world.file.name);
  show({ shop, say }, world, { orders, waiting });
  return { asDesigned: answered.done && end.done, orders, waiting };
}

async function act({ database }: World, { title, statements }: Action, say: Say): Promise<void> {
  say(`  -- ${title}`);
  for (const statement of statements) {
    say(report.renderStatement(statement));
    await database.run(statement);
  }
}

const readOrders = async (shop: ShopName, { database, pool, file }: World): Promise<Row[]> =>
  report.withSkipped(await database.rows(sampleShops[shop].orders), await readSkipped(pool, file.name));

type Wanted = {
  isDone: (orders: readonly Row[]) => boolean;
  /** What was said last. */
  shown?: string;
  signal: AbortSignal;
};

/** Says what the shop's tables show, each time that it is something else. */
async function untilLooksLike(
  { shop, say }: Pick<Given, 'shop' | 'say'>,
  world: World,
  { isDone, signal, ...before }: Wanted,
): Promise<{ orders: Row[]; done: boolean }> {
  const deadlineMs = monotonicMs() + answeredWithinMs;
  let shown = before.shown ?? '';
  for (;;) {
    signal.throwIfAborted();
    const orders = await readOrders(shop, world);
    const line = report.renderCounts(orders);
    if (line !== shown && line !== '') say(`  ${line}`);
    shown = line;
    const done = isDone(orders);
    if (done || monotonicMs() > deadlineMs) return { orders, done };
    await sleep(lookEveryMs, signal);
  }
}

function show(
  { shop, say }: Pick<Given, 'shop' | 'say'>,
  { databaseUrl }: World,
  { orders, waiting }: Pick<Told, 'orders' | 'waiting'>,
): void {
  say("\nThe shop's own tables now say:");
  for (const line of [...sampleShops[shop].where, 'why an order is skipped: `fahuo adopt status`'])
    say(`  ${line}`);
  say('');
  say(report.renderOrders(orders));
  say('');
  for (const line of report.renderWaiting(orders, waiting, databaseUrl)) say(line);
}

/** Until Ctrl-C: what changes in the shop's tables is shown, an approved correction as well. */
async function untilAborted(
  { shop, say }: Given,
  world: World,
  { orders, signal }: { orders: Row[]; signal: AbortSignal },
): Promise<void> {
  say(
    '\nEverything keeps running: change orders in the shop, approve the correction. Ctrl-C takes fahuo out of the shop.',
  );
  for (let shown = orders; !signal.aborted; await sleep(1_000, signal)) {
    const now = await readOrders(shop, world);
    if (isDeepStrictEqual(now, shown)) continue;
    shown = now;
    show({ shop, say }, world, { orders: now, waiting: await readWaiting(world.pool, world.file.name) });
  }
}

/** @returns whether the shop's tables are what they were before `apply`. */
async function undo({ say }: Given, { shop, database, filePath }: World, before: string[]): Promise<boolean> {
  const statements = await shop.planUndo();
  await shop.run(statements);
  const after = await database.shape();
  const restored = isDeepStrictEqual(after, before);
  say(`\n$ fahuo adopt undo ${shorter(filePath)}`);
  say(
    `  ${statements.length} statements. The shop's tables are ${restored ? '' : 'NOT '}as before: ${report.renderShape(after)}.`,
  );
  return restored;
}

const shorter = (path: string): string => {
  const own = relative('', path);
  return own.length < path.length ? own : path;
};
