import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { connectAlone, type Queryable } from '../../db/client.ts';
import { readAdoptFile } from '../../src/adopt/file.ts';
import { openPostgresShop } from '../../src/adopt/postgres/shop.ts';
import type { Shop } from '../../src/adopt/shop.ts';
import { FahuoError } from '../../src/errors.ts';
import { head, median, row, say, thousands } from './numbers.ts';
import { openBenchDatabase } from './services.ts';

export type TaxSizes = { orders: number; seconds: number; rounds: number; waiting: number };

const warmSeconds = 1;
/** Without, with, with, without: a machine that grows faster or slower takes from both alike. */
const turns = [false, true, true, false] as const;
const clientCounts = [1, 4, 8] as const;

/** yudao's statement, with the guards that its ORM adds. */
const ship = {
  name: 'ship',
  text: `update trade_order set status = 20, logistics_id = $2, logistics_no = $3, delivery_time = now(), update_time = now(),
    updater = '1' where deleted = 0 and (id = $1 and status = $4) and tenant_id = 1`,
};

/** yudao's order table with its own statement, on a Postgres of the benchmark's own or that of DATABASE_URL. */
export async function benchPostgresTax(sizes: TaxSizes): Promise<void> {
  const database = await openBenchDatabase();
  const shopsTables = await connectAlone(database.url, 'bench');
  const shop = await openShop(database.url);
  try {
    await shopsTables.query(readFileSync('test/support/shops/yudao.sql', 'utf8'));
    await addOrders(shopsTables, sizes.orders);
    say(
      `${database.version}, ${thousands(sizes.orders)} orders, synchronous_commit ${await syncOf(shopsTables)}`,
    );
    head(
      `shipping, medians of ${sizes.rounds} rounds of four times ${sizes.seconds} s`,
      'without triggers',
      'with triggers',
      'tax',
      'lowest and highest',
    );
    for (const clients of clientCounts)
      await benchCase({ shop, sizes, url: database.url, clients, waiting: 0 });
    await benchCase({ shop, sizes, url: database.url, clients: 4, waiting: sizes.waiting });
    await benchTaking(shop);
  } finally {
    await shop.close();
    await shopsTables.end();
    await database.drop();
  }
}

async function openShop(databaseUrl: string): Promise<Shop> {
  const read = readAdoptFile(readFileSync('test/support/shops/yudao.yaml', 'utf8'));
  if (read.kind === 'problems') throw new FahuoError('INVARIANT', JSON.stringify(read.problems));
  return openPostgresShop({ databaseUrl, file: read.file, log: pino({ level: 'silent' }) });
}

const firstOrder = 1_000_000;

async function addOrders(db: Queryable, orders: number): Promise<void> {
  await db.query(
    `insert into trade_order (id, no, terminal, user_id, status, product_count, pay_order_id, pay_status, pay_price,
       delivery_type, receiver_name, receiver_mobile, receiver_detail_address, tenant_id)
     select ${firstOrder} + i, 'O' || i, 20, i, 10, 1, i, true, 5900, 1, 'Zhang San', '13800000000', 'Some street 1', 1
     from generate_series(0, $1::int - 1) i`,
    [orders],
  );
  await db.query('vacuum analyze trade_order');
}

async function syncOf(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ setting: string }>(
    `select current_setting('synchronous_commit') || ', fsync ' || current_setting('fsync') as setting`,
  );
  return rows[0]?.setting ?? '';
}

type Case = { shop: Shop; sizes: TaxSizes; url: string; clients: number; waiting: number };

async function benchCase({ shop, sizes, url, clients, waiting }: Case): Promise<void> {
  const writers = await Promise.all(Array.from({ length: clients }, () => connectAlone(url, 'bench')));
  const found: { without: number; with: number }[] = [];
  for (let round = 0; round < sizes.rounds; round++) {
    const sum = { without: 0, with: 0 };
    for (const withTriggers of turns) {
      await shop.run(await shop.planUndo());
      if (withTriggers) await shop.run(await shop.planApply());
      if (withTriggers && waiting > 0) await letWait(writers[0]!, waiting);
      await writers[0]!.query('vacuum trade_order');
      await writers[0]!.query('checkpoint');
      await shipFor(writers, sizes.orders, warmSeconds);
      sum[withTriggers ? 'with' : 'without'] += (await shipFor(writers, sizes.orders, sizes.seconds)) / 2;
    }
    found.push(sum);
  }
  for (const writer of writers) await writer.end();
  const taxes = found.map((one) => 1 - one.with / one.without);
  say(
    row(
      `${clients} ${clients === 1 ? 'client' : 'clients'}${waiting > 0 ? `, fahuo away, ${thousands(waiting)} keys waiting` : ''}`,
      `${thousands(median(found.map((one) => one.without)))}/s`,
      `${thousands(median(found.map((one) => one.with)))}/s`,
      tenths(median(taxes)),
      `${tenths(Math.min(...taxes))}, ${tenths(Math.max(...taxes))}`,
    ),
  );
}

const tenths = (share: number): string => `${(100 * share).toFixed(1)} %`;

const letWait = (db: Queryable, keys: number): Promise<unknown> =>
  db.query(
    `insert into fahuo_adopt.touched (kind, ref) select 'order_id', (${firstOrder} + i)::text from generate_series(1, $1::int) i`,
    [keys],
  );

let shipped = 0;

/** Transactions a second; each client ships its own orders, one after the other, and again with another waybill. */
async function shipFor(writers: readonly Queryable[], orders: number, seconds: number): Promise<number> {
  let done = 0;
  const startMs = performance.now();
  const untilMs = startMs + seconds * 1_000;
  await Promise.all(
    writers.map(async (writer, index) => {
      const own = Math.floor(orders / writers.length);
      for (let turn = 0; performance.now() < untilMs; turn++) {
        const id = firstOrder + index * own + (turn % own);
        const values = [id, 3, `780${++shipped}`, statusOf(id)];
        await writer.query({ ...ship, values });
        done++;
      }
    }),
  );
  return (done / (performance.now() - startMs)) * 1_000;
}

const known = new Map<number, number>();
/** The shop reads the order first, and its UPDATE names the state that it saw. */
function statusOf(id: number): number {
  const status = known.get(id) ?? 10;
  known.set(id, 20);
  return status;
}

/** How fast what waits is taken and forgotten, in the batches of the loop. */
async function benchTaking(shop: Shop): Promise<void> {
  const startMs = performance.now();
  let keys = 0;
  for (;;) {
    const touched = await shop.takeTouched(500, null);
    if (touched.length === 0) break;
    await shop.readParts(touched);
    await shop.forgetTouched(touched.map(({ id }) => id));
    keys += touched.length;
  }
  const perSecond = (keys / (performance.now() - startMs)) * 1_000;
  say(`\ntaken, read and forgotten: ${thousands(keys)} keys, ${thousands(perSecond)}/s`);
}
