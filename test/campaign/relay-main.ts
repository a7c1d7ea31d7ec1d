import { parseArgs } from 'node:util';
import { startParts } from '../../src/parts/start.ts';
import { relayMutations } from './relay-mutations.ts';
import { isCleanRelay, runRelayCampaign, type RelayReport } from './relay.ts';

/** `npm run campaign:relay -- --seed 1 --seeds 20 --events 20000`: fails unless every seed is clean. */
const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    events: { type: 'string', default: '2000' },
    troubles: { type: 'string', default: '7' },
    mutation: { type: 'string' },
  },
});
const mutation = flags.mutation === undefined ? undefined : relayMutations[flags.mutation];
if (flags.mutation !== undefined && mutation === undefined) {
  process.stderr.write(`--mutation is one of ${Object.keys(relayMutations).join(', ')}\n`);
  process.exit(2);
}
/** The services are killed on purpose, so they are its own. */
const parts = await startParts({ needRedis: false });
const services = { ...parts, kafka: parts.kafka!, postgres: parts.postgres! };
const line = (report: RelayReport): string =>
  Object.entries(report)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
let failed = 0;
for (let seed = Number(flags.seed); seed < Number(flags.seed) + Number(flags.seeds); seed++) {
  const troubles = Number(flags.troubles);
  const report = await runRelayCampaign(services, {
    seed,
    events: Number(flags.events),
    troubles,
    spreadMs: 2_500 * troubles,
    ...(mutation === undefined ? {} : { mutation, patienceMs: 30_000 }),
  });
  if (!isCleanRelay(report)) failed += 1;
  process.stdout.write(`${isCleanRelay(report) ? 'clean ' : 'FAILED'} ${line(report)}\n`);
}
await parts.stop();
process.exitCode = failed === 0 ? 0 : 1;
