import { parseArgs } from 'node:util';
import type { Connection } from '../../db/client.ts';
import { readRivals } from '../../src/upload/insert-store.ts';
import { record } from '../../src/upload/record-store.ts';
import { claimPending } from '../../src/upload/claim-store.ts';
import type { LeasedRow } from '../../src/upload/row.ts';
import { accepted } from '../support/decided.ts';
import { appid } from '../support/events.ts';
import { startBench, type Bench } from './bench-parts.ts';
import { measureReads, ownQuery, prepareReads, type Reads, type ReadSide } from './flat-reads.ts';
import { fillDatabase, sizeOf } from './flat-tables.ts';
import { head, median, percent, row, say, thousands } from './numbers.ts';
import { dataTemplate, paymentOf } from './outbox-rows.ts';
import { drainRelay } from './relay-drain.ts';

/**
 * Relay, claim and acknowledge, a redelivery through the group, and what people ask, with few and with many rows in the
 * tables: two databases of one server, in turns.
 */
const { values: flags } = parseArgs({
  options: {
    small: { type: 'string', default: '1000000' },
    large: { type: 'string', default: '20000000' },
    events: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '6' },
  },
});
const events = Number(flags.events);
const batch = 256;

type Rates = Record<'relay' | 'claim' | 'acknowledge', number>;
type Side = {
  database: Bench;
  relay: Awaited<ReturnType<Bench['fahuo']>>;
  reads: ReadSide;
  rates: (Rates & Reads)[];
};
let round = 0;

async function insertPending({ pool }: Bench, count: number): Promise<void> {
  round += 1;
  await pool.query(
    `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
       body, body_hash)
     select $1, 'new' || $2 || '-' || n, 1, 'shipped', 'new' || $2 || '-' || n, '/orders', '2026-11-23T10:00:00+08:00', 'new',
       0, n, replace($3, 'PAYMENT', '${paymentOf(1)}'), md5(n::text) from generate_series(1, $4::int) n`,
    [appid, `${round}`, dataTemplate, count],
  );
}

const perSecond = (count: number, startMs: number): number => (count / (performance.now() - startMs)) * 1_000;

async function measure(database: Bench, relayPid: number): Promise<Rates> {
  const { rate: relay } = await drainRelay(database, relayPid, { events, prefix: `flat${round}` });
  const count = 20_000;
  await insertPending(database, count);
  await database.pool.query('checkpoint');
  const held: LeasedRow[][] = [];
  let startMs = performance.now();
  for (;;) {
    const claimed = await claimPending(database.pool, claim);
    if (claimed.length === 0) break;
    held.push(claimed);
  }
  const claimRate = perSecond(count, startMs);
  startMs = performance.now();
  for (const rows of held)
    await record(database.pool, 'acknowledge', rows.map(accepted), {
      owner: 'bench',
      acknowledgements: false,
    });
  return { relay, claim: claimRate, acknowledge: perSecond(count, startMs) };
}

const claim = {
  appid,
  owner: 'bench',
  leaseMs: 600_000,
  limit: batch,
  acknowledgements: false,
  dueSinceMs: null,
};

/** What the server does for one batch, with what it touched. */
async function explain(database: Bench): Promise<void> {
  await insertPending(database, 1_000);
  const connection = await database.pool.connect();
  const show = async (name: string, statement: string): Promise<void> => {
    const { rows } = await connection.query<Record<'QUERY PLAN', string>>(
      `explain (analyze, buffers, costs off, timing off) ${statement}`,
    );
    say(`\n${name}\n${rows.map((line) => `  ${line['QUERY PLAN']}`).join('\n')}`);
  };
  const { rows } = await connection.query<{ cursor: number }>('select cursor from fahuo.relay_cursor');
  const after = (rows[0]?.cursor ?? 0) - 1_000;
  await show(
    'relay, one read',
    `select id, data from fahuo.outbox where id > ${after} and id <= ${after + 1_000} order by id limit 1000`,
  );
  await connection.query('begin');
  const held = await claimPending(connection, claim);
  await show('claim', `execute claim_pending('${appid}', ${batch}, 'bench', 600000, null)`);
  await record(connection, 'acknowledge', held.map(accepted), {
    owner: 'bench',
    acknowledgements: true,
  });
  await connection.query('rollback; begin');
  const again = await claimPending(connection, claim);
  const rowsJson = JSON.stringify(again.map(({ id, epoch }) => ({ id, epoch, from: 'uploading' })));
  await show('acknowledge', `execute upload_acknowledge_telling('${rowsJson}', 'bench', false)`);
  await connection.query('rollback');
  const uploads = await redeliveredUploads(connection);
  await readRivals(connection, uploads);
  const array = (values: string[]): string => `'{${values.join(',')}}'`;
  await show(
    'redelivery: what 500 rows that were left out meet',
    `execute read_rivals(${array(uploads.map((one) => one.event_id))}, ${array(uploads.map((one) => one.source))}, ${array(uploads.map((one) => one.appid))}, ${array(uploads.map((one) => one.payment))})`,
  );
  await show("README's own query", ownQuery.replace('$1', `'old777'`));
  connection.release();
}

async function redeliveredUploads(connection: Connection) {
  const { rows } = await connection.query<{
    event_id: string;
    source: string;
    appid: string;
    payment: string;
  }>(`select event_id, source, appid, payment from fahuo.upload where event_id = any($1)`, [
    Array.from({ length: 500 }, (_, at) => `old-${at * 31 + 1}`),
  ]);
  return rows;
}

const bench = await startBench();
try {
  await bench.pool.query(`alter system set max_wal_size = '8GB'`);
  await bench.pool.query('alter system set fsync = off');
  await bench.pool.query('select pg_reload_conf()');
  const few = await fillDatabase(bench, 'few', Number(flags.small));
  const many = await fillDatabase(bench, 'many', Number(flags.large));
  await bench.pool.query('alter system set fsync = on');
  await bench.pool.query('select pg_reload_conf()');
  await bench.pool.query('checkpoint');
  const sizes = [flags.small, flags.large].map((size) => `${thousands(Number(size))} rows`);
  say(`${sizes[0]} a table: ${await sizeOf(few)}; ${sizes[1]}: ${await sizeOf(many)}`);
  const start = async (name: string, database: Bench, size: number): Promise<Side> => {
    const env = { ...(await bench.topic(`flat-${name}`)), DATABASE_URL: database.databaseUrl };
    const reads = await prepareReads(database, name, size);
    return { database, relay: await bench.fahuo('relay', env), reads, rates: [] };
  };
  const sides = {
    few: await start('few', few, Number(flags.small)),
    many: await start('many', many, Number(flags.large)),
  };
  for (let number = 0; number <= Number(flags.rounds); number++) {
    // What the one leaves behind (dirty pages, a checkpoint) slows down the other: they take turns in being first.
    const turns = number % 2 === 0 ? [sides.few, sides.many] : [sides.many, sides.few];
    for (const { database, relay, reads, rates } of turns) {
      const measured = { ...(await measure(database, relay.pid)), ...(await measureReads(reads)) };
      if (number > 0) rates.push(measured);
    }
  }
  head(`medians of ${flags.rounds}`, ...sizes, 'of it');
  const names = [
    ...([
      'relay',
      'claim',
      'acknowledge',
      'redeliver',
      'dry run',
      'acknowledgements',
      'show',
      'status',
    ] as const),
  ];
  for (const name of names) {
    const of = ({ rates }: Side): number => median(rates.map((one) => one[name]));
    const [small, large] = [of(sides.few), of(sides.many)];
    say(row(name, `${thousands(small)}/s`, `${thousands(large)}/s`, percent(large / small)));
  }
  const rebalances = Object.values(sides).flatMap(({ rates }) => rates.map((one) => one.rebalances));
  say(`rebalances while 10,000 messages were redelivered: ${Math.max(...rebalances)} at most`);
  for (const { relay } of Object.values(sides)) await relay.stop();
  say(`\nplans at ${sizes[1]}`);
  await explain(many);
  await few.pool.end();
  await many.pool.end();
} finally {
  await bench.stop();
}
