import { parseArgs } from 'node:util';
import { startParts } from '../../src/parts/start.ts';
import { isCleanOfReceipts, runReceiptCampaign, type ReceiptReport } from './receipts.ts';

/** `npm run campaign:receipts -- --seed 1 --seeds 10 --payments 500 --kills 40`: fails unless all is zero. */
const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    payments: { type: 'string', default: '200' },
    kills: { type: 'string', default: '20' },
    patience: { type: 'string', default: '120' },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const listOf = (tally: Readonly<Record<string, number>>): string =>
  Object.entries(tally)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

function tell(report: ReceiptReport): void {
  say(`${isCleanOfReceipts(report) ? 'clean ' : 'FAILED'} seed ${report.seed}: ${listOf(report.faults)}`);
  say(`       ${listOf(report.counts)}, ${report.seconds.toFixed(1)} s`);
  say(`       faults: ${listOf(report.injected)}`);
}

const parts = await startParts({ databaseUrl: process.env['DATABASE_URL'], needRedis: false });
let clean = true;
for (let seed = Number(flags.seed); seed < Number(flags.seed) + Number(flags.seeds); seed++) {
  const report = await runReceiptCampaign(parts.databaseUrl, {
    seed,
    payments: Number(flags.payments),
    kills: Number(flags.kills),
    patienceMs: Number(flags.patience) * 1_000,
  });
  tell(report);
  clean &&= isCleanOfReceipts(report);
}
await parts.stop();
process.exitCode = clean ? 0 : 1;
