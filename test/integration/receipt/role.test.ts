import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectAlone } from '../../../db/client.ts';
import { systemClock } from '../../../src/clock.ts';
import { createAdmin } from '../../../src/kafka/admin.ts';
import { createLog } from '../../../src/log.ts';
import { phoneSealKey } from '../../../src/receipt/phone.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { sealPhone } from '../../../src/shipment/sealed-phone.ts';
import { appid, shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { startFahuo, type FahuoProcess } from '../../support/fahuo-process.ts';
import { uniqueName } from '../../support/names.ts';
import { createOwnedDatabase, type OwnedDatabase } from '../../support/roles.ts';

let database: OwnedDatabase;
let sandbox: Sandbox;
let fahuo: FahuoProcess;
let writerUrl: string;
beforeAll(async () => {
  database = await createOwnedDatabase();
  writerUrl = await database.login('fahuo_writer');
  sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  const topic = uniqueName('receipts');
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
    const { rows } = await shop.query('select payment, origin, state, errcode from fahuo.receipts');
    expect(rows).toEqual([{ payment: asked, origin: 'shop', state: 'acknowledged', errcode: 0 }]);
    const { rows: traces } = await database.admin.query(
      'select payment, state, sealed_phone from fahuo.trace',
    );
    expect(traces).toEqual([{ payment: followed, state: 'following', sealed_phone: null }]);
  });
  await shop.end();
});
