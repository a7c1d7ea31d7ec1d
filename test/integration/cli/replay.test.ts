import { systemClock } from '../../../src/clock.ts';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { replay } from '../../../src/cli/commands/replay.ts';
import { createAdmin } from '../../../src/kafka/admin.ts';
import { createPublisher } from '../../../src/kafka/publisher.ts';
import { createLog } from '../../../src/log.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { retryParked } from '../../../src/upload/verbs-store.ts';
import { captured, runCommand } from '../../support/command.ts';
import { shippedEvent } from '../../support/events.ts';
import { createKafkaProxy, pass, type KafkaProxy } from '../../support/proxy.ts';
import { createStack, type Stack } from '../../support/stack.ts';

const log = createLog({ level: 'silent' });
const fetchKey = 1;

let stack: Stack;
let proxy: KafkaProxy;
beforeAll(async () => {
  stack = await createStack({ partitions: 1 });
  proxy = await createKafkaProxy(inject('kafkaBrokers'));
  const publisher = createPublisher(stack.connection);
  const headers = { 'content-type': 'application/cloudevents+json' };
  const messages = ['a', 'b'].map((payment) => ({
    key: payment,
    value: JSON.stringify(shippedEvent({ payment })),
    headers,
  }));
  await publisher.publish(stack.topic, [{ partition: 0, messages }]);
  await publisher.close();
});
afterAll(async () => {
  await proxy.close();
  await stack.close();
});

const everything = {
  kind: 'topic',
  from: { kind: 'earliest' },
  until: { kind: 'end' },
  partitions: null,
} as const;

/** Through a broker that may be silent, with less patience than a person has. */
async function replayAll(flags: { execute?: boolean }) {
  const connection = { brokers: [proxy.brokers], clientId: 'test', requestTimeoutMs: 500 };
  const admin = createAdmin(connection, log);
  const deps = { pool: stack.database.pool, log, metrics: createMetrics(), connection, admin, retryParked };
  const options = {
    topic: stack.topic,
    acks: `${stack.topic}.acks`,
    group: stack.topic,
    carriers: bundledCarriers(),
    maskContacts: false,
    clock: systemClock,
    acknowledgements: true,
    patienceMs: 1_000,
  };
  const answered = await captured({}, async () => {
    const { signal } = new AbortController();
    const how = { rate: null, execute: flags.execute === true, json: true, signal };
    await replay(deps, options, { selection: everything, ...how });
    return [];
  });
  await admin.close();
  return { code: answered.code, told: JSON.parse(answered.stdout) as Record<string, unknown> };
}

const uploads = async () =>
  (await stack.database.pool.query<{ payment: string }>('select payment from fahuo.upload')).rows;

describe('fahuo replay', () => {
  it('ends with 1 and does nothing when it could not read the whole range, --execute or not', async () => {
    proxy.judge = ({ apiKey }) => (apiKey === fetchKey ? { kind: 'drop_answer' } : pass);
    const { code, told } = await replayAll({ execute: true });
    proxy.judge = () => pass;
    expect(code).toBe(1);
    expect(told).toMatchObject({ dry_run: true, incomplete: [{ partition: 0, from: 0, to: 2 }] });
    expect(await uploads()).toEqual([]);
  });

  it('ends with 0 when it read all of it', async () => {
    expect(await replayAll({})).toMatchObject({ code: 0, told: { dry_run: true, incomplete: [] } });
    expect(await uploads()).toEqual([]);
    expect(await replayAll({ execute: true })).toMatchObject({ code: 0, told: { dry_run: false } });
    expect(await uploads()).toHaveLength(2);
  });

  it('ends with 3 when nothing matched', async () => {
    expect((await runCommand(['replay', '--payment', 'nobody'], stack.env)).code).toBe(3);
  });
});
