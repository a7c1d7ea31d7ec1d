import { afterAll, beforeAll, expect, it } from 'vitest';
import { insertDeliveries, saveEndpoint } from '../../../src/webhook/store.ts';
import { runCommand } from '../../support/command.ts';
import { createStack, type Stack } from '../../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await createStack({ partitions: 1 });
});
afterAll(() => stack.close());

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const run = (...words: string[]) => runCommand(words, stack.env);

it('the role webhook that is asked for by name wants an address', async () => {
  const { code, stderr } = await run('run', '--roles', 'relay,webhook');
  expect(code).toBe(1);
  expect(stderr).toContain('FAHUO_ACK_WEBHOOK_URL is not set: Address of the shop');
});

it('fahuo webhook and fahuo status tell what the address does, and a person’s word lifts a pause', async () => {
  const { pool } = stack.database;
  expect(await run('webhook', 'status')).toMatchObject({ code: 3 });
  expect((await run('status')).stdout).not.toContain('webhook');
  await saveEndpoint(pool, { origin: 'https://shop.example', fingerprint: 'f' });
  const answer = { type: 't', eventTime: 't', appid: 'wx1', data: '{}' };
  await insertDeliveries(pool, [
    { ...answer, webhookId: 'w1', payment: 'p1' },
    { ...answer, webhookId: 'w2', payment: 'p2' },
  ]);
  await pool.query(
    `update fahuo.webhook_delivery set attempts = 3, detail = 'answered 400: 没有此订单' where webhook_id = 'w2'`,
  );
  await pool.query(
    `update fahuo.webhook_endpoint set paused_at = '2026-11-30T00:00:00Z', reason = 'answered 410', forgotten = 7`,
  );
  const env = { ...stack.env, FAHUO_ACK_WEBHOOK_URL: 'http://127.0.0.1:9', FAHUO_ACK_WEBHOOK_SECRET: secret };
  const doctor = async (): Promise<string> => (await runCommand(['doctor'], env)).stdout;
  expect(await doctor()).toMatch(
    /FAILED +webhook +paused since 2026-11-30T00:00:00.000Z: answered 410\. Please mend what .*fahuo webhook resume/,
  );
  const status = (await run('status')).stdout;
  expect(status).toMatch(
    /^webhook {2}https:\/\/shop\.example: 2 wait, the oldest for \d s, 1 were refused: fahuo webhook status$/m,
  );
  expect(status).toContain(
    'PAUSED since 2026-11-30T00:00:00.000Z: answered 410; mend what FAHUO_ACK_WEBHOOK_URL names, then run fahuo webhook resume',
  );
  expect(status).toContain('7 were DROPPED for their age');
  expect((await run('webhook', 'status')).stdout).toMatch(
    /p2 +w2 +3 tries, next at 2\S+Z +answered 400: 没有此订单/,
  );
  expect(JSON.parse((await run('webhook', 'status', '--json')).stdout)).toMatchObject({
    webhook: { waiting: 2, refused: 1, forgotten: 7 },
    refused: [{ webhookId: 'w2', attempts: 3 }],
  });
  expect(await run('webhook', 'resume')).toMatchObject({ code: 0, stdout: 'Webhooks are resumed.\n' });
  expect(await run('webhook', 'resume')).toMatchObject({ code: 3 });
  expect(await doctor()).toMatch(/ok +webhook +https:\/\/shop\.example, 2 answers wait/);
  await pool.query(`update fahuo.webhook_endpoint set failing_since = now(), reason = 'answered 500'`);
  expect(await doctor()).toMatch(
    /FAILED +webhook +https:\/\/shop\.example has failed since .*: answered 500\./,
  );
  await pool.query(`update fahuo.webhook_endpoint set failing_since = null`);
  expect((await run('webhook', 'status')).stdout).not.toMatch(/PAUSED|w2/);
  expect(await run('webhook', 'redeliver', 'p1', '--app', 'wx2')).toMatchObject({ code: 3 });
  expect(await run('webhook', 'redeliver', 'p1', '--json')).toMatchObject({
    code: 0,
    stdout: '{"payment":"p1","answers":1}\n',
  });
});
