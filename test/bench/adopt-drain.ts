import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { createPool } from '../../db/client.ts';
import type { AdoptDeps } from '../../src/adopt/deps.ts';
import { openShop } from '../../src/adopt/open-shop.ts';
import { followOnce } from '../../src/adopt/run.ts';
import type { Shop } from '../../src/adopt/shop.ts';
import { createLog } from '../../src/log.ts';
import { startMariadb } from '../../src/parts/mariadb.ts';
import { bundledCarriers } from '../../src/shipment/carriers.ts';
import type { Order } from '../campaign/adopt-plan.ts';
import { likeshop, mysqlSession, postgresSession, yudao, type ShopSession } from '../campaign/adopt-shop.ts';
import { adoptFileOf } from '../support/adopt.ts';
import { readText } from '../support/documents.ts';
import { cpuMsOf } from './cpu.ts';
import { head, row, say, thousands } from './numbers.ts';
import { openBenchDatabase, type BenchDatabase } from './services.ts';

/**
 * fahuo was away while a shop shipped `--orders 200000` orders, and comes back: how many touched keys it looks at in a second,
 * each an event in the outbox, and where the time goes. `--shop yudao|likeshop|both`. `MYSQL_URL` and `DATABASE_URL` take
 * servers that run.
 */
const { values: flags } = parseArgs({
  options: {
    orders: { type: 'string', default: '200000' },
    shop: { type: 'string', default: 'both' },
  },
});
const orderCount = Number(flags.orders);

/** Milliseconds and calls, by what was done. */
const spent = new Map<string, { ms: number; calls: number }>();
async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  try {
    return await work();
  } finally {
    const entry = spent.get(name) ?? { ms: 0, calls: 0 };
    spent.set(name, { ms: entry.ms + performance.now() - startMs, calls: entry.calls + 1 });
  }
}

const statements: readonly [RegExp, string][] = [
  [/select writes from/, 'fahuo: read writes'],
  [/left join fahuo\.upload/, 'fahuo: read what was said'],
  [/select k\.kind/, 'fahuo: read keys'],
  [/fahuo\.offer/, 'fahuo: offer events'],
  [/from fahuo\.outbox/, 'fahuo: read versions'],
  [/update fahuo\.adopt_payment/, 'fahuo: save payments'],
  [/insert into fahuo\.adopt_key/, 'fahuo: save keys'],
  [/^commit/i, 'fahuo and yudao: commit'],
];

/** fahuo's own statements, in this process. */
function timeStatements(): void {
  const prototype = pg.Client.prototype as unknown as { query: (...given: unknown[]) => unknown };
  const query = prototype.query;
  prototype.query = function (this: unknown, ...given: unknown[]) {
    const [statement] = given;
    const text =
      typeof statement === 'string' ? statement : String((statement as { text?: unknown } | null)?.text);
    const name = statements.find(([shape]) => shape.test(text))?.[1];
    const answer = query.apply(this, given);
    if (name !== undefined && answer instanceof Promise)
      void timed(name, () => answer).catch(() => undefined);
    return answer;
  };
}

const timedShop = (shop: Shop): Shop => ({
  ...shop,
  takeTouched: (...given) => timed('shop: take touched', () => shop.takeTouched(...given)),
  readParts: (...given) => timed('shop: parts query', () => shop.readParts(...given)),
  forgetTouched: (...given) => timed('shop: forget touched', () => shop.forgetTouched(...given)),
});

type ShopDatabase = { url: string; session: ShopSession; drop: () => Promise<void> };

async function openYudao(own: BenchDatabase): Promise<ShopDatabase> {
  const client = new pg.Client({ connectionString: own.url });
  await client.connect();
  await client.query(readText('test/support/shops/yudao.sql')).finally(() => client.end());
  const session = await postgresSession(own.url);
  return { url: own.url, session, drop: () => session.end() };
}

async function openLikeshop(own: BenchDatabase): Promise<ShopDatabase> {
  const given = process.env['MYSQL_URL'];
  const server = given === undefined ? await startMariadb(own.dir) : null;
  const at = given ?? server!.url;
  const root = await createConnection({ uri: at, multipleStatements: true });
  const name = `fahuo_bench_${randomUUID().slice(0, 8)}`;
  await root.query(`create database ${name}; use ${name}; ${readText('test/support/shops/likeshop.sql')}`);
  const url = Object.assign(new URL(at), { pathname: `/${name}` }).toString();
  const session = await mysqlSession(url);
  return {
    url,
    session,
    drop: async () => {
      await session.end();
      await root.query(`drop database ${name}`);
      await root.end();
      await server?.stop();
    },
  };
}

async function benchDrain(name: 'yudao' | 'likeshop'): Promise<void> {
  const own = await openBenchDatabase();
  const database = await (name === 'yudao' ? openYudao : openLikeshop)(own);
  const sql = name === 'yudao' ? yudao : likeshop;
  const file = adoptFileOf(name);
  const log = createLog({ level: 'silent' });
  const pool = createPool({
    ...{ databaseUrl: own.url, max: 4, applicationName: 'bench', keyLookups: true },
    onError: () => undefined,
  });
  const shop = await openShop({ databaseUrl: database.url, file, log, queryTimeoutMs: 60_000 });
  try {
    await fill(database.session, sql);
    await shop.run(await shop.planApply());
    await shipAll(database.session, sql);
    spent.clear();
    const deps: AdoptDeps = {
      ...{ pool, log, file, owner: 'bench', carriers: bundledCarriers(), newId: randomUUID },
      ...{ random: () => 0.5, nowMs: () => Date.now() },
      shop: timedShop(shop),
    };
    const { waiting } = await shop.countTouched();
    const [startMs, ownCpu, serverCpuMs] = [performance.now(), process.cpuUsage(), cpuMsOf(own.pid)];
    while ((await followOnce(deps)) === 'busy');
    const cpu = process.cpuUsage(ownCpu);
    tell(name, { waiting, seconds: (performance.now() - startMs) / 1_000 });
    say(
      `CPU seconds: this process ${((cpu.user + cpu.system) / 1e6).toFixed(1)}, Postgres ${((cpuMsOf(own.pid) - serverCpuMs) / 1_000).toFixed(1)}`,
    );
  } finally {
    await shop.close();
    await pool.end();
    await database.drop();
    await own.drop();
  }
}

const ordersOf = (count: number): Order[] =>
  Array.from({ length: count }, (_, index) => ({
    ...{ id: 10_000 + index, kind: 'plain' as const, carrier: 'ZTO' as const },
    ...{ waybills: [], undone: [] },
  }));
const paymentOf = ({ id }: Order): string => `4200000020260901${String(id).padStart(12, '0')}`;

async function fill(session: ShopSession, sql: typeof yudao): Promise<void> {
  for (const statement of [...sql.prepare, ...sql.insertOrders(ordersOf(orderCount), paymentOf)])
    await session.run(statement);
  const tables = sql.name === 'yudao' ? ['analyze'] : ['analyze table ls_order, ls_order_goods'];
  for (const statement of tables) await session.run(statement);
}

async function shipAll(session: ShopSession, sql: typeof yudao): Promise<void> {
  const orders = ordersOf(orderCount);
  for (let from = 0; from < orders.length; from += 200)
    for (const statement of sql.shipTogether(orders.slice(from, from + 200), 'W'))
      await session.run(statement);
}

function tell(name: string, { waiting, seconds }: { waiting: number; seconds: number }): void {
  say(
    `${name}: ${thousands(waiting)} touched keys of ${thousands(orderCount)} orders in ${seconds.toFixed(1)} s: ${thousands(Math.round(waiting / seconds))} keys/s, ${thousands(Math.round(orderCount / seconds))} events/s`,
  );
  head('where the time goes', 'share', 'seconds', 'calls', 'ms a call');
  let rest = seconds;
  for (const [what, { ms, calls }] of [...spent].sort(([, left], [, right]) => right.ms - left.ms)) {
    rest -= ms / 1_000;
    say(
      row(
        what,
        share(ms / 1_000, seconds),
        (ms / 1_000).toFixed(1),
        thousands(calls),
        (ms / calls).toFixed(1),
      ),
    );
  }
  say(row('the rest: deciding, and waiting', share(rest, seconds), rest.toFixed(1), '', ''));
}
const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

timeStatements();
for (const name of ['yudao', 'likeshop'] as const)
  if (flags.shop === 'both' || flags.shop === name) await benchDrain(name);
