import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createAdmin } from '../../../src/kafka/admin.ts';
import { createLog } from '../../../src/log.ts';
import { createDoorbell } from '../../../src/loop.ts';
import { readConfig } from '../../../src/roles/config.ts';
import { roleNames, startRoles, type RoleName } from '../../../src/roles/start.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { openShop, webhookSecret } from '../../support/webhook-shop.ts';
import { insertDeliveries } from '../../../src/webhook/store.ts';
import { uniqueName } from '../../support/names.ts';

const log = createLog({ level: 'silent' });
const closesWithinMs = 5_000;

let database: TestDatabase;
let topic: string;
/** Has the port that the console wants, and takes connections of Kafka clients without a word. */
let taken: Server;
let takenPort: number;

beforeAll(async () => {
  database = await createDatabase();
  topic = uniqueName('start');
  const admin = createAdmin({ brokers: inject('kafkaBrokers').split(','), clientId: 'test' }, log);
  for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`]) await admin.createTopic(name, 1);
  await admin.close();
  taken = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  takenPort = (taken.address() as AddressInfo).port;
});
afterAll(async () => {
  taken.close();
  await database.drop();
});

const configOf = (env: Record<string, string>) =>
  readConfig({
    DATABASE_URL: database.url,
    KAFKA_BROKERS: inject('kafkaBrokers'),
    KAFKA_TOPIC: topic,
    KAFKA_GROUP: topic,
    KAFKA_REQUEST_TIMEOUT_MS: '1000',
    REDIS_URL: inject('redisUrl'),
    WECHAT_BASE_URL: 'http://127.0.0.1:1',
    WECHAT_APPID: 'wx1',
    WECHAT_SECRET: 'secret',
    FAHUO_HTTP_PORT: '0',
    FAHUO_ACK_WEBHOOK_URL: 'http://127.0.0.1:1/',
    FAHUO_ACK_WEBHOOK_SECRET: webhookSecret,
    FAHUO_ADOPT_FILE: 'src/demo/shops/yudao.yaml', // of a shop that has no triggers yet: it is waited for
    ...env,
  });

/** Sockets and listening ports of this process. */
const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => /^(TCP|Pipe)/.test(name)).length;

const start = (
  wanted: readonly RoleName[],
  env: Record<string, string>,
  signal = new AbortController().signal,
) => startRoles({ config: configOf(env), log }, wanted, signal);

/** Each step of a start, in its order, and how it fails. */
const failures: { step: string; env: () => Record<string, string>; roles: readonly RoleName[] }[] = [
  { step: 'Postgres refuses', env: () => ({ DATABASE_URL: 'postgres://x@127.0.0.1:1/x' }), roles: roleNames },
  { step: 'Kafka refuses', env: () => ({ KAFKA_BROKERS: '127.0.0.1:1' }), roles: ['relay', 'consume'] },
  {
    step: 'a topic is missing',
    env: () => ({ KAFKA_TOPIC: uniqueName('nowhere') }),
    roles: ['relay', 'consume'],
  },
  {
    step: 'the console has no port, after every other role is open',
    env: () => ({ FAHUO_HTTP_PORT: String(takenPort) }),
    roles: roleNames,
  },
];

describe.each(failures)('a start that fails because $step', ({ env, roles }) => {
  it.each(roles)('leaves no socket open: %s', async (role) => {
    const before = sockets();
    const wanted: RoleName[] = role === 'console' ? [role] : [role, 'console'];
    await expect(start(wanted, env())).rejects.toThrow();
    await eventually(() => expect(sockets()).toBe(before), closesWithinMs);
  });
});

describe('a start', () => {
  it('of the role adopt alone wants to know whose shop', async () => {
    await expect(start(['adopt'], { FAHUO_ADOPT_FILE: '' })).rejects.toThrow('FAHUO_ADOPT_FILE is not set');
  });

  it('of the role webhook alone wants to know where to', async () => {
    const none = { FAHUO_ACK_WEBHOOK_URL: '', FAHUO_ACK_WEBHOOK_SECRET: '' };
    await expect(start(['webhook'], none)).rejects.toThrow('FAHUO_ACK_WEBHOOK_URL is not set');
  });

  it.each([...roleNames.map((role) => [role]), [...roleNames]])(
    'is closed whole when it is stopped: %s',
    async (...wanted) => {
      const before = sockets();
      const stop = new AbortController();
      const { url, done } = await start(wanted, {}, stop.signal);
      if (url !== null) expect((await fetch(`${url}/livez`)).status).toBe(200);
      stop.abort();
      await done;
      await eventually(() => expect(sockets()).toBe(before), closesWithinMs);
    },
  );
});

it('settings that are read again change nothing where one of them is wrong', async () => {
  const shop = await openShop();
  const [stop, bell] = [new AbortController(), createDoorbell()];
  let reads = 0;
  const read = () => {
    reads++;
    const other = `whsec_${Buffer.alloc(32, 'other').toString('base64')}`;
    return configOf({ FAHUO_APPS_FILE: '/nowhere', WECHAT_APPID: '', FAHUO_ACK_WEBHOOK_SECRET: other });
  };
  const config = configOf({ FAHUO_ACK_WEBHOOK_URL: shop.url });
  const { done } = await startRoles(
    { config, log, reload: { bell, read } },
    ['push', 'webhook'],
    stop.signal,
  );
  try {
    bell.ring();
    await eventually(() => expect(reads).toBe(1));
    const named = { webhookId: 'a', type: 't', eventTime: 't', appid: 'wx1', payment: 'p1' };
    await insertDeliveries(database.pool, [{ ...named, data: '{"payment":"p1"}' }]);
    await eventually(() => expect(shop.heard).toHaveLength(1));
    expect(shop.heard[0]).toMatchObject({ signed: true });
  } finally {
    stop.abort();
    await done;
    await shop.down();
  }
});
