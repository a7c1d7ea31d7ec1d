import { Pool, type PoolClient } from 'pg';
import { sleep } from '../../src/clock.ts';
import { answerRequests } from './child.ts';
import { debeziumInsert } from './debezium-connect.ts';
import { dataTemplate, eventText, paymentOf } from './outbox-rows.ts';
import type { Committed, WriteRequest } from './road-load.ts';

/** The order service: each transaction marks some orders as shipped and writes their events, into one outbox or the other. */
const options = JSON.parse(process.argv[2]!) as {
  databaseUrl: string;
  clients: number;
  outbox: 'fahuo' | 'debezium';
};
/** Without a limit to the wait for a client: commits that come late are what is measured. */
const pool = new Pool({
  connectionString: options.databaseUrl,
  max: options.clients,
  application_name: 'orders',
});

const shipOrders = {
  name: 'ship',
  text: `insert into bench_order (payment, state, shipped_at) select p, 'shipped', now() from unnest($1::text[]) p`,
};

const writeEvents = {
  fahuo: async (client: PoolClient, payments: readonly string[]): Promise<void> => {
    const texts = payments.map((payment) => eventText(payment, payment));
    await client.query({
      name: 'enqueue',
      text: 'select fahuo.enqueue(t) from unnest($1::text[]) t',
      values: [texts],
    });
  },
  debezium: async (client: PoolClient, payments: readonly string[]): Promise<void> => {
    await client.query({
      name: 'debezium',
      text: `${debeziumInsert} from unnest($2::text[], $2::text[]) x(e, p)`,
      values: [dataTemplate, payments],
    });
  },
}[options.outbox];

async function commit(payments: readonly string[]): Promise<void> {
  const client = await pool.connect();
  await client.query('begin');
  await client.query({ ...shipOrders, values: [payments] });
  await writeEvents(client, payments);
  await client.query('commit');
  client.release();
}

const paymentsFrom = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => paymentOf(first + index));

/** At a steady rate, whatever the commits take. Of each commit: its first number, how many, and when it returned. */
async function writePaced({ first, perSecond = 0, perCommit, seconds }: WriteRequest): Promise<Committed[]> {
  const everyMs = (1_000 * perCommit) / perSecond;
  const committed: Committed[] = [];
  const open = new Set<Promise<void>>();
  const startMs = performance.now();
  for (let commits = 0; commits * everyMs < seconds * 1_000;) {
    while (commits * everyMs <= performance.now() - startMs) {
      const from = first + commits++ * perCommit;
      const written = commit(paymentsFrom(from, perCommit)).then(() => {
        committed.push({ first: from, count: perCommit, atMs: Date.now() });
        open.delete(written);
      });
      open.add(written);
    }
    await sleep(1);
  }
  await Promise.all(open);
  return committed;
}

/** As fast as it goes: some clients, while no more than `ahead` events have no answer yet. */
async function writeAhead({
  first,
  perCommit,
  seconds,
  ahead = 0,
  answers = '',
}: WriteRequest): Promise<Committed[]> {
  const answered = async (): Promise<number> => {
    const { requests } = (await (await fetch(answers)).json()) as {
      requests: { upload?: Record<string, number> };
    };
    return requests.upload?.['0'] ?? 0;
  };
  const before = await answered();
  const endMs = performance.now() + seconds * 1_000;
  let next = first;
  let room = ahead;
  const client = async (): Promise<void> => {
    while (performance.now() < endMs) {
      if (next - first >= room) {
        await sleep(2);
        continue;
      }
      const from = next;
      next += perCommit;
      await commit(paymentsFrom(from, perCommit));
    }
  };
  const watch = async (): Promise<void> => {
    while (performance.now() < endMs) {
      room = ahead + (await answered()) - before;
      await sleep(100);
    }
  };
  await Promise.all([watch(), ...Array.from({ length: 4 }, client)]);
  return [{ first, count: next - first, atMs: Date.now() }];
}

answerRequests((request) => {
  const wanted = request as WriteRequest;
  return wanted.perSecond === undefined ? writeAhead(wanted) : writePaced(wanted);
});
