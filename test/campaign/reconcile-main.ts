import { parseArgs } from 'node:util';
import { startParts } from '../../src/parts/start.ts';
import { isCleanReconcile, runReconcileCampaign } from './reconcile.ts';

/** `npm run campaign:reconcile -- --payments 5000 --seeds 10`: fails unless every seed is clean. */
const { values: flags } = parseArgs({
  options: {
    payments: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
  },
});
const parts = await startParts({
  databaseUrl: process.env['DATABASE_URL'],
  kafkaBrokers: process.env['KAFKA_BROKERS'],
  needRedis: false,
});
const { databaseUrl, kafkaBrokers } = parts;
let failed = 0;
for (let seed = Number(flags.seed); seed < Number(flags.seed) + Number(flags.seeds); seed += 1) {
  const { problems, ...counts } = await runReconcileCampaign({
    ...{ payments: Number(flags.payments), seed, waitMs: 600_000 },
    services: { databaseUrl, kafkaBrokers },
  });
  const isClean = isCleanReconcile({ problems, ...counts });
  if (!isClean) failed += 1;
  const line = Object.entries(counts).map(([name, value]) => `${name} ${value}`);
  process.stdout.write(`${isClean ? 'clean ' : 'FAILED'} seed ${seed}, ${line.join(', ')}\n`);
  for (const problem of problems) process.stdout.write(`  ${problem}\n`);
}
await parts.stop();
process.exitCode = failed === 0 ? 0 : 1;
