import { parseArgs } from 'node:util';
import { startParts } from '../../src/demo/parts/start.ts';
import { mutations } from './mutations.ts';
import { isClean, runCampaign, type Report } from './campaign.ts';

/** `npm run campaign -- --seed 1 --seeds 20 --events 5000`: all faults, kills and restarts; fails unless all is zero. */
const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    events: { type: 'string', default: '500' },
    kills: { type: 'string', default: '8' },
    mutation: { type: 'string' },
  },
});
const mutation = flags.mutation === undefined ? undefined : { sql: mutations[flags.mutation] ?? '' };
const parts = await startParts({ needRedis: true });
const line = (report: Report): string =>
  Object.entries(report)
    .map(([name, value]) => `${name} ${name === 'seconds' ? value.toFixed(1) : value}`)
    .join(', ');
let failed = 0;
for (let seed = Number(flags.seed); seed < Number(flags.seed) + Number(flags.seeds); seed++) {
  const report = await runCampaign(parts, {
    seed,
    events: Number(flags.events),
    kills: Number(flags.kills),
    ...(mutation === undefined ? {} : { mutation, patienceMs: 20_000 }),
  });
  if (!isClean(report)) failed += 1;
  process.stdout.write(`${isClean(report) ? 'clean ' : 'FAILED'} ${line(report)}\n`);
}
await parts.stop();
process.exitCode = failed === 0 ? 0 : 1;
