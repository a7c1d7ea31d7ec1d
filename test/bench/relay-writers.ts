import { createPool } from '../../db/client.ts';
import { answerRequests } from './child.ts';
import { eventText, freshNumber, paymentOf } from './outbox-rows.ts';

/** Clients as pgbench has them: each makes one transaction after the other, as fast as it can. */
const options = JSON.parse(process.argv[2]!) as { databaseUrl: string; clients: number; order: boolean };
const pool = createPool({
  databaseUrl: options.databaseUrl,
  max: options.clients,
  applicationName: 'writers',
  onError: () => undefined,
});
let next = freshNumber();

const enqueue = (text: string) => ({ name: 'enqueue', text: 'select fahuo.enqueue($1)', values: [text] });

/** As an order service does it: one transaction that changes the order and enqueues the event. */
async function shipOrder(payment: string, text: string): Promise<void> {
  const client = await pool.connect();
  await client.query('begin');
  await client.query({
    name: 'ship',
    text: `insert into bench_order (payment, state, shipped_at) values ($1, 'shipped', now())
      on conflict (payment) do update set state = 'shipped', shipped_at = now()`,
    values: [payment],
  });
  await client.query(enqueue(text));
  await client.query('commit');
  client.release();
}

answerRequests(async (request) => {
  const { seconds } = request as { seconds: number };
  const endMs = performance.now() + seconds * 1_000;
  let written = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      next += 1;
      const text = eventText(`w${process.pid}-${next}`, paymentOf(next));
      if (options.order) await shipOrder(paymentOf(next), text);
      else await pool.query(enqueue(text));
      written += 1;
    }
  };
  await Promise.all(Array.from({ length: options.clients }, client));
  return { written };
});
