import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { inTransaction } from '../../../db/client.ts';
import { openCarrierList } from '../../../src/carriers/list.ts';
import { readCarriers } from '../../../src/carriers/store.ts';
import { monotonicMs } from '../../../src/clock.ts';
import { createAdmin } from '../../../src/kafka/admin.ts';
import { createPublisher } from '../../../src/kafka/publisher.ts';
import { createLog } from '../../../src/log.ts';
import { enqueue } from '../../../src/outbox/enqueue.ts';
import { readConfig } from '../../../src/roles/config.ts';
import { startRoles, type RoleName } from '../../../src/roles/start.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { suggestCarriers } from '../../../src/shipment/carrier-aliases.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { checkEvent } from '../../../src/shipment/contract.ts';
import { describeProblems } from '../../../src/shipment/problems.ts';
import { runCommand } from '../../support/command.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { uniqueName } from '../../support/names.ts';
import { statsOf, tellSandbox } from '../../support/sandbox-client.ts';

const log = createLog({ level: 'silent' });
const brokers = inject('kafkaBrokers').split(',');
const connection = { brokers, clientId: 'test' };

let database: TestDatabase;
let sandbox: Sandbox;
let topic: string;
let stops: (() => Promise<void>)[];

beforeEach(async () => {
  database = await createDatabase();
  sandbox = await createSandbox({ autoCreatePayments: true });
  topic = uniqueName('carriers');
  stops = [];
});
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await sandbox.stop();
  await database.drop();
});

const env = (): Record<string, string> => ({
  DATABASE_URL: database.url,
  KAFKA_BROKERS: brokers.join(','),
  KAFKA_TOPIC: topic,
  KAFKA_GROUP: topic,
  KAFKA_SESSION_TIMEOUT_MS: '6000',
  WECHAT_BASE_URL: sandbox.url,
  WECHAT_APPID: 'wx0123456789abcdef',
  WECHAT_SECRET: 'secret',
  FAHUO_CALL_TIMEOUT_MS: '1000',
  FAHUO_LEASE_MS: '3000',
});

/** One instance; without the app it cannot ask WeChat itself. */
async function start(roles: RoleName[], { app = true } = {}): Promise<void> {
  const { WECHAT_APPID, WECHAT_SECRET, ...rest } = env();
  const config = readConfig(app ? env() : rest);
  const stop = new AbortController();
  const { done } = await startRoles({ config, log }, roles, stop.signal);
  stops.push(async () => {
    stop.abort();
    await done;
  });
}

async function makeTopics(): Promise<void> {
  const admin = createAdmin(connection, log);
  for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`]) await admin.createTopic(name, 1);
  await eventually(async () => expect(await admin.topicOffsets(topic)).toHaveLength(1));
  await admin.close();
}

const eventOf = (payment: string, company: string) => {
  const event = shippedEvent({ payment });
  event.data.shipping_list[0]!['express_company'] = company;
  return event;
};

async function publish(event: object): Promise<void> {
  const publisher = createPublisher(connection);
  const headers = { 'content-type': 'application/cloudevents+json' };
  const messages = [{ key: 'k', value: JSON.stringify(event), headers }];
  expect(await publisher.publish(topic, [{ partition: 0, messages }])).toMatchObject({ kind: 'published' });
  await publisher.close();
}

const rowsOf = async (text: string): Promise<Record<string, unknown>[]> =>
  (await database.pool.query<Record<string, unknown>>(text)).rows;
const offer = (event: object) => database.pool.query('select fahuo.enqueue($1)', [JSON.stringify(event)]);
const requests = async (): Promise<number> => {
  const { delivery_list: answers = {} } = (await statsOf(sandbox.url)).requests;
  return Object.values(answers).reduce((sum, count) => sum + count, 0);
};
const untilRefreshed = (): Promise<void> =>
  eventually(async () =>
    expect(await rowsOf('select refreshed_at is null as never from fahuo.carrier_list')).toEqual([
      { never: false },
    ]),
  );
const isNew = { delivery_id: 'NEW1', delivery_name: '新一快递' };
const refusal = (event: object): string => {
  const checked = checkEvent(event, { carriers: bundledCarriers() });
  return checked.kind === 'invalid' ? describeProblems(checked.problems) : 'none';
};
const refresh = () => runCommand(['carriers', 'refresh'], env());

describe('a carrier that WeChat lists since today', () => {
  it('is asked for by one instance when it comes, and is taken by the consumer and then by SQL', async () => {
    await makeTopics();
    await start(['upload']);
    await start(['upload']);
    await start(['consume'], { app: false });
    await untilRefreshed();
    expect(await requests()).toBe(1);
    await tellSandbox(sandbox.url, 'carriers', { add: [isNew] });
    await expect(offer(eventOf('p1', 'NEW1'))).rejects.toThrow(refusal(eventOf('p1', 'NEW1')));
    await publish(eventOf('p2', 'NEW1'));
    await eventually(async () =>
      expect(await rowsOf('select payment from fahuo.upload')).toEqual([{ payment: 'p2' }]),
    );
    expect(await rowsOf('select detail from fahuo.dead_letter')).toEqual([]);
    await offer(eventOf('p1', 'NEW1'));
    await inTransaction(database.pool, (tx) => enqueue(tx, eventOf('p3', 'NEW1')));
    expect(await rowsOf('select payment from fahuo.outbox where type like $$%shipped%$$ order by 1')).toEqual(
      [{ payment: 'p1' }, { payment: 'p3' }],
    );
    expect(await requests()).toBe(2);
    // What nobody knows is refused at once then: the ten minutes are not over.
    await publish(eventOf('p4', 'NEW2'));
    await eventually(async () =>
      expect(await rowsOf('select detail from fahuo.dead_letter')).toEqual([
        { detail: refusal(eventOf('p4', 'NEW2')) },
      ]),
    );
    expect(await requests()).toBe(2);
  });

  it('is refused with the words of before while WeChat is away, and waited for once', async () => {
    await makeTopics();
    await tellSandbox(sandbox.url, 'faults', [{ kind: 'hang', endpoint: 'delivery_list' }]);
    await tellSandbox(sandbox.url, 'carriers', { add: [isNew] });
    await start(['upload']);
    await start(['consume'], { app: false });
    await publish(eventOf('p1', 'NEW1'));
    await eventually(async () =>
      expect(await rowsOf('select detail from fahuo.dead_letter')).toEqual([
        { detail: refusal(eventOf('p1', 'NEW1')) },
      ]),
    );
    await expect(offer(eventOf('p2', 'NEW1'))).rejects.toThrow(refusal(eventOf('p2', 'NEW1')));
    await eventually(async () =>
      expect(await rowsOf('select failure, refreshed_at from fahuo.carrier_list')).toEqual([
        { failure: 'WeChat does not answer (timeout)', refreshed_at: null },
      ]),
    );
  });

  it('is known to all who read the list, by name as well', async () => {
    const list = await openCarrierList(database.pool);
    const { signal } = new AbortController();
    await tellSandbox(sandbox.url, 'carriers', { add: [isNew] });
    expect(await refresh()).toMatchObject({ code: 0, stdout: '1 added: NEW1; 0 renamed.\n' });
    expect(await list.ask(['NEW1'], signal)).toBe(true);
    expect(await rowsOf('select wanted_at from fahuo.carrier_list')).toEqual([{ wanted_at: null }]);
    for (const word of ['新一', '新一物流', 'new1', 'sf', '中通快递', 'FEDEX', 'nobody']) {
      const [row] = await rowsOf(`select fahuo.carrier_suggestions('${word}') as ids`);
      expect([word, suggestCarriers(word, list)]).toEqual([word, row?.['ids'] ?? []]);
    }
    expect(suggestCarriers('新一速递', list)).toEqual(['NEW1']);
  });
});

describe('an answer that is odd', () => {
  const full = [...bundledCarriers()].map(([id, name]) => ({ delivery_id: id, delivery_name: name }));
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['has an errcode', () => fault({ kind: 'errcode', errcode: 9300507 }), /9300507/],
    ['is no JSON', () => fault({ kind: 'half_json' }), /unreadable/],
    ['is empty', () => list([]), /lacks 1508 of 1508/],
    ['is tiny', () => list([isNew]), /lacks 1508 of 1508/],
    ['has odd ids', () => list([...full, ...full.map(() => ({ delivery_id: 'a b' }))]), /no proper id/],
    ['is huge', () => list(Array.from({ length: 11_000 }, (_, n) => ({ delivery_id: `X${n}` }))), /11000/],
  ])('and %s keeps the list, and says so', async (_, prepare, why) => {
    await prepare();
    const before = await readCarriers(database.pool);
    const said = await refresh();
    expect(said).toMatchObject({ code: 1, stdout: expect.stringMatching(why) as string });
    expect(await readCarriers(database.pool)).toEqual(before);
    const [state] = await rowsOf('select failure, refreshed_at from fahuo.carrier_list');
    expect(state).toEqual({ failure: expect.stringMatching(why) as string, refreshed_at: null });
  });

  it('or lacks a carrier takes none away', async () => {
    await list(full.filter(({ delivery_id: id }) => id !== 'SF'));
    expect(await refresh()).toMatchObject({ code: 0, stdout: '0 added; 0 renamed.\n' });
    await offer(eventOf('p1', 'SF'));
  });

  const fault = (rule: object) =>
    tellSandbox(sandbox.url, 'faults', [{ endpoint: 'delivery_list', ...rule }]);
  const list = (entries: object[]) => tellSandbox(sandbox.url, 'carriers', { list: entries });
});

describe('asking', () => {
  it('is over after three seconds where nobody asks WeChat, and is not begun again for ten minutes', async () => {
    const list = await openCarrierList(database.pool);
    const { signal } = new AbortController();
    const began = monotonicMs();
    expect(await list.ask(['NEW1'], signal)).toBe(false);
    expect(monotonicMs() - began).toBeGreaterThan(2_500);
    const [first] = await rowsOf('select wanted_at from fahuo.carrier_list');
    expect(await list.ask(['NEW2'], signal)).toBe(false);
    expect(await rowsOf('select wanted_at from fahuo.carrier_list')).toEqual([first]);
    await database.pool.query(`update fahuo.carrier_list set wanted_at = wanted_at - interval '10 minutes'`);
    const stopped = new AbortController();
    const asking = list.ask(['NEW1'], stopped.signal);
    stopped.abort();
    await expect(asking).rejects.toThrow();
  });

  it('is not for what can be no id', async () => {
    const list = await openCarrierList(database.pool);
    expect(await list.ask(['顺丰速运', ' SF'], new AbortController().signal)).toBe(false);
    expect(await rowsOf('select wanted_at from fahuo.carrier_list')).toEqual([{ wanted_at: null }]);
  });

  it('sees a carrier that a person added in SQL', async () => {
    const list = await openCarrierList(database.pool);
    await database.pool.query(`insert into fahuo.carrier (id, name) values ('MINE', 'mine')`);
    expect(await list.ask(['MINE'], new AbortController().signal)).toBe(true);
  });
});

it('a list that is older than a week is spoken of by status', async () => {
  await makeTopics();
  expect((await runCommand(['status'], env())).stdout).not.toContain('CARRIERS');
  await database.pool.query(`update fahuo.deployment set created_at = now() - interval '8 days'`);
  expect((await runCommand(['status'], env())).stdout).toContain(
    "CARRIERS WeChat's list of carriers was never taken",
  );
});
