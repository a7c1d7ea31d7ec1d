import { parseArgs } from 'node:util';
import { startParts } from '../../src/parts/start.ts';
import { fallSilent } from '../support/silence.ts';

/** `npm run campaign:silence -- --tries 10`: fails unless every role works again within a minute, every time. */
const { values: flags } = parseArgs({ options: { tries: { type: 'string', default: '10' } } });
const limitMs = 60_000;
const parts = await startParts({
  databaseUrl: process.env['DATABASE_URL'],
  kafkaBrokers: process.env['KAFKA_BROKERS'],
  needRedis: false,
});
let failed = 0;
for (let number = 1; number <= Number(flags.tries); number++) {
  const { named, worksAgainMs, aliveAgainMs } = await fallSilent(parts);
  const good = named.length > 0 && Math.max(worksAgainMs ?? Infinity, aliveAgainMs ?? Infinity) <= limitMs;
  if (!good) failed += 1;
  process.stdout.write(
    `${good ? 'good  ' : 'FAILED'} try ${number}: works again after ${worksAgainMs} ms, alive after ${aliveAgainMs} ms; /livez named ${named.join(', ')}\n`,
  );
}
await parts.stop();
process.exitCode = failed === 0 ? 0 : 1;
