import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { shippedEvent } from '../support/events.ts';
import { eventually } from '../support/eventually.ts';
import type { FahuoProcess } from '../support/fahuo-process.ts';
import { asJson, pushEncodingKey, pushToken, securePush, settledPhase } from '../support/pushes.ts';
import { appid, createStack, type Stack } from '../support/stack.ts';
import { openShop, webhookSecret, type WebhookShop } from '../support/webhook-shop.ts';

let stack: Stack;
let shop: WebhookShop;
let secretFile: string;
beforeEach(async () => {
  shop = await openShop();
  secretFile = join(mkdtempSync(join(tmpdir(), 'fahuo-webhook-')), 'secret');
  writeFileSync(secretFile, `whsec_${Buffer.alloc(32, 'old').toString('base64')}\n`);
  stack = await createStack({
    partitions: 2,
    env: {
      WECHAT_PUSH_TOKEN: pushToken,
      WECHAT_PUSH_AES_KEY: pushEncodingKey,
      FAHUO_ACK_WEBHOOK_URL: shop.url,
      FAHUO_ACK_WEBHOOK_SECRET_FILE: secretFile,
    },
  });
});
afterEach(async () => {
  await stack.close();
  await shop.down().catch(() => undefined);
});

const start = (): Promise<FahuoProcess> =>
  stack.start({ roles: 'relay,consume,upload,push,webhook,console' });
const paymentOf = (nth: number): string => `42000012342026112300000${String(nth).padStart(5, '0')}`;
async function enqueue(...nths: number[]): Promise<void> {
  for (const nth of nths)
    await stack.database.pool.query('select fahuo.enqueue($1)', [
      JSON.stringify(shippedEvent({ payment: paymentOf(nth) })),
    ]);
}
async function settle(fahuo: FahuoProcess, payment: string): Promise<void> {
  const push = securePush(asJson(settledPhase(payment)), { timestamp: Math.floor(Date.now() / 1_000) });
  const query = new URLSearchParams(push.query).toString();
  const answer = await fetch(`${fahuo.http}/wechat/push/${appid}?${query}`, {
    method: 'POST',
    body: push.body,
  });
  expect(answer.status).toBe(200);
}
const takenOf = (payment: string) => shop.taken.filter((one) => one.payment === payment);
const untilTaken = (...nths: number[]): Promise<void> =>
  eventually(() => expect(nths.filter((nth) => takenOf(paymentOf(nth)).length === 0)).toEqual([]), 30_000);

it('every answer and every settlement reaches the shop, signed and in order, through outages and a kill', async () => {
  const first = await start();
  await enqueue(1, 2);
  await untilTaken(1, 2);
  expect(shop.heard.map(({ signed }) => signed)).toEqual([false, false]); // by the old secret
  writeFileSync(secretFile, `${webhookSecret} whsec_${Buffer.alloc(32, 'old').toString('base64')}\n`);
  first.child.kill('SIGHUP');
  await enqueue(3);
  await untilTaken(3);
  await settle(first, paymentOf(1));
  await eventually(() => expect(takenOf(paymentOf(1))).toHaveLength(2));
  expect(takenOf(paymentOf(1)).map(({ data }) => data['state'] ?? data['settled_at'])).toEqual([
    'acknowledged',
    expect.stringContaining('2026-') as string,
  ]);
  expect(shop.heard.at(-1)).toMatchObject({ signed: true, body: { type: 'fahuo.payment.settled.v1' } });

  // The shop is away, and the process dies while it is; an answer is on the wire when it dies.
  await shop.down();
  const later = Array.from({ length: 30 }, (_, at) => at + 10);
  await enqueue(...later);
  await eventually(async () => {
    const status = JSON.parse((await stack.run('status', '--json')).stdout) as {
      webhook: { waiting: number; reason: string };
    };
    expect(status.webhook.waiting).toBe(later.length);
    expect(status.webhook.reason).toContain('ECONNREFUSED');
  });
  shop.answer = () => false;
  await shop.up();
  const before = shop.heard.length;
  await eventually(() => expect(shop.heard.length).toBeGreaterThan(before));
  const cut = shop.heard.at(-1)!;
  await first.kill();
  await stack.database.pool.query(
    `update fahuo.webhook_delivery set next_attempt_at = now() where state = 'sending'`,
  );
  await stack.database.pool.query('update fahuo.webhook_endpoint set retry_at = now()'); // the leases that it held
  shop.answer = () => 204;
  const second = await start();
  await settle(second, paymentOf(10));
  await untilTaken(...later);
  await eventually(() => expect(takenOf(paymentOf(10))).toHaveLength(2));
  expect(takenOf(paymentOf(10))[0]!.data).toMatchObject({ state: 'acknowledged' });
  expect(takenOf(cut.payment).map(({ id }) => id)).toContain(cut.id);
  expect(shop.taken.length).toBe(new Set(shop.taken.map(({ id }) => id)).size);
  expect(shop.taken).toHaveLength(3 + 1 + later.length + 1);
  expect(await second.stop()).toBe(0);
});
