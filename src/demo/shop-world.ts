import { randomBytes } from 'node:crypto';
import { createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import type { AdoptFile } from '../adopt/file.ts';
import { openShop } from '../adopt/open-shop.ts';
import type { Shop } from '../adopt/shop.ts';
import { systemClock } from '../clock.ts';
import { createLog } from '../log.ts';
import type { Opened } from '../opened.ts';
import type { LocalServices } from '../parts/start.ts';
import { loadAdoptFile } from '../roles/adopt.ts';
import { readConfig, type Env } from '../roles/config.ts';
import { roleNames, startRoles } from '../roles/start.ts';
import { createSandbox, type Sandbox } from '../sandbox/run.ts';
import { adoptFileOf, sampleShops, tablesOf, type ShopName } from './sample-shop.ts';
import type { MakeDatabase, ShopDatabase } from './shop-database.ts';
import { makeMysqlShop } from './shop-mysql.ts';
import { makePostgresDatabase, makePostgresShop } from './shop-postgres.ts';

/** What the demo of a shop works with. The databases are its own, also on a server that a URL names. */
export type World = {
  /** fahuo's database. */
  databaseUrl: string;
  pool: Pool;
  database: ShopDatabase;
  sandbox: Sandbox;
  file: AdoptFile;
  filePath: string;
  shop: Shop;
  env: Env;
};

type Given = { name: ShopName; parts: LocalServices; opened: Opened };

const log = createLog({ level: 'error' });

/** Everything but the roles; the shop's tables are filled, and WeChat knows its payments. */
export async function makeWorld({ name, parts, opened }: Given): Promise<World> {
  const run = `fahuo_demo_${randomBytes(4).toString('hex')}`;
  const { server, payments } = sampleShops[name];
  const make = { server: serverOf(name, parts), name: `${run}_${name}` };
  const database = opened.add('shop', await makeShop(server, make), (it) => it.drop());
  const own = { server: parts.databaseUrl, name: run };
  const ours = opened.add('database', await makePostgresDatabase(own), (it) => it.drop());
  await migrate(ours.url);
  const pool = opened.add('postgres', openPool(ours.url), (it) => it.end());
  for (const statement of tablesOf(name)) await database.run(statement);
  const sandbox = opened.add('sandbox', await createSandbox({ latencyMs: 5 }, systemClock), (it) =>
    it.stop(),
  );
  await tellWechat(sandbox, await database.rows(payments));
  const filePath = adoptFileOf(name);
  const file = loadAdoptFile(filePath);
  const options = { databaseUrl: database.url, file, log, queryTimeoutMs: 20_000 };
  const shop = opened.add('adopted shop', await openShop(options), (it) => it.close());
  const env = {
    DATABASE_URL: ours.url,
    SHOP_DATABASE_URL: database.url,
    FAHUO_ADOPT_FILE: filePath,
    ...kafkaEnv(parts, run),
    FAHUO_HTTP_PORT: '0',
    FAHUO_LOG_LEVEL: 'error',
    WECHAT_BASE_URL: sandbox.url,
    WECHAT_APPID: sampleShops[name].appid,
    WECHAT_SECRET: 'demo',
  };
  return { databaseUrl: ours.url, pool, database, sandbox, file, filePath, shop, env };
}

const serverOf = (name: ShopName, { databaseUrl, mysqlUrl }: LocalServices): string =>
  sampleShops[name].server === 'mysql' ? (mysqlUrl ?? '') : databaseUrl;

const makeShop = (server: 'postgres' | 'mysql', make: MakeDatabase): Promise<ShopDatabase> =>
  server === 'mysql' ? makeMysqlShop(make) : makePostgresShop(make);

const openPool = (databaseUrl: string): Pool =>
  createPool({ databaseUrl, max: 2, applicationName: 'fahuo-demo', onError: () => undefined });

/** A group belongs to one database: this one ends with the demo. */
const kafkaEnv = ({ kafkaBrokers }: LocalServices, run: string): Env => ({
  KAFKA_BROKERS: kafkaBrokers,
  KAFKA_TOPIC: `${run}.shipments`,
  KAFKA_GROUP: run,
  FAHUO_CREATE_TOPICS: 'true',
});

async function tellWechat({ url }: Sandbox, payments: readonly unknown[]): Promise<void> {
  await fetch(`${url}/_sandbox/payments`, {
    method: 'POST',
    body: JSON.stringify(payments),
    headers: { 'content-type': 'application/json' },
  });
}

export type Fahuo = {
  /** Aborts with the demo's, and with the reason when a role failed for good. */
  signal: AbortSignal;
  stop: () => Promise<void>;
};

/** Every role in this process, as `fahuo run` has them. */
export async function startFahuo({ env }: World, opened: Opened, signal: AbortSignal): Promise<Fahuo> {
  const own = new AbortController();
  const stopping = AbortSignal.any([signal, own.signal]);
  const { done } = await startRoles({ config: readConfig(env), log }, roleNames, stopping);
  done.catch((error: unknown) => own.abort(error));
  const stop = async (): Promise<void> => {
    own.abort();
    await done;
  };
  opened.add('roles', stop, (it) => it());
  return { signal: stopping, stop };
}
