import { createPool } from '../../db/client.ts';
import { answerRequests } from './child.ts';
import { eventText, paymentOf } from './outbox-rows.ts';

/** Clients as pgbench has them: each enqueues one event a transaction and waits for its commit, as fast as it can. */
const options = JSON.parse(process.argv[2]!) as { databaseUrl: string; clients: number };
const pool = createPool({
  databaseUrl: options.databaseUrl,
  max: options.clients,
  applicationName: 'writers',
  onError: () => undefined,
});
let next = 0;

answerRequests(async (request) => {
  const { seconds } = request as { seconds: number };
  const endMs = performance.now() + seconds * 1_000;
  let written = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      next += 1;
      const text = eventText(`w${process.pid}-${next}`, paymentOf(next));
      await pool.query({ name: 'enqueue', text: 'select fahuo.enqueue($1)', values: [text] });
      written += 1;
    }
  };
  await Promise.all(Array.from({ length: options.clients }, client));
  return { written };
});
