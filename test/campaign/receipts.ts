import { spawn, type ChildProcess } from 'node:child_process';
import { monotonicMs, sleep, systemClock } from '../../src/clock.ts';
import { phoneSealKey } from '../../src/receipt/phone.ts';
import type { FaultRule } from '../../src/sandbox/faults.ts';
import { createSandbox } from '../../src/sandbox/run.ts';
import { sealPhone } from '../../src/shipment/sealed-phone.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { acceptEvents } from '../support/accept.ts';
import { appid, receivedEvent, shippedEvent } from '../support/events.ts';
import { createRandom } from '../support/random.ts';
import { requestsOf, statsOf, tellSandbox } from '../support/sandbox-client.ts';
import { insertPending } from '../support/uploader.ts';
import { judgeReceipts, type ReceiptEvidence, type ReceiptFaults } from './receipt-check.ts';

export type ReceiptCampaign = { seed: number; payments: number; kills: number; patienceMs?: number };
export type ReceiptReport = {
  seed: number;
  faults: ReceiptFaults;
  /** What was met, so that a zero is one of something. */
  counts: Record<string, number>;
  injected: Record<string, number>;
  seconds: number;
};

const instances = ['one', 'two'];
const phone = '13912345678';

const onCalls = (endpoint: FaultRule['endpoint'], rate: number): object[] => [
  { endpoint, kind: 'lost_answer', rate },
  { endpoint, kind: 'reset_before', rate },
  { endpoint, kind: 'status', status: 502, committed: true, rate },
  { endpoint, kind: 'garbage', rate },
  { endpoint, kind: 'half_json', rate },
  { endpoint, kind: 'no_errcode', rate },
  { endpoint, kind: 'delay', ms: 500, committed: true, rate: rate / 2 },
  { endpoint, kind: 'errcode', errcode: -1, committed: true, rate },
];
const weather = [
  ...onCalls('notify', 0.06),
  { endpoint: 'notify', kind: 'errcode', errcode: 10060028, rate: 0.05 },
  ...onCalls('get_order', 0.02),
  ...onCalls('trace_waybill', 0.04),
  ...onCalls('query_trace', 0.04),
];

/**
 * Two processes with the receipts of one app, killed (kill -9) at any moment and started again, against a WeChat with
 * faults on each of its calls. Half of the payments are asked for by the shop, by its function or by an event, half by their
 * parcels. When all that can
 * end has ended, the buyers confirm, and what was unknown ends.
 */
export async function runReceiptCampaign(server: string, options: ReceiptCampaign): Promise<ReceiptReport> {
  const startedAtMs = monotonicMs();
  const random = createRandom(options.seed);
  const database = await createDatabase(server);
  const sandbox = await createSandbox(
    { autoCreatePayments: true, keepRequests: true, latencyMs: 20, seed: options.seed },
    systemClock,
  );
  const names = await prepare(database, sandbox.url, options);
  const startOne = (instance: string): Promise<ChildProcess> => start(database.url, sandbox.url, instance);
  const children = await Promise.all(instances.map(startOne));
  try {
    for (let round = 0; round <= options.kills; round++) {
      await askFor(database, slice(names, round, options.kills + 1));
      if (round === options.kills) break;
      await sleep(10 + random() * 150); // reads and calls of these are on the wire
      const at = Math.floor(random() * children.length);
      await end(children[at]!, 'SIGKILL');
      children[at] = await startOne(instances[at]!);
    }
    const patienceMs = options.patienceMs ?? 60_000;
    await quiet(database, ['unknown'], patienceMs);
    const unknown = await countStates(database);
    await tellSandbox(sandbox.url, 'faults', []);
    for (const payment of names.all)
      await tellSandbox(sandbox.url, 'payments', { transaction_id: payment, order_state: 3 });
    await quiet(database, [], patienceMs);
    const faults = judgeReceipts(await gather(database, sandbox.url, names));
    return {
      seed: options.seed,
      faults,
      counts: { ...unknown, ...(await countsOf(database)), kills: options.kills },
      injected: (await statsOf(sandbox.url)).faults,
      seconds: (monotonicMs() - startedAtMs) / 1000,
    };
  } finally {
    await Promise.all(children.map((child) => end(child, 'SIGKILL')));
    await sandbox.stop();
    await database.drop();
  }
}

type Names = { all: string[]; traced: string[] };

async function prepare(
  database: TestDatabase,
  wechat: string,
  { payments }: ReceiptCampaign,
): Promise<Names> {
  const all = Array.from({ length: payments }, (_, n) => `p${n + 1}`);
  const traced = all.filter((_, n) => n % 2 === 1);
  await insertPending(database.pool, { count: payments, name: 'p' });
  await database.pool.query("update fahuo.upload set state = 'acknowledged', finished_at = now()");
  for (const payment of all)
    await tellSandbox(wechat, 'console-ship', {
      ...shippedEvent({ payment }).data,
      shipping_list: [{ tracking_no: `SF1${payment}`, express_company: 'YTO', item_desc: '苹果' }],
      upload_time: new Date().toISOString(),
    });
  await tellSandbox(
    wechat,
    'parcels',
    traced.map((payment) => ({ tracking_no: `SF1${payment}`, statuses: [1, 2, 3, 4] })),
  );
  await sleep(1_100); // a receipt is later than the shipment, in whole seconds
  await tellSandbox(wechat, 'faults', weather);
  return { all, traced };
}

/** The payments of one round, so that every kill finds some at work. */
const slice = ({ all, traced }: Names, round: number, rounds: number): Names => {
  const some = all.filter((_, n) => n % rounds === round);
  return { all: some, traced: some.filter((payment) => traced.includes(payment)) };
};

/** By event every second one that the shop asks for, which comes twice, and once more under another id. */
const isByEvent = (payment: string): boolean => Number(payment.slice(1)) % 4 === 1;

async function sayByEvent({ pool }: TestDatabase, payment: string): Promise<void> {
  const event = receivedEvent({ payment, seconds: Math.floor(systemClock().getTime() / 1000) });
  const { dead } = await acceptEvents(pool, [event, event, { ...event, id: `${payment}-again` }]);
  if (dead > 0) throw new TypeError(`the event of ${payment} is a dead letter`);
}

async function askFor(database: TestDatabase, { all, traced }: Names): Promise<void> {
  const { pool } = database;
  for (const payment of all)
    if (traced.includes(payment)) {
      const sealed = sealPhone(phoneSealKey({ appid, secret: 's' }), { appid, payment }, phone);
      await pool.query('select fahuo.trace_receipt($1, $2, $3)', [appid, payment, sealed]);
    } else if (isByEvent(payment)) await sayByEvent(database, payment);
    else await pool.query('select fahuo.notify_receipt($1, $2, now())', [appid, payment]);
}

const child = new URL('./receipt-child.ts', import.meta.url).pathname;

async function start(databaseUrl: string, wechat: string, instance: string): Promise<ChildProcess> {
  const given = JSON.stringify({ databaseUrl, wechat, instance });
  const started = spawn(process.execPath, [child, given], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => started.stdout.once('data', resolve));
  return started;
}

async function end(process: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = new Promise((resolve) => process.once('exit', resolve));
  process.kill(signal);
  await ended;
}

/** Until no row is in another state than final, or one of these. */
async function quiet(database: TestDatabase, besides: readonly string[], patienceMs: number): Promise<void> {
  const untilMs = monotonicMs() + patienceMs;
  for (;;) {
    const { rows } = await database.pool.query<{ open: number }>(
      `select (select count(*) from fahuo.receipt where finished_at is null and not state::text = any($1))
         + (select count(*) from fahuo.trace where finished_at is null) as open`,
      [besides],
    );
    if (rows[0]?.open === 0 || monotonicMs() > untilMs) return;
    await sleep(100);
  }
}

async function countStates({ pool }: TestDatabase): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ lost: number; unknown: number }>(
    `select count(*) filter (where state = 'unknown' and not exists (select 1 from fahuo.receipt_call c
       where c.payment = r.payment and c.kind = 'notify')) as lost,
       count(*) filter (where state = 'unknown') as unknown from fahuo.receipt r`,
  );
  return { unknownFirst: rows[0]?.unknown ?? 0, killedInCall: rows[0]?.lost ?? 0 };
}

async function countsOf({ pool }: TestDatabase): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ name: string; count: number }>(
    `select state::text as name, count(*) as count from fahuo.receipt group by 1
     union all select kind::text || 'Calls', count(*) from fahuo.receipt_call group by 1`,
  );
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

async function gather(database: TestDatabase, wechat: string, names: Names): Promise<ReceiptEvidence> {
  const { pool } = database;
  const list = async <T extends object>(text: string): Promise<T[]> => (await pool.query<T>(text)).rows;
  const receipts = await (await fetch(`${wechat}/_sandbox/receipts`)).text();
  const effects = receipts.split('\n').filter((line) => line !== '');
  const kept = await list<{ text: string }>(
    `select t::text as text from fahuo.trace t union all select c::text from fahuo.receipt_call c
     union all select r::text from fahuo.receipt r`,
  );
  return {
    payments: names.all,
    traced: names.traced,
    rows: await list('select payment, state, sends from fahuo.receipt'),
    traces: await list('select payment, state, sealed_phone is not null as phone from fahuo.trace'),
    requests: (await requestsOf(wechat)).filter(({ endpoint }) => endpoint === 'notify'),
    effects: effects.map((line) => (JSON.parse(line) as { payment: string }).payment),
    clearPhones: kept.filter(({ text }) => text.includes(phone)).length,
  };
}

export const isCleanOfReceipts = ({ faults }: ReceiptReport): boolean =>
  Object.values(faults).every((count) => count === 0);
