import { afterAll, beforeAll, expect, it } from 'vitest';
import { startParts, type LocalServices } from '../../src/parts/start.ts';
import { runCampaign } from '../campaign/campaign.ts';

/** Services of its own: it kills them. */
let parts: LocalServices;
beforeAll(async () => {
  parts = await startParts({ needRedis: true });
});
afterAll(() => parts.stop());

// The first has a WeChat that merges parcel lists, the second one that overwrites them.
it.each([1, 2])(
  'seed %i: 500 events through faults, kills and restarts, each applied once, in order, and on record',
  async (seed) => {
    const report = await runCampaign(parts, { seed, events: 500, kills: 4 });
    console.log(JSON.stringify(report));
    expect(report.faults, `npm run campaign -- --seed ${seed} --events 500 --kills 4`).toEqual({
      lost: 0,
      effectsNotOne: 0,
      orderViolations: 0,
      reshipsWithoutCorrection: 0,
      attemptsWithoutRecord: 0,
      misrecorded: 0,
      overtaken: 0,
      bothKeysAtOnce: 0,
      heldOtherwise: 0,
      sentThoughFinished: 0,
      unrecorded: 0,
      unacknowledged: 0,
    });
    expect(Object.keys(report.injected).length).toBeGreaterThan(15);
  },
);
