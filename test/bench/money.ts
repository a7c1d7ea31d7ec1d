import { parseArgs } from 'node:util';
import { createPool, type Pool } from '../../db/client.ts';
import { readMoney } from '../../src/payments/read-money.ts';
import { appid } from '../support/events.ts';
import { median, say, thousands } from './numbers.ts';
import { dataTemplate } from './outbox-rows.ts';
import { openBenchDatabase } from './services.ts';

/** `fahuo money` over many payments with their uploads beside them: how long one answer takes. */
const { values: flags } = parseArgs({
  options: {
    payments: { type: 'string', default: '1000000' },
    /** The part of them that is to ship: two days of a month's payments are 7 %. */
    open: { type: 'string', default: '0.1' },
    /** The part of them whose events name the merchant's numbers. */
    merchants: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '7' },
    keep: { type: 'boolean', default: false },
  },
});
const payments = Number(flags.payments);
const open = Number(flags.open);
const chunk = 250_000;
const merchants = Number(flags.merchants);

/** By `n`: an upload's name of its payment. */
const nameOf = `case when n % 1000 < ${Math.round(merchants * 1_000)} then '1900000001:T' || n else '42' || lpad(n::text, 26, '0') end`;

/** The newest are to ship, and a transaction's id begins with its day. Of a hundred that are to ship: seventy without an event, ten waiting, ten in conflict, ten acknowledged and not shown yet. */
async function fill(pool: Pool, from: number, to: number): Promise<void> {
  await pool.query(
    `insert into fahuo.payment (appid, transaction_id, mchid, out_trade_no, openid, amount_fen, paid_at, order_state, in_complaint,
       finish_count, logistics_type, shipped_at, settled_at, read_at)
     select $1, '42' || lpad(n::text, 26, '0'), '1900000001', 'T' || n, 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o', case when n % 100 <> 99 then 100 + n % 99900 end,
       case when is_open then now() - n % 4320 * interval '1 minute' else now() - (4320 + n % 40000) * interval '1 minute' end,
       case when is_open then 1 else (array[2, 2, 3, 4, 4, 4, 4, 4, 4, 5])[1 + n % 10] end, false, (not is_open)::int, 1,
       case when not is_open then now() - n % 14400 * interval '1 minute' end,
       case when not is_open and n % 10 between 3 and 8 then now() end, now()
     from generate_series($2::int, $3::int) n cross join lateral (select n > $4::int as is_open) o`,
    [appid, from, to, payments - payments * open],
  );
  await pool.query(
    `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
       body, body_hash, state, park_reason, attempts, upload_time, finished_at)
     select $1, ${nameOf}, 1, 'shipped', 'e' || n, '/orders', '2026-11-23T10:00:00+08:00', 't', n % 8, n / 8,
       replace($4, 'PAYMENT', '42' || lpad(n::text, 26, '0')), md5(n::text), state, case when state = 'parked' then 'conflict'::fahuo.park_reason end, 1,
       now(), case when state = 'acknowledged' then now() end
     from generate_series($2::int, $3::int) n cross join lateral (
       select case when n <= $5::int then 'acknowledged' when n % 10 = 7 then 'pending' when n % 10 = 8 then 'parked'
         else 'acknowledged' end::fahuo.upload_state as state) s
     where n <= $5::int or n % 10 >= 7`,
    [appid, from, to, dataTemplate, payments - payments * open],
  );
}

const database = await openBenchDatabase();
const pool = createPool({
  ...{ databaseUrl: database.url, max: 4, applicationName: 'bench', keyLookups: true },
  ...{ queryTimeoutMs: 600_000, onError: () => undefined },
});
try {
  for (let from = 1; from <= payments; from += chunk)
    await fill(pool, from, Math.min(payments, from + chunk - 1));
  await pool.query('update fahuo.noticed set upload_id = (select max(id) from fahuo.upload)');
  await pool.query('vacuum analyze');
  const times: number[] = [];
  let answer = await readMoney(pool, { appid: null, now: new Date(), limit: 20, topic: 'shipments' });
  for (let round = 0; round < Number(flags.rounds); round += 1) {
    const startMs = performance.now();
    answer = await readMoney(pool, { appid: null, now: new Date(), limit: 20, topic: 'shipments' });
    times.push(performance.now() - startMs);
  }
  const counted = Object.values(answer.places).reduce((sum, one) => sum + one.payments, 0);
  say(`${database.version}; ${thousands(counted)} payments, ${thousands(payments * open)} of them to ship`);
  say(
    `one answer: median ${Math.round(median(times))} ms, slowest ${Math.round(Math.max(...times))} ms of ${times.length}`,
  );
} finally {
  await pool.end();
  if (flags.keep) say(database.url);
  else await database.drop();
}
