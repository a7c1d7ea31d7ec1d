import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectAlone } from '../../../db/client.ts';
import { systemClock } from '../../../src/clock.ts';
import { createAdmin } from '../../../src/kafka/admin.ts';
import { createPublisher } from '../../../src/kafka/publisher.ts';
import { createLog } from '../../../src/log.ts';
import { phoneSealKey } from '../../../src/receipt/phone.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { sealPhone } from '../../../src/shipment/sealed-phone.ts';
import { appid, receivedEvent, shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { startFahuo, type FahuoProcess } from '../../support/fahuo-process.ts';
import { uniqueName } from '../../support/names.ts';
import { readTopic } from '../../support/topic.ts';
import { createOwnedDatabase, type OwnedDatabase } from '../../support/roles.ts';

let database: OwnedDatabase;
let sandbox: Sandbox;
let fahuo: FahuoProcess;
let writerUrl: string;
let topic: string;
beforeAll(async () => {
  database = await createOwnedDatabase();
  writerUrl = await database.login('fahuo_writer');
  sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  topic = uniqueName('receipts');
  const brokers = inject('kafkaBrokers');
  const admin = createAdmin(
    { brokers: brokers.split(','), clientId: 'test' },
    createLog({ level: 'silent' }),
  );
  for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`]) await admin.createTopic(name, 1);
  await admin.close();
  fahuo = await startFahuo(['run'], {
    DATABASE_URL: await database.login('fahuo_service'),
    KAFKA_BROKERS: brokers,
    KAFKA_TOPIC: topic,
    KAFKA_GROUP: topic,
    WECHAT_BASE_URL: sandbox.url,
    WECHAT_APPID: appid,
    WECHAT_SECRET: 'secret',
    FAHUO_RECEIPT: 'trace',
    FAHUO_TRACE_IMAGE_URL: 'https://shop.example/logo.png',
    FAHUO_HTTP_PORT: '0',
    FAHUO_LOG_LEVEL: 'warn',
  });
});
afterAll(async () => {
  await fahuo.kill();
  await sandbox.stop();
  await database.drop();
});

it('the role upload reminds and follows with the rights of fahuo_service, for a shop with those of fahuo_writer', async () => {
  const payments = ['4200001234202611230000000001', '4200001234202611230000000002'];
  const [asked, followed] = payments as [string, string];
  const shop = await connectAlone(writerUrl, 'order-service');
  for (const payment of payments)
    await shop.query('select fahuo.enqueue($1)', [JSON.stringify(shippedEvent({ payment }))]);
  await eventually(async () => {
    const { rows } = await shop.query("select from fahuo.events where state = 'acknowledged'");
    expect(rows).toHaveLength(2);
  });
  await shop.query("select fahuo.notify_receipt($1, $2, now() + interval '2 seconds')", [appid, asked]);
  const sealed = sealPhone(
    phoneSealKey({ appid, secret: 'secret' }),
    { appid, payment: followed },
    '13800001234',
  );
  await shop.query('select fahuo.trace_receipt($1, $2, $3)', [appid, followed, sealed]);
  await eventually(async () => {
    const { rows } = await shop.query(
      'select payment, origin, state, errcode from fahuo.receipts where payment = $1',
      [asked],
    );
    expect(rows).toEqual([{ payment: asked, origin: 'shop', state: 'acknowledged', errcode: 0 }]);
    const { rows: traces } = await database.admin.query(
      'select payment, state, sealed_phone from fahuo.trace',
    );
    expect(traces).toEqual([{ payment: followed, state: 'following', sealed_phone: null }]);
  });
  await shop.end();
});

const connection = () => ({ brokers: inject('kafkaBrokers').split(','), clientId: 'producer' });

/** What a producer without an outbox writes: one event, in structured mode. */
const produce = async (...events: readonly object[]): Promise<void> => {
  const publisher = createPublisher(connection());
  const messages = events.map((event) => ({
    key: `${appid}/4200001234202611230000000003`,
    value: JSON.stringify(event),
    headers: { 'content-type': 'application/cloudevents+json' },
  }));
  const { kind } = await publisher.publish(topic, [{ partition: 0, messages }]);
  await publisher.close();
  expect(kind).toBe('published');
};

it('a producer of the topic alone says that the buyer has the goods, and WeChat is told so once', async () => {
  const payment = '4200001234202611230000000003';
  const shop = await connectAlone(writerUrl, 'order-service');
  const stateOf = async (id: string): Promise<unknown[]> =>
    (await shop.query<object>('select state, reason from fahuo.events where event_id = $1', [id])).rows;
  await produce(shippedEvent({ payment }));
  await eventually(async () => {
    expect(await stateOf(`${payment}-1`)).toEqual([{ state: 'acknowledged', reason: null }]);
  });
  const seconds = Math.floor(systemClock().getTime() / 1000) + 2; // later than the shipment
  const received = receivedEvent({ payment, id: 'had-it', seconds });
  await produce(received, received, receivedEvent({ payment, id: 'again', seconds: seconds + 1 }));
  await eventually(async () => {
    expect(await stateOf('had-it')).toEqual([{ state: 'acknowledged', reason: null }]);
  });
  await produce(received);
  await eventually(async () => {
    expect(await stateOf('again')).toEqual([{ state: 'superseded', reason: 'second_reminder' }]);
  });
  const told = (await (await fetch(`${sandbox.url}/_sandbox/receipts`)).text())
    .split('\n')
    .filter((line) => line.includes(payment));
  expect(told.map((line) => JSON.parse(line) as object)).toMatchObject([{ payment, receivedTime: seconds }]);
  const { rows } = await shop.query(
    'select origin, event_id, source from fahuo.receipts where payment = $1',
    [payment],
  );
  expect(rows).toEqual([{ origin: 'event', event_id: 'had-it', source: '/orders' }]);
  await shop.end();
  await eventually(async () => {
    const answers = (await readTopic(connection(), `${topic}.acks`))
      .map(({ value, headers }) => ({ ...(JSON.parse(String(value)) as Answer), headers }))
      .filter((one) => one.payment === payment && one.version === null);
    expect(answers.map(({ event_id, state, reason }) => ({ event_id, state, reason }))).toEqual(
      expect.arrayContaining([
        { event_id: 'had-it', state: 'acknowledged', reason: null },
        { event_id: 'again', state: 'superseded', reason: 'second_reminder' },
      ]),
    );
    expect(answers).toHaveLength(2);
    expect(answers.filter(({ headers }) => 'ce_version' in headers)).toEqual([]);
  });
});

type Answer = {
  payment: string;
  version: number | null;
  event_id: string;
  state: string;
  reason: string | null;
};
