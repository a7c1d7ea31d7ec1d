import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAlone } from '../../../db/client.ts';
import { createPublisher } from '../../../src/kafka/publisher.ts';
import { tryLock } from '../../../src/relay/leader-store.ts';
import { runCommand } from '../../support/command.ts';
import { uniqueName } from '../../support/names.ts';
import { createStack, type Stack } from '../../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await createStack({ partitions: 1 });
});
afterAll(() => stack.close());

const said = async (words: string[], env: Record<string, string> = {}): Promise<string> =>
  (await runCommand(words, { ...stack.env, ...env })).stdout;

describe('fahuo status', () => {
  it('names a leader while one leads, and the last one when none does', async () => {
    await stack.database.pool.query(`update fahuo.relay_cursor set owner = 'host-1'`);
    expect(await said(['status'])).toContain('leader none (the last was host-1)');
    const leader = await connectAlone(stack.database.url, 'fahuo-relay');
    expect(await tryLock(leader, 0)).toBe(true);
    expect(await said(['status'])).toMatch(/leader host-1$/m);
    expect(JSON.parse(await said(['status', '--json']))).toMatchObject({ relay: { owner: 'host-1' } });
    await leader.end();
  });

  it('counts the answers that nobody reads for the webhook', async () => {
    const env = {
      FAHUO_ACK_WEBHOOK_URL: 'http://127.0.0.1:9',
      FAHUO_ACK_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
    };
    expect(await said(['status'], env)).not.toContain('not read yet');
    const publisher = createPublisher(stack.connection);
    const messages = ['a', 'b'].map((key) => ({ key, value: '{}', headers: {} }));
    await publisher.publish(`${stack.topic}.acks`, [{ partition: 0, messages }]);
    await publisher.close();
    expect(await said(['status'], env)).toMatch(
      / {9}2 answers are not read yet \(group \S+\.webhook\): if that lasts, no process has the role webhook/,
    );
    expect(await said(['status'])).not.toContain('not read yet');
  });

  it('says that a topic is missing, and is a status all the same', async () => {
    const name = uniqueName('nowhere');
    expect(await said(['status'], { KAFKA_TOPIC: name })).toContain(
      `topic    ${name}: the topic ${name} does not exist`,
    );
  });
});

describe('what WeChat pushed', () => {
  it('is told where it waits, and where it is a warning', async () => {
    await stack.database.pool.query(
      `insert into fahuo.push_event (appid, key, event, body, failure, applied_at) values
       ('wx1', 'a', 'wxa_trade_controlled', '{"msg":"交易受限"}', null, now()),
       ('wx1', 'b', 'trade_manage_remind_shipping', '{}', 'no transaction is known for 1:A', null)`,
    );
    const lines = (await said(['status'])).split('\n');
    expect(lines.find((line) => line.startsWith('pushes'))).toMatch(
      /^pushes {3}1 wait, the oldest for \d s: no transaction is known for 1:A$/,
    );
    expect(lines.find((line) => line.startsWith('WARNED'))).toMatch(
      /^WARNED {3}wx1 wxa_trade_controlled \(1 in three days, the last at 2\S+Z\): 交易受限$/,
    );
    expect(JSON.parse(await said(['status', '--json']))).toMatchObject({
      push: { waiting: 1, warnings: [{ appid: 'wx1', count: 1 }] },
    });
    await stack.database.pool.query('truncate fahuo.push_event');
    expect(await said(['status'])).not.toMatch(/^(pushes|WARNED)/m);
  });
});

describe('a reminder to confirm receipt', () => {
  it('is counted in the status, and told with its calls in the story of its payment, by either name', async () => {
    await stack.database.pool.query(
      `insert into fahuo.receipt (appid, payment, transaction_id, received_at, origin, state, sends, sent_at, detail) values
         ('wx1', '1900:A', 'told', '2026-11-26T15:04:00+08:00', 'shop', 'unknown', 1, now(), 'no answer came'),
         ('wx1', 'other', null, '2026-11-26T15:04:00+08:00', 'shop', 'pending', 0, null, null)`,
    );
    await stack.database.pool.query(
      `insert into fahuo.trace (appid, payment, state, parcels) values
         ('wx1', '1900:A', 'following', '[{"tracking_no":"SF1","token":"t","status":3,"signed_at":null}]')`,
    );
    await stack.database.pool.query(
      `insert into fahuo.receipt_call (appid, payment, kind, outcome, tracking_no, status, errcode, rid, duration_ms) values
         ('wx1', '1900:A', 'query', 'status', 'SF1', 3, 0, 'rid-1', 12), ('wx1', '1900:A', 'notify', 'unknown', null, null, null, null, 5000)`,
    );
    const lines = (await said(['status'])).split('\n');
    expect(lines).toContain('receipts 1 waiting to be reminded of, 1 followed to their receipt');
    expect(lines).toContain(
      'UNKNOWN  1 of the reminders may have gone out: fahuo wechat receipts --state unknown',
    );
    for (const name of ['1900:A', 'told']) {
      const story = await said(['show', name]);
      expect(story).toMatch(
        / {2}reminder {2}wx1 {2}unknown {2}received 2026-11-26T07:04:00.000Z \(shop\) {2}next look \S+\n {4}no answer came/,
      );
      expect(story).toContain('  parcels  wx1  following  0 of 1 signed for');
      expect(story).toMatch(
        / {4}query {2}status {2}errcode 0 {2}rid rid-1 {2}\S+Z {2}parcel SF1 {2}status 3/,
      );
      expect(story).toMatch(/ {4}notify {2}unknown {2}errcode - {2}rid - /);
    }
    await stack.database.pool.query('truncate fahuo.receipt, fahuo.trace, fahuo.receipt_call');
    expect(await said(['status'])).not.toMatch(/^(receipts|UNKNOWN)/m);
  });
});

describe('what WeChat was sent, or why it was not', () => {
  it('is a line of fahuo show', async () => {
    await stack.database.pool.query(
      `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
         body, body_hash, delta_body, attempts)
       select 'wx1', 'p', n, 'shipped', 'e' || n, '/o', '2026-11-23T10:00:00+08:00', 't', 0, n, '{"whole":true}', 'h',
         case when n = 2 then '{"part":true}' end, case when n = 3 then 0 else 1 end
       from generate_series(1, 3) n`,
    );
    const lines = (await said(['show', 'p'])).split('\n').filter((line) => line.includes('{'));
    expect(lines).toEqual([
      '    sent: {"whole":true}',
      '    sent: {"part":true}',
      '    to send: {"whole":true}',
    ]);
  });

  it('is told whole in the list of dead letters, with the remedy at its end', async () => {
    const detail = `data.shipping_list.0.item_desc ${'苹'.repeat(200)}: must be shorter. Shorten it.`;
    await stack.database.pool.query(
      `insert into fahuo.dead_letter (topic, partition, "offset", headers, message_hash, reason, detail, event_id, payment)
       values ('t', 0, 7, '{}', 'h', 'invalid', $1, 'e7', 'p7')`,
      [detail],
    );
    const list = await said(['dead-letters', 'list']);
    expect(list).toContain(detail);
    expect(list).toMatch(/invalid {2}t\/0@7 {2}payment p7 {2}event e7/);
  });
});
