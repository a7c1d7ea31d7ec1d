import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createPool } from '../../../db/client.ts';
import { monotonicMs } from '../../../src/clock.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import {
  asJson,
  asXml,
  plainPush,
  pushAppid,
  pushedAt,
  reminder,
  securePush,
  settledPhase,
  shippedPhase,
} from '../../support/pushes.ts';
import { countOf, openReceiver, secureKeys, type Receiver } from '../../support/receiver.ts';

let database: TestDatabase;
let receiver: Receiver;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('truncate fahuo.push_event');
  receiver = await openReceiver(database.pool);
});
afterEach(() => receiver.close());

type Row = {
  appid: string;
  event: string;
  phase: string | null;
  transaction_id: string | null;
  body: string;
};
const inbox = async (): Promise<Row[]> =>
  (await database.pool.query<Row>('select * from fahuo.push_event order by id')).rows;
const message = asJson(shippedPhase('4200001'));

describe('the check of the address', () => {
  it('is answered with the bare echostr, text/plain, with a length', async () => {
    const query = { ...plainPush('').query, echostr: '4375120948345356249' };
    const answer = await receiver.get(query);
    expect(answer).toMatchObject({
      status: 200,
      text: '4375120948345356249',
      headers: { 'content-type': 'text/plain; charset=utf-8', 'content-length': '19' },
    });
    expect(await receiver.get({ ...query, nonce: 'n2' })).toMatchObject({ status: 403, text: 'refused' });
    expect(await receiver.get({ ...query, echostr: '<script>' })).toMatchObject({
      text: '<script>',
      headers: { 'x-content-type-options': 'nosniff' },
    });
  });
});

describe('a push', () => {
  it('is kept as it came, committed, and answered success', async () => {
    for (const text of [message, asXml(settledPhase('4200001')), '{"Event":"debug_demo"}', 'hello'])
      expect(await receiver.post(securePush(text))).toMatchObject({ status: 200, text: 'success' });
    expect(await inbox()).toMatchObject([
      { appid: pushAppid, event: 'trade_manage_order_settlement', phase: 'shipped', body: message },
      { phase: 'settled', transaction_id: '4200001', body: asXml(settledPhase('4200001')) },
      { event: 'debug_demo', phase: null, transaction_id: null },
      { event: 'unreadable', body: 'hello' },
    ]);
  });

  it('is kept once, however often and in whatever envelope it comes, and answered success each time', async () => {
    const again = [
      securePush(message),
      securePush(message),
      securePush(message, { nonce: 'n2', timestamp: pushedAt + 5 }),
      securePush(asXml(shippedPhase('4200001'))),
      securePush(asJson({ ...shippedPhase('4200001'), CreateTime: pushedAt + 5 })),
    ];
    for (const push of [...again, ...again])
      expect(await receiver.post(push)).toMatchObject({ status: 200, text: 'success' });
    const many = await Promise.all(again.map((push) => receiver.post(push)));
    expect(many.map(({ text }) => text)).toEqual(again.map(() => 'success'));
    expect(await inbox()).toHaveLength(1);
    expect(await countOf(receiver.metrics, 'fahuo_push_received_total', { result: 'repeated' })).toBe(14);
  });

  it('of two apps is two', async () => {
    await receiver.close();
    const second = { ...secureKeys, appid: 'wxfedcba9876543210' };
    receiver = await openReceiver(database.pool, { keys: [secureKeys, second] });
    const theirs = securePush(message, { key: { appid: second.appid, aesKey: second.aesKeys[0]! } });
    expect(await receiver.post(securePush(message))).toMatchObject({ status: 200 });
    expect(await receiver.post(theirs, { appid: second.appid })).toMatchObject({ status: 200 });
    expect((await inbox()).map(({ appid }) => appid)).toEqual([pushAppid, second.appid]);
    // Each in the other's path.
    expect(await receiver.post(theirs)).toMatchObject({ status: 403 });
    expect(await receiver.post(securePush(message), { appid: second.appid })).toMatchObject({ status: 403 });
  });

  it('holds every character that a text may hold', async () => {
    const text = asJson({ ...reminder('4200001'), msg: '🍌 "\\ \u0001 发货 \u{10ffff}' });
    expect(await receiver.post(securePush(text))).toMatchObject({ status: 200 });
    const escaped = String.raw`{"Event":"a\u0000b","transaction_id":"\ud800","FromUserName":"\u0000"}`;
    expect(await receiver.post(securePush(escaped))).toMatchObject({ status: 200 });
    expect((await inbox()).map(({ body }) => body)).toEqual([text, escaped]);
  });

  it('comes without a content type, with any, and in chunks without a length', async () => {
    const { query, body } = securePush(message);
    const url = new URL(`/wechat/push/${pushAppid}?${new URLSearchParams(query).toString()}`, receiver.url);
    for (const headers of [{}, { 'content-type': 'text/xml' }, { 'content-type': 'nonsense' }])
      expect((await fetch(url, { method: 'POST', body: Buffer.from(body), headers })).status).toBe(200);
    const chunks = new ReadableStream({
      start: (controller) => {
        for (let at = 0; at < body.length; at += 7) controller.enqueue(Buffer.from(body.slice(at, at + 7)));
        controller.close();
      },
    });
    const answer = await fetch(url, { method: 'POST', body: chunks, duplex: 'half' });
    expect(await answer.text()).toBe('success');
    expect(await inbox()).toHaveLength(1);
  });
});

describe('a request that is no push', () => {
  it('is refused with a status that fits and one word, and nothing is kept', async () => {
    const good = securePush(message);
    const with_ = (query: Record<string, string>) => ({ ...good, query: { ...good.query, ...query } });
    const statuses = [
      await receiver.post(good, { method: 'PUT' }),
      await receiver.post(good, { method: 'DELETE' }),
      await receiver.post(good, { appid: 'wx0000000000000000' }),
      await receiver.post(with_({ timestamp: 'x' })),
      await receiver.post(with_({ msg_signature: '0'.repeat(40) })),
      await receiver.post(securePush(message, { timestamp: pushedAt - 301 })),
      await receiver.post(plainPush(message)),
      await receiver.post({ ...good, body: good.body.slice(0, -1) }),
      await receiver.post({ ...good, body: '' }),
      await receiver.post({ ...good, body: `{"a":"${'x'.repeat(262_144)}"}` }),
    ];
    expect(statuses.map(({ status }) => status)).toEqual([405, 405, 404, 400, 403, 403, 403, 400, 400, 413]);
    expect(new Set(statuses.map(({ text }) => text))).toEqual(new Set(['refused']));
    expect(await inbox()).toEqual([]);
    expect(await countOf(receiver.metrics, 'fahuo_push_refused_total')).toBe(10);
    expect(await countOf(receiver.metrics, 'fahuo_push_refused_total', { reason: 'too_large' })).toBe(1);
  });

  it('is cut off when it stays slow, and its neighbours are answered meanwhile', async () => {
    await receiver.close();
    receiver = await openReceiver(database.pool, { requestMs: 1_000 });
    const { port, hostname } = new URL(receiver.url);
    const slow = connect(Number(port), hostname).resume();
    const closed = new Promise((resolve) => slow.once('close', resolve));
    slow.on('error', () => undefined);
    slow.write(`POST /wechat/push/${pushAppid} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"a":`);
    const from = monotonicMs();
    expect(await receiver.post(securePush(message))).toMatchObject({ status: 200 });
    await closed;
    expect(monotonicMs() - from).toBeLessThan(4_000);
  });
});

describe('while Postgres is in trouble', () => {
  it('a push is answered 500 when the insert fails, and kept when it comes again', async () => {
    await database.pool.query('alter table fahuo.push_event rename to push_event_gone');
    const failed = await receiver.post(securePush(message));
    await database.pool.query('alter table fahuo.push_event_gone rename to push_event');
    expect(failed).toMatchObject({ status: 500, text: 'failed' });
    expect(await countOf(receiver.metrics, 'fahuo_push_failures_total')).toBe(1);
    expect(await receiver.post(securePush(message))).toMatchObject({ status: 200 });
    expect(await inbox()).toHaveLength(1);
  });

  it('a push is answered 500 well inside of 5 s when the insert does not end, and is kept once all the same', async () => {
    const pool = createPool({
      databaseUrl: database.url,
      max: 1,
      applicationName: 'fahuo-test',
      onError: () => undefined,
      queryTimeoutMs: 1_000,
    });
    const held = await openReceiver(pool, { keepWithinMs: 800 });
    const holder = await database.pool.connect();
    await holder.query('begin; lock table fahuo.push_event');
    const from = monotonicMs();
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((number) => held.post(securePush(asJson(shippedPhase(`42${number}`))))),
    );
    const tookMs = monotonicMs() - from;
    await holder.query('rollback');
    holder.release();
    expect(answers.map(({ status }) => status)).toEqual([500, 500, 500, 500, 500, 500]);
    expect(tookMs).toBeLessThan(1_700);
    for (const number of [1, 2, 3, 4, 5, 6])
      expect(await held.post(securePush(asJson(shippedPhase(`42${number}`))))).toMatchObject({ status: 200 });
    await held.close();
    await pool.end();
    expect(await inbox()).toHaveLength(6);
  });
});
