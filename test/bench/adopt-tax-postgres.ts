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

/**
 * Two shops of one shape, one with the triggers, take turns by the quarter of a second: without, with, with, without. A
 * machine that grows faster or slower, and a neighbour on it, takes from both alike.
 */
const turnMs = 250;
const turns = ['plain', 'public', 'public', 'plain'] as const;
type Schema = (typeof turns)[number];
const clientCounts = [1, 4, 8] as const;

/** yudao's statement, with the guards that its ORM adds. */
const ship = (schema: Schema) => ({
  name: `ship_${schema}`,
  text: `update ${schema}.trade_order set status = 20, logistics_id = $2, logistics_no = $3, delivery_time = now(),
    update_time = now(), updater = '1' where deleted = 0 and (id = $1 and status = $4) and tenant_id = 1`,
});

/** yudao's order table with its own statement, on a Postgres of the benchmark's own or that of DATABASE_URL. */
export async function benchPostgresTax(sizes: TaxSizes): Promise<void> {
  const database = await openBenchDatabase();
  const shopsTables = await connectAlone(database.url, 'bench');
  const shop = await openShop(database.url);
  try {
    for (const schema of ['plain', 'public'] as const) await makeShop(shopsTables, schema, sizes.orders);
    await shop.run(await shop.planApply());
    say(
      `${database.version}, ${thousands(sizes.orders)} orders, synchronous_commit ${await syncOf(shopsTables)}`,
    );
    head(
      `shipping, medians of ${sizes.rounds} rounds of ${sizes.seconds} s`,
      'without triggers',
      'with triggers',
      'tax',
      'lowest and highest',
      'median statement',
    );
    for (const clients of clientCounts) await benchCase({ sizes, url: database.url, clients, waiting: 0 });
    await benchCase({ sizes, url: database.url, clients: 4, waiting: sizes.waiting });
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

async function makeShop(db: Queryable, schema: Schema, orders: number): Promise<void> {
  await db.query(`create schema if not exists ${schema}; set search_path = ${schema}`);
  await db.query(readFileSync('test/support/shops/yudao.sql', 'utf8'));
  await db.query(
    `insert into trade_order (id, no, terminal, user_id, status, product_count, pay_order_id, pay_status, pay_price,
       delivery_type, receiver_name, receiver_mobile, receiver_detail_address, tenant_id)
     select ${firstOrder} + i, 'O' || i, 20, i, 10, 1, i, true, 5900, 1, 'Zhang San', '13800000000', 'Some street 1', 1
     from generate_series(0, $1::int - 1) i`,
    [orders],
  );
  await db.query('vacuum analyze trade_order');
  await db.query('reset search_path');
}

async function syncOf(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ setting: string }>(
    `select current_setting('synchronous_commit') || ', fsync ' || current_setting('fsync') as setting`,
  );
  return rows[0]?.setting ?? '';
}

type Case = { sizes: TaxSizes; url: string; clients: number; waiting: number };

async function benchCase({ sizes, url, clients, waiting }: Case): Promise<void> {
  const writers = await Promise.all(Array.from({ length: clients }, () => connectAlone(url, 'bench')));
  if (waiting > 0) await letWait(writers[0]!, waiting);
  else await writers[0]!.query('truncate fahuo_adopt.touched');
  await shipInTurns(writers, sizes.orders, 1);
  const found: Shipped[] = [];
  for (let round = 0; round < sizes.rounds; round++)
    found.push(await shipInTurns(writers, sizes.orders, sizes.seconds));
  for (const writer of writers) await writer.end();
  const taxes = found.map(({ plain, public: watched }) => 1 - watched.perSecond / plain.perSecond);
  const of = (schema: Schema, figure: keyof Rate): number => median(found.map((one) => one[schema][figure]));
  say(
    row(
      `${clients} ${clients === 1 ? 'client' : 'clients'}${waiting > 0 ? `, fahuo away, ${thousands(waiting)} keys waiting` : ''}`,
      `${thousands(of('plain', 'perSecond'))}/s`,
      `${thousands(of('public', 'perSecond'))}/s`,
      tenths(median(taxes)),
      `${tenths(Math.min(...taxes))}, ${tenths(Math.max(...taxes))}`,
      `${of('plain', 'medianMs').toFixed(3)} and ${of('public', 'medianMs').toFixed(3)} ms`,
    ),
  );
}

const tenths = (share: number): string => `${(100 * share).toFixed(1)} %`;

const letWait = (db: Queryable, keys: number): Promise<unknown> =>
  db.query(
    `insert into fahuo_adopt.touched (kind, ref) select 'order_id', (${firstOrder} + i)::text from generate_series(1, $1::int) i`,
    [keys],
  );

type Rate = { perSecond: number; medianMs: number };
type Shipped = Record<Schema, Rate>;

async function shipInTurns(writers: readonly Queryable[], orders: number, seconds: number): Promise<Shipped> {
  const ms = { plain: [] as number[], public: [] as number[] };
  const spentMs = { plain: 0, public: 0 };
  for (let turn = 0; turn < (seconds * 1_000) / turnMs; turn++) {
    const schema = turns[turn % turns.length]!;
    const startMs = performance.now();
    await Promise.all(
      writers.map((writer, index) =>
        shipUntil(writer, { schema, orders, index, of: writers.length, ms: ms[schema] }),
      ),
    );
    spentMs[schema] += performance.now() - startMs;
  }
  const rateOf = (schema: Schema): Rate => ({
    perSecond: (ms[schema].length / spentMs[schema]) * 1_000,
    medianMs: median(ms[schema]),
  });
  return { plain: rateOf('plain'), public: rateOf('public') };
}

type Share = { schema: Schema; orders: number; index: number; of: number; ms: number[] };

let waybill = 0;
/** Where each client goes on. */
const turnsOf = new Map<string, number>();
const shipped = { plain: new Set<number>(), public: new Set<number>() };

/** The shop reads the order first, and its UPDATE names the state that it saw. */
function stateOf(schema: Schema, id: number): number {
  if (shipped[schema].has(id)) return 20;
  shipped[schema].add(id);
  return 10;
}

/** Each client ships orders of its own, one after the other, and again with another waybill: each UPDATE changes a row. */
async function shipUntil(writer: Queryable, { schema, orders, index, of, ms }: Share): Promise<void> {
  const own = Math.floor(orders / of);
  const place = `${schema} ${index}`;
  let turn = turnsOf.get(place) ?? 0;
  const untilMs = performance.now() + turnMs;
  for (let nowMs = performance.now(); nowMs < untilMs; turn++) {
    const id = firstOrder + index * own + (turn % own);
    await writer.query({ ...ship(schema), values: [id, 3, `780${++waybill}`, stateOf(schema, id)] });
    const endMs = performance.now();
    ms.push(endMs - nowMs);
    nowMs = endMs;
  }
  turnsOf.set(place, turn);
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
