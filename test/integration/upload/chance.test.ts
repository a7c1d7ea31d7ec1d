import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inTransaction } from '../../../db/client.ts';
import { parkReasons } from '../../../db/states.ts';
import { systemClock } from '../../../src/clock.ts';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../../src/sandbox/run.ts';
import { insertAliases, putOffOtherKeys, readSiblingRows } from '../../../src/upload/alias-store.ts';
import { claimPending } from '../../../src/upload/claim-store.ts';
import { deletePauses, insertPause } from '../../../src/apps/pause-store.ts';
import { record } from '../../../src/upload/record-store.ts';
import { retryParked } from '../../../src/upload/verbs-store.ts';
import { defaultTiming, type Timing } from '../../../src/upload/timing.ts';
import { recordFacts } from '../../../src/payments/facts-store.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { runUploaderOn } from '../../support/uploader.ts';
import { accepted } from '../../support/decided.ts';
import { appid, shippedEvent, type LooseEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { requestsOf } from '../../support/sandbox-client.ts';
import { effectsOf, statsOf, tellSandbox } from '../../support/stack.ts';

const timing: Timing = {
  ...defaultTiming,
  leaseMs: 2_500,
  drainMs: 2_000,
  notVisibleFirstMs: 100,
  readAfterMs: 30,
  readGapMs: 50,
  retryMinMs: 20,
  retryMaxMs: 40,
};

let database: TestDatabase;
let sandbox: Sandbox;
let stop: AbortController;
let running: Promise<void>[];

const open = async (options: SandboxOptions = {}): Promise<void> => {
  sandbox = await createSandbox({ autoCreatePayments: true, ...options }, systemClock);
};
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  stop = new AbortController();
  running = [];
  await open();
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await sandbox.stop();
  await database.pool.query(
    'truncate fahuo.upload, fahuo.attempt, fahuo.payment_alias, fahuo.pause, fahuo.outbox, fahuo.dead_letter, fahuo.payment',
  );
});

function start(change: { instance?: string; timing?: Partial<Timing>; baseUrl?: string } = {}): void {
  const { baseUrl = sandbox.url, timing: changed, ...rest } = change;
  const options = { wechat: baseUrl, timing: { ...timing, ...changed }, callTimeoutMs: 600, ...rest };
  running.push(runUploaderOn(database.pool, options, stop));
}

const accept = (...events: object[]) => acceptEvents(database.pool, events);

const unified = (payment: string, version: number, text = '苹果'): LooseEvent => {
  const event = shippedEvent({ payment, version });
  event.data.shipping_list[0]!['item_desc'] = text;
  return event;
};
const split = (payment: string, version: number, parcels: string[], all = false): LooseEvent => {
  const event = shippedEvent({ payment, version });
  const [parcel] = event.data.shipping_list;
  event.data['delivery_mode'] = 2;
  event.data['is_all_delivered'] = all;
  event.data.shipping_list = parcels.map((tracking_no) => ({ ...parcel, tracking_no }));
  return event;
};
const corrected = (event: LooseEvent): LooseEvent => ({
  ...event,
  type: 'fahuo.shipment.corrected.v1',
  reason: 'wrong',
  approved_by: 'li',
});
const byHand = (event: LooseEvent) =>
  tellSandbox(sandbox.url, 'console-ship', { ...event.data, upload_time: '2026-01-01T00:00:00.000+08:00' });

/** One payment by both its keys, as the sandbox's get_order names them. */
const keysOf = (number: number): { transaction: string; merchant: string } => {
  const transaction = `42000${String(number).padStart(23, '0')}`;
  return { transaction, merchant: `1900000001:T${transaction}` };
};
/** The same event under the merchant's key. */
const underMerchant = (event: LooseEvent): LooseEvent => {
  const { transaction_id: transaction } = event.data['order_key'] as { transaction_id: string };
  const order_key = { order_number_type: 1, mchid: '1900000001', out_trade_no: `T${transaction}` };
  return { ...event, id: `m-${String(event['id'])}`, data: { ...event.data, order_key } };
};

type Row = {
  id: number;
  state: string;
  park_reason: string | null;
  attempts: number;
  detail: string | null;
  failed_reads: number;
};
const rowsOf = async (payment: string): Promise<Row[]> =>
  (
    await database.pool.query<Row>(
      `select id, state, park_reason, attempts, detail, failed_reads from fahuo.upload where payment = $1 order by version`,
      [payment],
    )
  ).rows;
const untilState = (payment: string, ...states: string[]): Promise<Row[]> =>
  eventually(async () => {
    const rows = await rowsOf(payment);
    expect(rows.map((row) => row.park_reason ?? row.state)).toEqual(states);
    return rows;
  }, 15_000);
const retry = async (payment: string): Promise<number> => {
  const rows = await rowsOf(payment);
  return retryParked(database.pool, [rows.at(-1)!.id]);
};
const claim = { dueSinceMs: null, appid, owner: 'test', leaseMs: 60_000, limit: 10, acknowledgements: true };
const effects = async () => (await statsOf(sandbox.url)).effects;
const reads = async (): Promise<number> => {
  const { rows } = await database.pool.query<{ n: number }>(
    `select count(*) as n from fahuo.attempt where kind = 'read'`,
  );
  return rows[0]!.n;
};

describe('the one chance of a payment', () => {
  it.each([0, 60_000])(
    'is not spent by a shipped event that changes delivery_mode, while reads lag by %i ms',
    async (lagMs) => {
      await tellSandbox(sandbox.url, 'rules', { read_lag_ms: lagMs });
      start();
      await accept(split('p', 1, ['a']));
      await untilState('p', 'acknowledged');
      await accept(unified('p', 2));
      const [, second] = await untilState('p', 'acknowledged', 'conflict');
      expect(second!.detail).toContain('another delivery_mode or logistics_type');
      expect(await effects()).toEqual({ ship: 1, add: 0, reship: 0 });
    },
  );

  it('is not spent by a shipped event of another logistics_type than somebody entered by hand', async () => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'reset_before', times: 1 });
    const pickUp = unified('p', 1);
    pickUp.data['logistics_type'] = 4;
    pickUp.data.shipping_list = [{ item_desc: '苹果' }];
    await byHand(split('p', 1, ['a']));
    await accept(pickUp);
    start();
    await untilState('p', 'conflict');
    expect((await effects()).reship).toBe(0);
  });

  it('is not spent by a first event of what WeChat was seen to hold as shipped, by a list or a push', async () => {
    for (const payment of ['listed', 'pushed']) await byHand(unified(payment, 1, '手工'));
    await recordFacts(database.pool, [
      { appid, transactionId: 'listed', orderState: 2, readAt: systemClock() },
      { appid, transactionId: 'pushed', shippedAt: systemClock() },
    ]);
    await accept(unified('listed', 1), unified('pushed', 1, '手工'));
    start();
    await untilState('listed', 'conflict');
    await untilState('pushed', 'acknowledged'); // it holds this very content
    expect(await effects()).toEqual({ ship: 2, add: 0, reship: 0 });
    expect((await requestsOf(sandbox.url)).length).toBe(0);
  });

  it('is spent by a correction that changes the mode of an unfinished payment, once', async () => {
    start();
    await accept(split('p', 1, ['a']));
    await untilState('p', 'acknowledged');
    await accept(corrected(unified('p', 2)));
    await untilState('p', 'acknowledged', 'acknowledged');
    await accept(split('p', 3, ['a', 'b']));
    await untilState('p', 'acknowledged', 'acknowledged', 'conflict');
    expect(await effects()).toEqual({ ship: 1, add: 0, reship: 1 });
  });

  it('is not spent by a row that was told "complete", nor by a later version of it, after an operator retried', async () => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'errcode', errcode: 10060002, times: 1 });
    start({ timing: { unreadableAfterMs: 200 } });
    await accept(unified('p', 1));
    await untilState('p', 'unreadable');
    await retry('p');
    await untilState('p', 'conflict');
    await accept(unified('p', 2));
    await untilState('p', 'conflict', 'conflict');
    await retry('p');
    await untilState('p', 'conflict', 'conflict');
    expect(await effects()).toEqual({ ship: 0, add: 0, reship: 0 });
  });

  it.each(parkReasons)(
    'is not spent by an operator who retries a row that was parked as %s',
    async (reason) => {
      await byHand(unified('p', 1, '别的'));
      await accept(unified('p', 1));
      await database.pool.query(
        `update fahuo.upload set state = 'parked', park_reason = $1, next_attempt_at = 'infinity'`,
        [reason],
      );
      expect(await retry('p')).toBe(1);
      start();
      await untilState('p', 'conflict');
      expect(await effects()).toEqual({ ship: 1, add: 0, reship: 0 });
    },
  );
});

describe('parcels that an event takes back', () => {
  it('are sent while the payment is not finished', async () => {
    await tellSandbox(sandbox.url, 'rules', { parcel_mode: 'overwrite' });
    start();
    await accept(split('p', 1, ['a', 'wrong']));
    await untilState('p', 'acknowledged');
    await accept(split('p', 2, ['a']));
    await untilState('p', 'acknowledged', 'acknowledged');
    const kinds = (await effectsOf(sandbox.url)).map((effect) => effect.kind);
    expect(kinds).toEqual(['ship', 'add']);
  });

  it('are no conflict where WeChat merged them into the last part', async () => {
    start();
    await accept(split('p', 1, ['a']));
    await untilState('p', 'acknowledged');
    await tellSandbox(sandbox.url, 'faults', { kind: 'lost_answer', times: 2 });
    await accept(split('p', 2, ['b'], true));
    await untilState('p', 'acknowledged', 'acknowledged');
    expect(await effects()).toEqual({ ship: 1, add: 1, reship: 0 });
  });

  it('are a conflict once the payment was finished with them', async () => {
    start();
    await accept(split('p', 1, ['a', 'wrong'], true));
    await untilState('p', 'acknowledged');
    await accept(split('p', 2, ['a'], true));
    await untilState('p', 'acknowledged', 'conflict');
    expect((await effects()).reship).toBe(0);
  });
});

describe('a claim that is slower than the whole upload of an earlier version', () => {
  /** It waits at a row of another payment, between what it saw and what it writes. */
  const slowClaim = `
    create function fahuo.wait_for_test() returns trigger language plpgsql as $$ begin
      if new.lease_owner = 'slow' and new.state = 'uploading' and new.payment = 'other' then
        perform pg_advisory_xact_lock(4242);
      end if;
      return new;
    end $$;
    create trigger wait_for_test before update on fahuo.upload for each row execute function fahuo.wait_for_test()`;
  afterEach(() => database.pool.query('drop function if exists fahuo.wait_for_test() cascade'));

  it('sends nothing by what it saw before: the row is read first, and the chance is not spent', async () => {
    await database.pool.query(slowClaim);
    const holder = await database.pool.connect();
    try {
      await holder.query('select pg_advisory_lock(4242)');
      await accept(unified('other', 1), unified('p', 2, '梨'));
      start({ instance: 'slow' });
      const waits = `select 1 from pg_locks where locktype = 'advisory' and not granted`;
      await eventually(async () => expect((await holder.query(waits)).rows).toHaveLength(1));
      await accept(unified('p', 1));
      start({ instance: 'quick' });
      const states = `select state from fahuo.upload where payment = 'p' and version = 1`;
      await eventually(async () => {
        expect((await holder.query(states)).rows[0]).toEqual({ state: 'acknowledged' });
      });
    } finally {
      await holder.query('select pg_advisory_unlock(4242)');
      holder.release();
    }
    await eventually(async () => {
      const { rows } = await database.pool.query(`select park_reason from fahuo.upload where version = 2`);
      expect(rows).toEqual([{ park_reason: 'conflict' }]);
    });
    const effects = await effectsOf(sandbox.url);
    expect(effects.map((effect) => effect.kind)).toEqual(['ship', 'ship']);
  });
});

describe('a payment under both its keys', () => {
  const { transaction, merchant } = keysOf(1);

  it('is read before its first send under the merchant key, and what the other key finished is not sent again', async () => {
    start();
    await accept(unified(transaction, 1));
    await untilState(transaction, 'acknowledged');
    await accept(underMerchant(unified(transaction, 2, '换了')));
    await untilState(merchant, 'conflict');
    await accept(underMerchant(unified(transaction, 3)));
    await untilState(merchant, 'superseded', 'acknowledged');
    expect(await effects()).toEqual({ ship: 1, add: 0, reship: 0 });
  });

  it('has one chance: a second correction under the other key is a conflict', async () => {
    start();
    await accept(unified(transaction, 1), corrected(unified(transaction, 2, '改正')));
    await untilState(transaction, 'acknowledged', 'acknowledged');
    await accept(underMerchant(corrected(unified(transaction, 3, '再改'))));
    await untilState(merchant, 'conflict');
    expect(await effects()).toEqual({ ship: 1, add: 0, reship: 1 });
  });

  it('never has two uploads on the wire at once, though both keys come at the same moment to two instances', async () => {
    await sandbox.stop();
    await open({ latencyMs: 20, keepRequests: true });
    // Longer than a read takes: what the read tells comes while the other key's upload is on the wire.
    await tellSandbox(sandbox.url, 'faults', { kind: 'delay', ms: 200, committed: true });
    const numbers = Array.from({ length: 25 }, (_, index) => index + 10);
    const events = numbers.flatMap((number) => {
      const { transaction: payment } = keysOf(number);
      return [split(payment, 1, ['a']), underMerchant(split(payment, 1, ['a', 'b']))];
    });
    // One payment under both names from the start: made by its first call, it would have another transaction.
    await tellSandbox(
      sandbox.url,
      'payments',
      numbers.map((number) => ({ transaction_id: keysOf(number).transaction, mchid: '1900000001' })),
    );
    start({ instance: 'one' });
    start({ instance: 'two' });
    for (let at = 0; at < events.length; at += 10) await accept(...events.slice(at, at + 10));
    await eventually(async () => {
      const { rows } = await database.pool.query(
        `select state, detail from fahuo.upload where state not in ('acknowledged', 'superseded')`,
      );
      expect(rows).toEqual([]);
    }, 20_000);
    const requests = await requestsOf(sandbox.url);
    const overlaps = numbers.filter((number) => {
      const own = requests.filter(({ payment }) => payment.includes(keysOf(number).transaction));
      return own.some((left) =>
        own.some(
          (right) =>
            left !== right &&
            left.startedAtMs <= right.startedAtMs &&
            right.startedAtMs < (left.endedAtMs ?? Infinity),
        ),
      );
    });
    expect(overlaps).toEqual([]);
    expect(requests.some(({ key }) => key.includes(`T${keysOf(10).transaction}`))).toBe(true);
  });

  const claim = {
    dueSinceMs: null,
    appid,
    owner: 'test',
    leaseMs: 60_000,
    limit: 10,
    acknowledgements: true,
  };
  const claimed = async () =>
    (await claimPending(database.pool, claim)).map(({ payment, version, history, loose }) => ({
      payment: payment === merchant ? 'merchant' : 'transaction',
      version,
      history,
      loose,
    }));
  const join = (transactionId: string | null = transaction) =>
    insertAliases(database.pool, { appid, payments: [merchant], transactionId, always: true });
  const due = () =>
    database.pool.query(`update fahuo.upload set next_attempt_at = now() where state = 'pending'`);

  it('costs no read where no read has told of a second key', async () => {
    await accept(unified(transaction, 1));
    expect(await claimed()).toEqual([{ payment: 'transaction', version: 1, history: false, loose: false }]);
  });

  it('is claimed in the order of versions over both keys, one at a time, and of one version in order of arrival', async () => {
    await join();
    await accept(underMerchant(split(transaction, 2, ['b'])), split(transaction, 2, ['c']));
    await accept(underMerchant(split(transaction, 1, ['a'])));
    const order = [];
    for (let turn = 0; turn < 3; turn++) {
      order.push(...(await claimed()));
      expect(await claimed()).toEqual([]);
      await database.pool.query(
        `update fahuo.upload set state = 'rejected', finished_at = now() where state = 'uploading'`,
      );
      await due();
    }
    expect(order.map(({ payment, version }) => `${payment} ${version}`)).toEqual([
      'merchant 1',
      'merchant 2',
      'transaction 2',
    ]);
    expect(order.map(({ history }) => history)).toEqual([true, true, true]);
  });

  it('is claimed at the very moment at which it is due, whichever way the column rounds it', async () => {
    await accept(unified(transaction, 1));
    for (let turn = 0; turn < 40; turn++) {
      const rows = await inTransaction(database.pool, async (tx) => {
        await tx.query(
          `update fahuo.upload set state = 'pending', lease_owner = null, lease_until = null, next_attempt_at = now()`,
        );
        return claimPending(tx, claim); // now() is the transaction's
      });
      expect(rows).toHaveLength(1);
    }
  });

  it('supersedes a row that is older than what the other key had acknowledged', async () => {
    await join();
    await accept(underMerchant(split(transaction, 2, ['a', 'b'])));
    await database.pool.query(
      `update fahuo.upload set state = 'acknowledged', finished_at = now() where state = 'pending'`,
    );
    await accept(split(transaction, 1, ['a']));
    expect(await claimed()).toEqual([]);
    expect((await rowsOf(transaction)).map((row) => row.state)).toEqual(['superseded']);
  });

  it('makes every transaction of its app read first while no read told which one it is', async () => {
    expect(await join(null)).toBe(true);
    await accept(unified(transaction, 1), unified(keysOf(2).transaction, 1));
    const loose = { payment: 'transaction', version: 1, history: true, loose: true };
    expect(await claimed()).toEqual([loose, loose]);
    expect(await join()).toBe(true);
    expect(await join(null)).toBe(false);
    expect(await join('another')).toBe(false);
    await accept(unified(keysOf(3).transaction, 1));
    expect(await claimed()).toEqual([{ ...loose, history: false, loose: false }]);
  });

  it('is joined by a transaction where rows have the other key, and only there', async () => {
    const told = { appid, payments: [merchant, 'm:other'], transactionId: transaction, always: false };
    expect(await insertAliases(database.pool, told)).toBe(false);
    await accept(underMerchant(unified(transaction, 1)));
    expect(await insertAliases(database.pool, told)).toBe(true);
    const { rows } = await database.pool.query('select payment, transaction_id from fahuo.payment_alias');
    expect(rows).toEqual([{ payment: merchant, transaction_id: transaction }]);
  });

  const row = { appid, payment: merchant };

  it('shows a claim of the other key that was not committed when it looked', async () => {
    await accept(unified(transaction, 1));
    await join();
    const connection = await database.pool.connect();
    await connection.query('begin');
    expect(await claimPending(connection, claim)).toHaveLength(1);
    const states = async (lock: boolean) =>
      (await readSiblingRows(database.pool, row, lock)).map((one) => one.state);
    expect(await states(false)).toEqual(['pending']);
    const looked = states(true);
    await eventually(async () => {
      const { rows } = await database.pool.query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
      expect(rows).toHaveLength(1);
    });
    await connection.query('commit');
    connection.release();
    expect(await looked).toEqual(['uploading']);
  });

  it('keeps rows of the other key from a claim that does not know of it yet, and no others', async () => {
    await accept(unified(transaction, 1), unified(keysOf(2).transaction, 7));
    await accept(underMerchant(unified(transaction, 9)));
    await join();
    await putOffOtherKeys(database.pool, row);
    const { rows } = await database.pool.query<{ version: number }>(
      'select version from fahuo.upload where next_attempt_at <= now() order by version',
    );
    expect(rows.map(({ version }) => version)).toEqual([7, 9]);
  });
});

describe('a read before a write that fails', () => {
  it('parks its row after its deadline, and an operator brings it back', async () => {
    start({ timing: { unreadableAfterMs: 300 } });
    await accept(split('p', 1, ['a']));
    await untilState('p', 'acknowledged');
    await tellSandbox(sandbox.url, 'faults', { kind: 'errcode', errcode: -1, endpoint: 'get_order' });
    await database.pool.query(`update fahuo.upload set received_at = now() - interval '9 days'`);
    await accept(split('p', 2, ['a', 'b']));
    const [, row] = await untilState('p', 'acknowledged', 'unreadable');
    expect(row!.detail).toContain('the read before the write failed');
    expect(await reads()).toBeGreaterThanOrEqual(10);
    await tellSandbox(sandbox.url, 'faults', []);
    await retry('p');
    await untilState('p', 'acknowledged', 'acknowledged');
    expect(await effects()).toEqual({ ship: 1, add: 1, reship: 0 });
  });

  it('waits longer each time', async () => {
    start({ timing: { retryMinMs: 100, retryMaxMs: 60_000 } });
    await accept(split('p', 1, ['a']));
    await untilState('p', 'acknowledged');
    await tellSandbox(sandbox.url, 'faults', { kind: 'errcode', errcode: -1, endpoint: 'get_order' });
    await accept(split('p', 2, ['a', 'b']));
    await eventually(async () => expect(await reads()).toBeGreaterThanOrEqual(4));
    const { rows } = await database.pool.query<{ ms: number }>(
      `select date_part('epoch', finished_at - lag(finished_at) over (order by id)) * 1000 as ms
       from fahuo.attempt where kind = 'read' order by id limit 4`,
    );
    const [, first, second, third] = rows.map(({ ms }) => ms);
    expect([first! >= 95, second! >= 195, third! >= 395]).toEqual([true, true, true]);
    const { rows: counted } = await database.pool.query(
      'select unread_since between received_at and clock_timestamp() as since from fahuo.upload where version = 2',
    );
    expect(counted).toEqual([{ since: true }]);
  });

  it('is not made while reads are paused, and costs neither an attempt nor a record', async () => {
    await accept(split('p', 1, ['a']));
    await database.pool.query(
      `update fahuo.upload set state = 'acknowledged', attempts = 1, finished_at = now()`,
    );
    await insertPause(database.pool, {
      appid,
      endpoint: 'read',
      errcode: 45009,
      reason: 'x',
      resumeAt: null,
    });
    await accept(split('p', 2, ['a', 'b']));
    start();
    await eventually(async () => {
      const row = (await rowsOf('p'))[1]!;
      expect(row).toMatchObject({ state: 'pending', attempts: 0 });
      expect(row.detail).toContain('reads are paused');
    });
    expect(await reads()).toBe(0);
    expect((await statsOf(sandbox.url)).requests['get_order']).toBeUndefined();
    await deletePauses(database.pool, appid);
    await untilState('p', 'acknowledged', 'acknowledged');
  });

  it('is on no record and ages nothing when it was never sent', async () => {
    await accept(split('p', 1, ['a']));
    await database.pool.query(
      `update fahuo.upload set state = 'unknown', attempts = 1, upload_time = now() - interval '9 days',
         first_sent_at = now() - interval '9 days', failed_reads = 40, unread_since = now() - interval '9 days'`,
    );
    start({ baseUrl: 'http://127.0.0.1:1' });
    await eventually(async () => expect((await rowsOf('p'))[0]!.detail).toContain('not read'));
    expect((await rowsOf('p'))[0]).toMatchObject({ state: 'unknown', failed_reads: 40 });
    expect(await reads()).toBe(0);
  });

  it('counts from the first of its kind, and an answered read ends the count', async () => {
    await accept(split('p', 1, ['a']), split('q', 1, ['a']));
    const rows = await claimPending(database.pool, claim);
    const [one, other] = rows;
    const options = { owner: 'test', acknowledgements: true };
    const seen = async () =>
      (
        await database.pool.query<{ n: number; since: boolean; sent: boolean }>(
          `select failed_reads as n, unread_since is not null as since, first_sent_at is not null as sent
           from fahuo.upload order by id`,
        )
      ).rows;
    const read = (outcome: string) => [{ ...accepted(one!).attempts[0]!, kind: 'read' as const, outcome }];
    await record(
      database.pool,
      'doubt',
      [
        {
          row: one!,
          from: 'uploading',
          attempts: [],
          transition: { to: 'unknown', readAfterMs: 0, absentReads: 0, failedReads: 3, detail: 'x' },
        },
      ],
      options,
    );
    await record(
      database.pool,
      'giveBack',
      [
        {
          row: other!,
          from: 'uploading',
          attempts: [],
          transition: { to: 'pending', afterMs: 0, spent: false, failedReads: 1, detail: 'x' },
        },
      ],
      options,
    );
    expect(await seen()).toEqual([
      { n: 3, since: true, sent: true },
      { n: 1, since: true, sent: false },
    ]);
    const [again] = await claimPending(database.pool, claim);
    expect(again).toMatchObject({ failedReads: 1, unreadSinceMs: expect.any(Number) as number });
    const later = { to: 'pending', afterMs: 0, spent: false, detail: 'throttled' } as const;
    await record(
      database.pool,
      'giveBack',
      [{ row: again!, from: 'uploading', attempts: [], transition: later }],
      options,
    );
    expect((await seen())[1]).toMatchObject({ n: 1, since: true });
    const [third] = await claimPending(database.pool, claim);
    await record(
      database.pool,
      'giveBack',
      [{ row: third!, from: 'uploading', attempts: read('order'), transition: later }],
      options,
    );
    expect((await seen())[1]).toMatchObject({ n: 0, since: false });
  });
});

describe('age', () => {
  it('counts from the first send: a backlog of a week is sent again after an unclear answer', async () => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'reset_before', times: 1 });
    await accept(unified('p', 1));
    await database.pool.query(`update fahuo.upload set received_at = now() - interval '7 days'`);
    start();
    const [row] = await untilState('p', 'acknowledged');
    expect(row!.attempts).toBe(2);
  });

  it('parks nothing that a process left behind before the weekend and two reads can settle', async () => {
    await accept(unified('p', 1));
    await database.pool.query(
      `update fahuo.upload set state = 'uploading', attempts = 1, lease_owner = 'dead', lease_epoch = 1,
         received_at = now() - interval '4 days', first_sent_at = now() - interval '3 days',
         upload_time = now() - interval '3 days', lease_until = now() - interval '3 days'`,
    );
    start();
    await untilState('p', 'acknowledged');
    expect(await effects()).toEqual({ ship: 1, add: 0, reship: 0 });
  });
});
