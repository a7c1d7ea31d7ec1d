import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import {
  asJson,
  asXml,
  pushEncodingKey,
  pushToken,
  plainPush,
  reminder,
  securePush,
  settledPhase,
  shippedPhase,
  type Push,
} from '../../support/pushes.ts';
import { createStack, type Stack } from '../../support/stack.ts';
import { readTopic } from '../../support/topic.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await createStack({ partitions: 1 });
});
afterAll(() => stack.close());

const keys = { WECHAT_PUSH_TOKEN: pushToken, WECHAT_PUSH_AES_KEY: pushEncodingKey };
const now = (): number => Math.floor(Date.now() / 1_000);
const send = async (base: string, { query, body }: Push): Promise<[number, string]> => {
  const url = `${base}/wechat/push/wx0123456789abcdef?${new URLSearchParams(query).toString()}`;
  const answer = await fetch(url, { method: 'POST', body });
  return [answer.status, await answer.text()];
};

describe('the role push', () => {
  it('receives on the console’s port, and what it is told reaches payment, wishes and the ack topic', async () => {
    const fahuo = await stack.start({ roles: 'push,relay,console', env: keys });
    const check = { ...plainPush('', { timestamp: now() }).query, echostr: '4375120948345356249' };
    const url = `${fahuo.http}/wechat/push/wx0123456789abcdef?${new URLSearchParams(check).toString()}`;
    expect(await (await fetch(url)).text()).toBe(check.echostr);
    for (const text of [
      asXml(settledPhase('4200001')),
      asJson(shippedPhase('4200001')),
      asJson(reminder('4200002')),
    ])
      expect(await send(fahuo.http, securePush(text, { timestamp: now() }))).toEqual([200, 'success']);
    expect(await send(fahuo.http, plainPush(asJson(shippedPhase('4200003')), { timestamp: now() }))).toEqual([
      403,
      'refused',
    ]);
    expect(await send(fahuo.http, securePush('{}', { timestamp: 1 }))).toEqual([403, 'refused']);
    const { pool } = stack.database;
    await eventually(async () => {
      const { rows } = await pool.query(
        'select transaction_id, order_state, settled_at is not null as settled, expected_settlement_at is not null as expected from fahuo.payment order by 1',
      );
      expect(rows).toEqual([
        { transaction_id: '4200001', order_state: 4, settled: true, expected: true },
        { transaction_id: '4200002', order_state: null, settled: false, expected: false },
      ]);
    });
    expect((await pool.query('select transaction_id from fahuo.reconcile_wish')).rows).toEqual([
      { transaction_id: '4200002' },
    ]);
    const told = await eventually(async () => {
      const [first] = await readTopic(stack.connection, `${stack.topic}.acks`);
      expect(first).toBeDefined();
      return first;
    });
    expect(told?.key?.toString()).toBe('wx0123456789abcdef/4200001');
    expect(told?.headers['ce_type']?.toString()).toBe('fahuo.payment.settled.v1');
    expect(JSON.parse(told!.value!.toString())).toMatchObject({ transaction_id: '4200001' });
    const metrics = await (await fetch(`${fahuo.http}/metrics`)).text();
    expect(metrics).toContain('fahuo_push_refused_total{reason="in_clear"} 1');
    expect(metrics).toContain('fahuo_push_refused_total{reason="stale"} 1');
    expect(await fahuo.stop()).toBe(0);
  }, 60_000);

  it('has nothing but the push address on a port of its own, and the console nothing of it', async () => {
    const env = { ...keys, FAHUO_PUBLIC_PORT: '0' };
    const fahuo = await stack.start({ roles: 'push,console', env });
    const push = fahuo.push!;
    const good = (): Push => securePush(asJson(shippedPhase('4200009')), { timestamp: now() });
    expect(await send(push, good())).toEqual([200, 'success']);
    expect((await send(fahuo.http, good()))[0]).toBe(404);
    for (const path of ['/metrics', '/livez', '/readyz', '/'])
      expect((await fetch(`${push}${path}`)).status, path).toBe(404);
    expect((await fetch(`${fahuo.http}/livez`)).status).toBe(200);
    expect(await fahuo.stop()).toBe(0);
  }, 30_000);

  it('stands alone without the console, on its port', async () => {
    const fahuo = await stack.start({ roles: 'push', env: keys });
    expect(fahuo.http).toBeNull();
    const push = securePush(asJson(shippedPhase('4200010')), { timestamp: now() });
    expect(await send(fahuo.push!, push)).toEqual([200, 'success']);
    expect(await fahuo.stop()).toBe(0);
  }, 30_000);

  it('without keys says so, runs beside the others, and refuses whatever comes', async () => {
    const fahuo = await stack.start({ roles: 'push,console', env: { FAHUO_LOG_LEVEL: 'info' } });
    await eventually(() => expect(fahuo.stderr()).toContain('push.not_configured'));
    expect(await send(fahuo.http, securePush('{}', { timestamp: now() }))).toEqual([404, 'refused']);
    expect((await fetch(`${fahuo.http}/livez`)).status).toBe(200);
    expect(await fahuo.stop()).toBe(0);
  }, 30_000);
});
