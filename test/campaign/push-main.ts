import { parseArgs } from 'node:util';
import { startParts } from '../../src/parts/start.ts';
import { createStack } from '../support/stack.ts';
import { runPushCampaign } from './push.ts';

/**
 * `npm run campaign:push -- --hostile 10000 --genuine 1000`: fails when a hostile request is taken, a genuine one is not
 * kept once or not answered within a second, a slow one is not cut off, or the receiver's memory grows.
 */
const { values: flags } = parseArgs({
  options: {
    hostile: { type: 'string', default: '10000' },
    genuine: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    loaders: { type: 'string', default: '4' },
    slow: { type: 'string', default: '50' },
  },
});
const parts = await startParts({
  databaseUrl: process.env['DATABASE_URL'],
  kafkaBrokers: process.env['KAFKA_BROKERS'],
  needRedis: false,
});
const stack = await createStack({
  services: { databaseUrl: parts.databaseUrl, kafkaBrokers: parts.kafkaBrokers },
});
const report = await runPushCampaign(stack, {
  hostile: Number(flags.hostile),
  genuine: Number(flags.genuine),
  seed: Number(flags.seed),
  loaders: Number(flags.loaders),
  slow: Number(flags.slow),
});
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
/** Node's heap takes its size with the first load; what grows on after that is kept by somebody. */
const [mid, end] = [report.memoryMb[4] ?? 0, report.memoryMb.at(-1) ?? 0];
const bad =
  Object.keys(report.taken).length > 0 ||
  report.failed.length + report.notStoredOnce + report.storedBesides + report.slowLeft > 0 ||
  report.slowestMs > 1_000 ||
  end - mid > 16;
process.stdout.write(bad ? 'FAILED\n' : 'good\n');
process.exitCode = bad ? 1 : 0;
await stack.close();
await parts.stop();
