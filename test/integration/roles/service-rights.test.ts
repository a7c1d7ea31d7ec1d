import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectAlone, createPool, type Pool } from '../../../db/client.ts';
import { systemClock } from '../../../src/clock.ts';
import { keepGauges } from '../../../src/console/gauges.ts';
import { createAdmin } from '../../../src/kafka/admin.ts';
import { createLog } from '../../../src/log.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { readPartitions } from '../../../src/relay/partitions/store.ts';
import { readStatus } from '../../../src/relay/status-store.ts';
import { dropBehind } from '../../../src/relay/partitions/drop.ts';
import { makeAhead } from '../../../src/relay/partitions/make.ts';
import { createSandbox } from '../../../src/sandbox/run.ts';
import { appid, shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { runFahuo, startFahuo, type FahuoProcess } from '../../support/fahuo-process.ts';
import { uniqueName } from '../../support/names.ts';
import { asJson, pushEncodingKey, pushToken, securePush, settledPhase } from '../../support/pushes.ts';
import { createOwnedDatabase, type OwnedDatabase } from '../../support/roles.ts';

/** A database that an owner without CREATEROLE migrated; fahuo as a login that has fahuo_service, orders as a writer. */
let database: OwnedDatabase;
let service: Pool;
let env: Record<string, string>;
let writerUrl: string;
let fahuo: FahuoProcess;
let closeSandbox: () => Promise<void>;
const log = createLog({ level: 'silent' });

beforeAll(async () => {
  database = await createOwnedDatabase();
  const url = await database.login('fahuo_service');
  writerUrl = await database.login('fahuo_writer');
  service = createPool({
    databaseUrl: url,
    max: 3,
    applicationName: 'fahuo-test',
    onError: () => undefined,
    keyLookups: true,
  });
  const topic = uniqueName('rights');
  const brokers = inject('kafkaBrokers');
  const admin = createAdmin({ brokers: brokers.split(','), clientId: 'test' }, log);
  for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`]) await admin.createTopic(name, 2);
  await admin.close();
  const sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  closeSandbox = () => sandbox.stop();
  env = {
    DATABASE_URL: url,
    KAFKA_BROKERS: brokers,
    KAFKA_TOPIC: topic,
    KAFKA_GROUP: topic,
    WECHAT_BASE_URL: sandbox.url,
    WECHAT_APPID: appid,
    WECHAT_SECRET: 'secret',
    FAHUO_HTTP_PORT: '0',
    FAHUO_LOG_LEVEL: 'warn',
    WECHAT_PUSH_TOKEN: pushToken,
    WECHAT_PUSH_AES_KEY: pushEncodingKey,
  };
  fahuo = await startFahuo(['run'], env);
});
afterAll(async () => {
  await fahuo.kill();
  await closeSandbox();
  await service.end();
  await database.drop();
});

const enqueue = async (...events: object[]): Promise<void> => {
  const client = await connectAlone(writerUrl, 'order-service');
  for (const event of events) await client.query('select fahuo.enqueue($1)', [JSON.stringify(event)]);
  await client.end();
};
const partitionNames = async (): Promise<string[]> =>
  (await readPartitions(database.admin)).map(({ name }) => name);

describe('with the rights of fahuo_service alone', () => {
  it('receives pushes, keeps and applies them, and tells the settlement', async () => {
    const timestamp = Math.floor(Date.now() / 1_000);
    const { query, body } = securePush(asJson(settledPhase('4209999')), { timestamp });
    const url = `${fahuo.http}/wechat/push/${appid}?${new URLSearchParams(query).toString()}`;
    expect(await (await fetch(url, { method: 'POST', body })).text()).toBe('success');
    await eventually(async () => {
      const { rows } = await database.admin.query(
        `select settled_at is not null as settled, (select count(*)::int from fahuo.outbox where payment = transaction_id) as told
         from fahuo.payment where transaction_id = '4209999'`,
      );
      expect(rows).toEqual([{ settled: true, told: 1 }]);
    });
  });

  it('every role does its work, dead letters and acknowledgements among it', async () => {
    await enqueue(shippedEvent({ payment: 'good' }));
    // The door refuses such an event; a producer without it does not.
    await database.admin.query(
      `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
       values ('bad', 'fahuo.shipment.shipped.v1', '/s', '2026-11-23T10:00:00Z', $1, 'bad', 1, '{}')`,
      [appid],
    );
    await eventually(async () => {
      const client = await connectAlone(writerUrl, 'order-service');
      const { rows } = await client.query<{ state: string }>(
        `select state from fahuo.acknowledgements where transaction_id = 'good'`,
      );
      await client.end();
      expect(rows).toEqual([{ state: 'acknowledged' }]);
      const { rows: letters } = await database.admin.query(
        'select reason from fahuo.dead_letter where published_at is not null',
      );
      expect(letters).toEqual([{ reason: 'invalid' }]);
    });
    const metrics = await (await fetch(`${fahuo.http}/metrics`)).text();
    expect(metrics).toMatch(/^fahuo_relay_leader 1$/m);
  });

  it('the leader makes partitions ahead, and drops what lies behind', async () => {
    await eventually(async () => expect(await partitionNames()).toContain('outbox_p2'));
    await fahuo.stop(); // its own housekeeping would meet ours
    await database.admin.query(`select setval('fahuo.outbox_id_seq', 3000000)`);
    const keeper = { pool: service, log, metrics: createMetrics() };
    await makeAhead(keeper);
    await database.admin.query('update fahuo.relay_cursor set cursor = 3000000');
    await dropBehind(keeper, { shard: 0, retentionHours: 0 });
    expect(await partitionNames()).toEqual(['outbox_p3', 'outbox_p4', 'outbox_p5']);
    expect(await keeper.metrics.registry.metrics()).toMatch(/^fahuo_relay_partitions_missing 0$/m);
  });

  it('status, gauges and the name of who holds the relay back can be read', async () => {
    const holder = await connectAlone(writerUrl, 'order-service');
    await holder.query('begin');
    await holder.query('select fahuo.enqueue($1)', [JSON.stringify(shippedEvent({ payment: 'open' }))]);
    expect((await readStatus(service, 0)).blocker).toMatchObject({
      application: 'order-service',
      query: 'select fahuo.enqueue($1)',
    });
    await holder.end();
    const metrics = createMetrics();
    const stop = new AbortController();
    const gauges = keepGauges({ pool: service, metrics, log, topic: 't' }, stop.signal);
    await eventually(async () =>
      expect(await metrics.registry.metrics()).toMatch(/^fahuo_upload_rows\{state="pending"\} 0$/m),
    );
    stop.abort();
    await gauges;
  });

  it.each([['status'], ['replay', '--payment', 'good', '--execute'], ['pause', appid, '--reason', 'a test']])(
    'fahuo %s does its work',
    async (...args) => {
      expect(await runFahuo(args, env)).toMatchObject({ code: 0 });
    },
  );
});
