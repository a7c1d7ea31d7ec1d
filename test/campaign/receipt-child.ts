import { systemClock } from '../../src/clock.ts';
import { runReceipts } from '../../src/receipt/run.ts';
import { createReceipts, receiptsPool } from '../support/receipts.ts';

/** Receipts in a process of its own, to be killed: `node receipt-child.ts '{"databaseUrl","wechat","instance"}'`. */
const given = JSON.parse(process.argv[2] ?? '{}') as {
  databaseUrl: string;
  wechat: string;
  instance: string;
};
const pool = receiptsPool(given.databaseUrl);
const { deps, options } = createReceipts(pool, { ...given, callTimeoutMs: 300, clock: systemClock });
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.stdout.write('ready\n');
await runReceipts(
  deps,
  {
    ...options,
    marginMs: 300,
    timing: { ...options.timing, waitMinMs: 50, waitMaxMs: 400 },
    trace: { ...options.trace, timing: { ...options.trace.timing, queryMinMs: 50, queryMaxMs: 200 } },
  },
  stop.signal,
);
process.exit(0);
