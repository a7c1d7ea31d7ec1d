import { expect, inject, it } from 'vitest';
import { runReceiptCampaign } from '../../campaign/receipts.ts';

it(
  'no buyer is reminded twice, and nothing is lost, whatever dies or lies',
  { timeout: 120_000 },
  async () => {
    const { faults, counts } = await runReceiptCampaign(inject('databaseUrl'), {
      seed: 1,
      payments: 40,
      kills: 5,
    });
    expect(faults).toEqual({
      lost: 0,
      effectsNotOne: 0,
      calledAgain: 0,
      misrecorded: 0,
      withoutIntent: 0,
      tracesLost: 0,
      phonesKept: 0,
    });
    expect(counts['unknownFirst']).toBeGreaterThan(0);
    expect(counts['acknowledged']).toBeGreaterThan(0);
  },
);
