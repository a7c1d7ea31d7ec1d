import { isDeepStrictEqual } from 'node:util';
import type { Pool } from '../../db/client.ts';
import { systemClock } from '../../src/clock.ts';
import { readMoney } from '../../src/payments/read-money.ts';
import { createSandbox } from '../../src/sandbox/run.ts';
import { eventually } from '../support/eventually.ts';
import { effectsOf, statsOf, tellSandbox } from '../support/sandbox-client.ts';
import type { FahuoProcess } from '../support/fahuo-process.ts';
import { appid, createStack, type Stack } from '../support/stack.ts';
import { differences, moneyOf, wrongSettlements, type Truth } from './reconcile-check.ts';
import { eventOf, hasEvent, planPayments, type Planned } from './reconcile-plan.ts';

export type ReconcileReport = {
  payments: number;
  /** Those that an event names. */
  events: number;
  /** Upload rows that were removed, or say acknowledged although nothing was sent. */
  unsent: number;
  console: number;
  refunded: number;
  open: number;
  /** Offered again, and sent since. */
  offered: number;
  /** Edits in the console: made, and on record. */
  edits: number;
  editsFound: number;
  /** Payments that the database has otherwise than the sandbox. */
  different: number;
  /** Whether `fahuo money` says what the sandbox's own record adds up to. */
  moneyEqual: boolean;
  /** Shipments by the API that an event made, and those that one made twice. */
  effects: number;
  doubled: number;
  /** Re-ship chances that fahuo spent. */
  reships: number;
  /** Reminders to confirm that were spent: nothing asked for one. */
  reminders: number;
  /** Of killed instances of the role, and of the receiver of pushes. */
  kills: number;
  /** Pushes: kept, never sent, and given up after three tries. */
  pushed: number;
  pushesLost: number;
  pushesGivenUp: number;
  /** Payments whose settlement, told by a push, is not the sandbox's. */
  settledWrong: number;
  problems: string[];
};

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const apartMs = 1_000;
const env = {
  FAHUO_RECONCILE_EVERY_MS: '400',
  FAHUO_RECONCILE_WHOLE_EVERY_MS: '400',
  FAHUO_RECONCILE_APART_MS: String(apartMs),
  FAHUO_RECONCILE_DAYS: '6',
  WECHAT_PUSH_TOKEN: 'token',
  WECHAT_PUSH_AES_KEY: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
  // The sandbox's clock is behind.
  FAHUO_PUSH_TOLERANCE_S: '0',
};
type Options = {
  payments: number;
  seed: number;
  services: { databaseUrl: string; kafkaBrokers: string };
  waitMs?: number;
};

/**
 * A shop's payments of three days, of which rows were removed by hand, some were shipped or edited in WeChat's console, and some
 * refunded. Everything up to the sweep happens a day and an hour ago, by the sandbox's clock. Then the role reconcile runs, and
 * is killed in the midst of its first pass. Pushes are lost, doubled and out of order, and their receiver is killed: what they
 * did not tell, the list tells.
 */
export async function runReconcileCampaign({
  payments,
  seed,
  services,
  waitMs = 120_000,
}: Options): Promise<ReconcileReport> {
  let behindMs = dayMs + hourMs;
  const clock = (): Date => new Date(systemClock().getTime() - behindMs);
  const sandbox = await createSandbox({}, clock);
  const stack = await createStack({ services, env: { ...env, WECHAT_BASE_URL: sandbox.url } });
  try {
    const plan = planPayments(payments, seed, clock().getTime());
    const receiver = await receivePushes(stack, sandbox.url);
    await prepare(stack, sandbox.url, { plan, waitMs, receiver });
    behindMs = 0;
    const kills = 1 + (await reconcileUntilQuiet(stack, waitMs));
    await eventually(() => expectPushesOver(stack, sandbox.url), waitMs);
    return await report(stack, sandbox.url, { plan, kills });
  } finally {
    await stack.close();
    await sandbox.stop();
  }
}

/** A receiver of pushes, on a port of its own; WeChat loses and repeats a fifth of them, and shuffles all. */
async function receivePushes(stack: Stack, url: string): Promise<FahuoProcess> {
  const receiver = await stack.start({ roles: 'push,console' });
  await tellSandbox(url, 'push-target', {
    ...{ appid, url: `${receiver.http}/wechat/push/${appid}`, token: env.WECHAT_PUSH_TOKEN },
    ...{ aes_key: env.WECHAT_PUSH_AES_KEY, loss_rate: 0.2, repeat_rate: 0.2, delay_ms: 1_500, retry_ms: 100 },
  });
  return receiver;
}

type Prepared = { plan: readonly Planned[]; waitMs: number };

async function prepare(
  stack: Stack,
  url: string,
  { plan, waitMs, receiver }: Prepared & { receiver: FahuoProcess },
): Promise<void> {
  const { pool } = stack.database;
  await inPieces(plan, (piece) => tellSandbox(url, 'payments', piece.map(paymentOf)));
  const events = plan.filter(hasEvent);
  await inPieces(events, (piece) =>
    pool.query('select fahuo.enqueue(text) from unnest($1::text[]) as text', [
      piece.map((one) => JSON.stringify(eventOf(one))),
    ]),
  );
  const road = await stack.start({ roles: 'relay,consume' });
  await eventually(() => expectCount(pool, 'true', events.length), waitMs);
  await road.stop();
  const keysOf = (fate: Planned['fate']) => plan.filter((one) => one.fate === fate).map(keyOf);
  await pool.query('delete from fahuo.upload where payment = any($1::text[])', [keysOf('removed')]);
  await pool.query(
    `update fahuo.upload set state = 'acknowledged', finished_at = now(), attempts = 1, upload_time = now() - interval '25 hours'
     where payment = any($1::text[])`,
    [keysOf('unsent')],
  );
  for (const one of plan.filter(({ fate }) => fate === 'console'))
    await tellSandbox(url, 'console-ship', { ...eventOf(one).data, upload_time: new Date().toISOString() });
  const uploader = await stack.start({ roles: 'upload' });
  const removed = keysOf('removed').length;
  await eventually(() => expectCount(pool, `state = 'acknowledged'`, events.length - removed), waitMs);
  await uploader.stop();
  await receiver.kill();
  await receivePushes(stack, url);
  for (const one of plan) await live(url, one);
}

const keyOf = ({ byMerchant, mchid, outTradeNo, id }: Planned): string =>
  byMerchant ? `${mchid}:${outTradeNo}` : id;

const paymentOf = (one: Planned): object => ({
  ...{ transaction_id: one.id, mchid: one.mchid, out_trade_no: one.outTradeNo, paid_amount: one.amount },
  ...{ pay_time: one.payTime, in_complaint: one.complaint },
});

/** What the buyer, the shop's staff and the shop do afterwards. */
async function live(url: string, one: Planned): Promise<void> {
  if (one.confirmed) await tellSandbox(url, 'confirm', { payment: one.id });
  if (one.fate === 'refunded' || one.fate === 'refunded_later')
    await tellSandbox(url, 'refund', { payment: one.id });
  if (one.fate !== 'edited') return;
  const parcel = { tracking_no: `YT${one.id}`, express_company: 'YTO', item_desc: '红富士苹果 5kg*1' };
  await tellSandbox(url, 'console-edit', { payment: one.id, shipping_list: [parcel] });
}

async function inPieces<T>(all: readonly T[], work: (piece: T[]) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < all.length; at += 500) await work(all.slice(at, at + 500));
}

async function expectCount(pool: Pool, where: string, wanted: number): Promise<void> {
  const { rows } = await pool.query<{ n: number }>(
    `select count(*)::int as n from fahuo.upload where ${where}`,
  );
  if (rows[0]?.n !== wanted) throw new TypeError(`${rows[0]?.n} of ${wanted} uploads are ${where}`);
}

/** One pass and the second reads; then another pass, which sees what was sent. The number of kills. */
async function reconcileUntilQuiet({ database: { pool }, start }: Stack, waitMs: number): Promise<number> {
  const roles = 'upload,reconcile';
  const first = await start({ roles });
  await eventually(
    () => expectTrue(pool, `select sum(listed) > 0 as ok from fahuo.reconcile_sweep`),
    waitMs,
    20,
  );
  await first.kill();
  const second = await start({ roles });
  await eventually(
    () =>
      expectTrue(
        pool,
        `select bool_and(finished_at is not null) and not exists (
           select from fahuo.reconcile_finding where ended_at is null and confirmed_at is null
         ) and not exists (select from fahuo.upload where finished_at is null) as ok from fahuo.reconcile_sweep where sweep = 'whole'`,
      ),
    waitMs,
  );
  const { rows } = await pool.query<{ now: Date }>('select clock_timestamp() as now');
  await eventually(
    () =>
      expectTrue(
        pool,
        `select bool_and(started_at > $1 and finished_at > started_at) as ok from fahuo.reconcile_sweep where sweep = 'whole'`,
        [rows[0]!.now],
      ),
    waitMs,
  );
  await second.stop();
  return 1;
}

type PushLine = { outcome: 'waiting' | 'taken' | 'lost' | 'given_up' };
const pushesOf = async (url: string): Promise<PushLine[]> =>
  (await (await fetch(`${url}/_sandbox/pushes`)).text())
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as PushLine]));

/** None is on its way, and what was taken is applied. */
async function expectPushesOver({ database: { pool } }: Stack, url: string): Promise<void> {
  if ((await pushesOf(url)).some(({ outcome }) => outcome === 'waiting')) throw new TypeError('pushes wait');
  await expectTrue(pool, 'select not exists (select from fahuo.push_event where applied_at is null) as ok');
}

async function expectTrue(pool: Pool, text: string, values: unknown[] = []): Promise<void> {
  const { rows } = await pool.query<{ ok: boolean | null }>(text, values);
  if (rows[0]?.ok !== true) throw new TypeError(`not yet: ${text}`);
}

type Reported = { plan: readonly Planned[]; kills: number };

async function report(
  { database: { pool }, topic }: Stack,
  url: string,
  { plan, kills }: Reported,
): Promise<ReconcileReport> {
  const now = systemClock();
  const truths = await truthsOf(url);
  const effects = (await effectsOf(url)).filter(({ byHand }) => !byHand);
  const wrong = await differences(pool, truths);
  const { places, deadlines, settles } = await readMoney(pool, { appid: null, now, limit: 0, topic });
  const wanted = moneyOf(truths, now);
  const moneyEqual = isDeepStrictEqual({ places, deadlines, settles }, wanted);
  const { rows } = await pool.query<{ offered: number; edits: number }>(
    `select coalesce(sum(offers), 0)::int as offered, (count(*) filter (where kind = 'console_edit' and confirmed_at is not null))::int as edits
     from fahuo.reconcile_finding`,
  );
  const pushes = await pushesOf(url);
  const outcomes = (outcome: string): number => pushes.filter((one) => one.outcome === outcome).length;
  const kept = await pool.query<{ n: number }>('select count(*)::int as n from fahuo.push_event');
  const shipped = Map.groupBy(effects, ({ payment }) => payment);
  const count = (...fates: Planned['fate'][]): number =>
    plan.filter(({ fate }) => fates.includes(fate)).length;
  return {
    payments: truths.length,
    events: plan.filter(hasEvent).length,
    unsent: count('removed', 'unsent'),
    console: count('console'),
    refunded: count('refunded', 'refunded_later'),
    open: count('open'),
    offered: rows[0]!.offered,
    edits: count('edited'),
    editsFound: rows[0]!.edits,
    different: wrong.length,
    moneyEqual,
    effects: effects.length,
    doubled: [...shipped.values()].filter((of) => of.length > 1).length,
    reships: effects.filter(({ kind }) => kind === 'reship').length,
    reminders: sum(Object.values((await statsOf(url)).requests['notify'] ?? {})),
    kills,
    pushed: kept.rows[0]!.n,
    pushesLost: outcomes('lost'),
    pushesGivenUp: outcomes('given_up'),
    settledWrong: await wrongSettlements(pool, truths),
    problems: [
      ...wrong.slice(0, 5),
      ...(moneyEqual
        ? []
        : [`money ${JSON.stringify({ places, deadlines, settles })} and not ${JSON.stringify(wanted)}`]),
    ],
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

async function truthsOf(url: string): Promise<Truth[]> {
  const text = await (await fetch(`${url}/_sandbox/payments`)).text();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Truth]));
}

/** Every number is what the plan makes it, and the zeros are zeros. */
export const isCleanReconcile = (report: ReconcileReport): boolean =>
  report.different === 0 &&
  report.moneyEqual &&
  report.doubled === 0 &&
  report.reships === 0 &&
  report.reminders === 0 &&
  report.settledWrong === 0 &&
  report.offered === report.unsent &&
  report.editsFound === report.edits &&
  report.effects === report.events;
