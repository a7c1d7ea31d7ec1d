import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { connectAlone, createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { monotonicMs, sleep, systemClock } from '../../src/clock.ts';
import { createAdmin } from '../../src/kafka/admin.ts';
import { createLog } from '../../src/log.ts';
import type { LocalService } from '../../src/parts/process.ts';
import { createSandbox } from '../../src/sandbox/run.ts';
import { blocksOf, readText } from '../support/documents.ts';
import { eventually } from '../support/eventually.ts';
import { runFahuo } from '../support/fahuo-process.ts';
import { createRandom } from '../support/random.ts';
import { checkAdopted, type AdoptChecked } from './adopt-check.ts';
import { startPlace } from './adopt-instances.ts';
import type { AdoptMutation } from './adopt-mutations.ts';
import { isOld, planOrders, type Order, type Plan } from './adopt-plan.ts';
import { likeshop, mysqlSession, postgresSession, yudao, type ShopSql } from './adopt-shop.ts';
import { makeTrouble, runBackfill, type Scene } from './adopt-trouble.ts';
import { createWriter, writeAll, type Shop, type Writer, type Written } from './adopt-writers.ts';

export type AdoptServices = {
  kafkaBrokers: string;
  /** fahuo's own Postgres. */
  ours: LocalService;
  /** The server of the shop: another Postgres, or MariaDB. */
  shops: LocalService;
};

export type AdoptOptions = {
  shop: 'yudao' | 'likeshop';
  seed: number;
  orders: number;
  troubles: number;
  /** These troubles alone. */
  only?: readonly string[];
  /** Over how long the writers spread their work. */
  spreadMs: number;
  mutation?: AdoptMutation;
  /** How long the end may take before what is missing counts as lost. */
  patienceMs?: number;
  say?: (line: string) => void;
};

export type AdoptReport = AdoptChecked & {
  shop: string;
  seed: number;
  orders: number;
  written: Written;
  troubles: Record<string, number>;
  /** Instances that ended by themselves. */
  crashed: number;
  quiet: boolean;
  /** Seconds from the start at which each phase was over. */
  phases: Record<string, number>;
};

export const isCleanAdoption = ({ faults, crashed, quiet }: AdoptReport): boolean =>
  quiet && crashed === 0 && Object.values(faults).every((count) => count === 0);

const quiet = createLog({ level: 'silent' });
const defaultPatienceMs = 240_000;

/** Runs one seed in one shop, and compares everything at WeChat and in the shop with what its writers committed. */
export async function runAdoptCampaign(services: AdoptServices, options: AdoptOptions): Promise<AdoptReport> {
  const startedAtMs = monotonicMs();
  const phases: Record<string, number> = {};
  const say = options.say ?? (() => undefined);
  const tick = (phase: string): void => {
    phases[phase] = Math.round((monotonicMs() - startedAtMs) / 100) / 10;
    say(`${phase} after ${phases[phase]} s`);
  };
  const stage = await setUp(services, options);
  const { env, file, pool, shop, plan, paymentOf, random } = stage;
  const written: Written = { transactions: 0, rolledBack: 0, deadlocks: 0, redone: 0, foundCommitted: 0 };
  let crashed = 0;
  const place = await startPlace(env, () => (crashed += 1));
  tick('ready');
  const over = new AbortController();
  const scene: Scene = {
    over: over.signal,
    ...{ pool, place, env, file, random, say, done: {}, ours: services.ours, shops: services.shops },
    rate: Math.max(200, Math.round(options.orders / 8)),
  };
  try {
    const changer = createWriter(shop, written, createRandom(options.seed + 99));
    const changed = plan.orders.filter(({ kind }) => kind === 'changed');
    const early = changed.slice(0, Math.ceil(changed.length / 2));
    const isFirst = options.mutation?.backfillFirst === true;
    if (isFirst) await runBackfill(scene);
    await Promise.all([
      writeAll(shop, plan.writers, {
        random: (writer) => createRandom(options.seed * 100 + writer),
        written,
      }).then(() => {
        over.abort();
        tick('written');
      }),
      changeSaid(changer, early, { pool, paymentOf }).then(() => tick('changed')),
      makeTrouble(scene, { count: options.troubles, only: options.only ?? options.mutation?.troubles }).then(
        () => tick('troubled'),
      ),
      sleep(random() * options.spreadMs * 0.3)
        .then(() => (isFirst ? undefined : runBackfill(scene)))
        .then(() => tick('backfilled')),
    ]);
    const patienceMs = options.patienceMs ?? defaultPatienceMs;
    await untilQuiet(stage, patienceMs);
    tick('quiet');
    for (const order of changed.slice(early.length)) await change(changer, order);
    await changer.close();
    const isQuiet = await untilQuiet(stage, patienceMs);
    tick('end');
    const checked = await checkAdopted({
      pool,
      shop,
      sandbox: env['WECHAT_BASE_URL']!,
      orders: plan.orders,
      paymentOf,
    });
    await place.close();
    const { shop: name, seed, orders } = options;
    return {
      ...checked,
      shop: name,
      seed,
      orders,
      written,
      troubles: scene.done,
      crashed,
      quiet: isQuiet,
      phases,
    };
  } finally {
    await place.close();
    await stage.close();
  }
}

type Stage = {
  env: Record<string, string>;
  /** Path of the adopt file. */
  file: string;
  pool: Pool;
  shop: Shop;
  plan: Plan;
  paymentOf: (order: Order) => string;
  random: () => number;
  close: () => Promise<void>;
};

/** Databases, tables, orders of which some are shipped already, triggers, a topic and a WeChat. */
async function setUp(services: AdoptServices, options: AdoptOptions): Promise<Stage> {
  const sql: ShopSql = options.shop === 'yudao' ? yudao : likeshop;
  const random = createRandom(options.seed);
  const name = `adopt_${randomBytes(4).toString('hex')}`;
  const own = await createOwn(services.ours, name);
  const pool = createPool({
    databaseUrl: own.url,
    max: 4,
    applicationName: 'campaign',
    onError: () => undefined,
  });
  const shops = await (options.shop === 'yudao' ? createPostgresShop : createMysqlShop)(
    services.shops.url,
    name,
  );
  const open = () => (options.shop === 'yudao' ? postgresSession : mysqlSession)(shops.url);
  const folder = await mkdtemp(join(tmpdir(), 'fahuo-adopt-'));
  const file = join(folder, `${options.shop}.yaml`);
  await writeFile(
    file,
    blocksOf(readText(`docs/adopting/${options.shop}.md`)).find(({ info }) => info === 'yaml')!.text,
  );
  const plan = planOrders(options.orders, random, options.spreadMs);
  const stamp = String(options.seed % 10_000).padStart(4, '0');
  const paymentOf = ({ id }: Order): string => `4200${stamp}20260901${String(id).padStart(12, '0')}`;
  const shop: Shop = { sql, open, salt: `W${randomBytes(2).toString('hex').toUpperCase()}` };
  await fillShop(shop, plan.orders, paymentOf);
  const sandbox = await createSandbox(
    { latencyMs: 1, seed: options.seed, autoCreatePayments: true },
    systemClock,
  );
  const topic = name;
  const admin = createAdmin({ brokers: services.kafkaBrokers.split(','), clientId: 'campaign' }, quiet);
  for (const one of [topic, `${topic}.acks`, `${topic}.dead-letters`]) await admin.createTopic(one, 4);
  await admin.close();
  const patches = options.mutation?.patches;
  const env = {
    DATABASE_URL: own.url,
    KAFKA_BROKERS: services.kafkaBrokers,
    KAFKA_TOPIC: topic,
    KAFKA_GROUP: topic,
    KAFKA_SESSION_TIMEOUT_MS: '6000',
    WECHAT_BASE_URL: sandbox.url,
    WECHAT_APPID: sql.appid,
    WECHAT_SECRET: 'secret',
    FAHUO_HTTP_PORT: '0',
    FAHUO_LOG_LEVEL: 'error',
    FAHUO_ADOPT_FILE: file,
    SHOP_DATABASE_URL: shops.url,
    ...(patches === undefined
      ? {}
      : { NODE_OPTIONS: `--import ${patchModule}`, RELAY_TEST_PATCH: JSON.stringify(patches) }),
  };
  const applied = await runFahuo(['adopt', 'apply', file], env);
  if (applied.code !== 0)
    throw new TypeError(`fahuo adopt apply ended with ${applied.code}: ${applied.stderr}`);
  return {
    ...{ env, file, pool, shop, plan, paymentOf, random },
    close: async () => {
      await sandbox.stop();
      await pool.end();
      // It must not hide what went wrong.
      await Promise.all([own.drop(), shops.drop()].map((dropped) => dropped.catch(() => undefined)));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const patchModule = new URL('relay-patch.ts', import.meta.url).href;

type Database = { url: string; drop: () => Promise<void> };

async function createOwn(server: LocalService, name: string): Promise<Database> {
  const made = await createPostgresDatabase(server.url, name);
  await migrate(made.url);
  return made;
}

const runOn = async (url: string, statement: string): Promise<void> => {
  const client = await connectAlone(url, 'campaign');
  await client.query(statement).finally(() => client.end());
};

async function createPostgresDatabase(server: string, name: string): Promise<Database> {
  await runOn(server, `create database ${name}`);
  return {
    url: Object.assign(new URL(server), { pathname: `/${name}` }).toString(),
    drop: () => runOn(server, `drop database ${name} with (force)`),
  };
}

async function createPostgresShop(server: string, name: string): Promise<Database> {
  const made = await createPostgresDatabase(server, `${name}_shop`);
  await runOn(made.url, readText('test/support/shops/yudao.sql'));
  return made;
}

async function createMysqlShop(server: string, name: string): Promise<Database> {
  const run = async (url: string, statement: string): Promise<void> => {
    const connection = await createConnection({ uri: url, multipleStatements: true });
    await connection.query(statement).finally(() => connection.end());
  };
  await run(server, `create database ${name}_shop character set utf8mb4`);
  const url = Object.assign(new URL(server), { pathname: `/${name}_shop` }).toString();
  await run(url, readText('test/support/shops/likeshop.sql'));
  return { url, drop: () => run(server, `drop database ${name}_shop`) };
}

/** What stands there before fahuo comes. */
async function fillShop(
  { sql, open, salt }: Shop,
  orders: readonly Order[],
  paymentOf: (order: Order) => string,
): Promise<void> {
  const session = await open();
  for (const statement of [...sql.prepare, ...sql.insertOrders(orders, paymentOf)])
    await session.run(statement);
  for (const same of Map.groupBy(orders.filter(isOld), ({ carrier }) => carrier).values())
    for (let from = 0; from < same.length; from += 200) {
      const some = same.slice(from, from + 200);
      for (const statement of sql.shipTogether(some, `${salt}OLD`)) await session.run(statement);
      for (const order of some) order.waybills.push(`${salt}OLD${order.id}`);
    }
  for (const order of orders.filter(({ kind }) => kind === 'oldRefunded'))
    for (const statement of sql.refundAfter(order)) await session.run(statement);
  await session.end();
}

/** Changes the waybill of each order when its first one has been said. */
async function changeSaid(
  changer: Writer,
  orders: readonly Order[],
  { pool, paymentOf }: { pool: Pool; paymentOf: (order: Order) => string },
): Promise<void> {
  const left = new Map(orders.map((order) => [paymentOf(order), order]));
  while (left.size > 0) {
    const { rows } = await pool
      .query<{ payment: string }>(
        `select payment from fahuo.adopt_payment where payment = any($1::text[]) and said is not null`,
        [[...left.keys()]],
      )
      .catch(() => ({ rows: [] }));
    for (const { payment } of rows) {
      await change(changer, left.get(payment)!);
      left.delete(payment);
    }
    await sleep(100);
  }
}

const change = (changer: Writer, order: Order): Promise<void> =>
  changer.write({ acts: [{ kind: 'change', order }], end: 'commit', auto: true, pauseMs: 0 });

/** Nothing is touched, everything that was said has its answer, and the shop has been told; for more than a second. */
async function untilQuiet({ pool, shop }: Stage, patienceMs: number): Promise<boolean> {
  const deadlineMs = monotonicMs() + patienceMs;
  let times = 0;
  while (monotonicMs() < deadlineMs) {
    times = (await isQuietNow(pool, shop).catch(() => false)) ? times + 1 : 0;
    if (times === 5) return true;
    await sleep(300);
  }
  return false;
}

async function isQuietNow(pool: Pool, { sql, open }: Shop): Promise<boolean> {
  const session = await eventually(open, 60_000);
  const [touched] = await session.run(sql.touched).finally(() => session.end());
  const { rows } = await pool.query<{ open: boolean }>(
    `select exists (select from fahuo.adopt_payment where not answer_final)
       or exists (select from fahuo.adopt_key where next_look_at is not null)
       or exists (select from fahuo.upload where state not in ('acknowledged', 'rejected', 'superseded'))
       or (select count(*) from fahuo.outbox where type = 'fahuo.shipment.shipped.v1') > (select count(*) from fahuo.upload)
       as open`,
  );
  return Number(touched?.['n']) === 0 && rows[0]?.open === false;
}
