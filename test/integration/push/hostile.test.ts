import { afterAll, beforeAll, expect, it } from 'vitest';
import { runPushCampaign } from '../../campaign/push.ts';
import { createStack, type Stack } from '../../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await createStack({ partitions: 1 });
});
afterAll(() => stack.close());

/** `npm run campaign:push` is the same with 10,000 and 1,000, senders that stay slow, and a look at memory. */
it('refuses hostile requests of every kind, and keeps the genuine ones among them once each, at once', async () => {
  const options = { hostile: 420, genuine: 60, seed: 7, loaders: 2, slow: 0 };
  const report = await runPushCampaign(stack, options);
  expect(report).toMatchObject({
    hostile: 420,
    taken: {},
    genuine: 60,
    failed: [],
    notStoredOnce: 0,
    storedBesides: 0,
  });
  expect(report.sent).toBeGreaterThan(90);
  expect(report.slowestMs).toBeLessThan(4_000); // a second on a machine that does nothing else
}, 120_000);
