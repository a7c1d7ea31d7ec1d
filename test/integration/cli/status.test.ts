import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAlone } from '../../../db/client.ts';
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
