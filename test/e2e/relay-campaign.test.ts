import { afterAll, beforeAll, expect, it } from 'vitest';
import { startParts, type LocalServices } from '../../src/parts/start.ts';
import { relayMutations } from '../campaign/relay-mutations.ts';
import { isCleanRelay, runRelayCampaign, type RelayCampaignServices } from '../campaign/relay.ts';

/** Services of its own: it kills them. */
let parts: LocalServices;
let services: RelayCampaignServices;
beforeAll(async () => {
  parts = await startParts({ needRedis: false });
  services = { ...parts, kafka: parts.kafka!, postgres: parts.postgres! };
});
afterAll(() => parts.stop());

it.each([1, 2])(
  'seed %i: 1,500 events of 8 writers through faults and kills stand in the topic, in order, none lost, none rolled back',
  async (seed) => {
    const report = await runRelayCampaign(services, { seed, events: 1_500, troubles: 3, spreadMs: 4_000 });
    console.log(JSON.stringify(report));
    expect(report).toMatchObject({
      rows: 1_500,
      uploads: 1_500,
      lost: 0,
      notCommitted: 0,
      orderViolations: 0,
      changedRepeats: 0,
      journalMismatches: 0,
    });
    expect(isCleanRelay(report)).toBe(true);
  },
);

it.each([
  ['no-frontier', 'lost'],
  ['no-resend', 'lost'],
] as const)('sees the loss of a relay with the mutation %s', async (name, count) => {
  const report = await runRelayCampaign(services, {
    seed: 1,
    events: 2_000,
    troubles: 0,
    spreadMs: 6_000, // many sends, since a fault meets one in four of them
    mutation: relayMutations[name]!,
    patienceMs: 20_000,
  });
  expect(isCleanRelay(report)).toBe(false);
  expect(report[count]).toBeGreaterThan(0);
});
