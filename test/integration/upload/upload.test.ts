import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { monotonicMs, systemClock } from '../../../src/clock.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { claimPending } from '../../../src/upload/claim-store.ts';
import { expireLeases, renewLeases } from '../../../src/upload/lease-store.ts';
import { Leases } from '../../../src/upload/leases.ts';
import { deletePauses } from '../../../src/apps/pause-store.ts';
import { record } from '../../../src/upload/record-store.ts';
import { retryParked } from '../../../src/upload/verbs-store.ts';
import { defaultTiming } from '../../../src/upload/timing.ts';
import { createWechatClient } from '../../../src/wechat/client.ts';
import { createHttp } from '../../../src/wechat/http.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { runUploaderOn } from '../../support/uploader.ts';
import { accepted } from '../../support/decided.ts';
import { appid, shippedEvent, type LooseEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { effectsOf, statsOf, tellSandbox } from '../../support/stack.ts';
import { createTokens } from '../../support/tokens.ts';

const timing = {
  ...defaultTiming,
  leaseMs: 2_500,
  drainMs: 2_000,
  notVisibleFirstMs: 100,
  readAfterMs: 30,
  readGapMs: 60,
  retryMinMs: 50,
};

let database: TestDatabase;
let sandbox: Sandbox;
let stop: AbortController;
let running: Promise<void>[];

beforeEach(async () => {
  expect(inject('databaseUrl')).not.toBe('');
  database = await createDatabase();
  sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  stop = new AbortController();
  running = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await sandbox.stop();
  await database.drop();
});

function start(change: { readBeforeFirstSend?: boolean; instance?: string; delta?: boolean } = {}): void {
  const { delta = false, ...rest } = change;
  const options = {
    wechat: sandbox.url,
    timing,
    callTimeoutMs: 600,
    deltaApps: delta ? [appid] : [],
    ...rest,
  };
  running.push(runUploaderOn(database.pool, options, stop));
}

const accept = (...events: object[]) => acceptEvents(database.pool, events);

const split = (payment: string, version: number, parcels: string[], all = false): LooseEvent => {
  const event = shippedEvent({ payment, version });
  const [parcel] = event.data.shipping_list;
  event.data['delivery_mode'] = 2;
  event.data['is_all_delivered'] = all;
  event.data.shipping_list = parcels.map((tracking_no) => ({ ...parcel, tracking_no }));
  return event;
};
const correction = (payment: string, version: number, text: string, id = `c${version}`): object => {
  const event = shippedEvent({ payment, version, id });
  event.data.shipping_list[0]!['item_desc'] = text;
  return { ...event, type: 'fahuo.shipment.corrected.v1', reason: 'wrong text', approved_by: 'li' };
};

type Row = {
  version: number;
  state: string;
  park_reason: string | null;
  attempts: number;
  detail: string | null;
};
const rowsOf = async (payment: string): Promise<Row[]> =>
  (
    await database.pool.query<Row>(
      'select version, state, park_reason, attempts, detail from fahuo.upload where payment = $1 order by version',
      [payment],
    )
  ).rows;
const untilState = (payment: string, ...states: string[]): Promise<Row[]> =>
  eventually(async () => {
    const rows = await rowsOf(payment);
    expect(rows.map((row) => row.state)).toEqual(states);
    return rows;
  }, 15_000);

describe('the uploader', () => {
  it('puts both requests of a call on record whose token was refused, under one upload_time', async () => {
    await accept(shippedEvent({ payment: 'p' }));
    start();
    await untilState('p', 'acknowledged');
    await fetch(`${sandbox.url}/_sandbox/tokens/expire`, { method: 'POST' });
    await accept(shippedEvent({ payment: 'q' }));
    await untilState('q', 'acknowledged');
    const { rows } = await database.pool.query(
      `select a.outcome, a.errcode, a.number, a.upload_time = u.upload_time as "sameTime"
       from fahuo.attempt a join fahuo.upload u on u.id = a.upload_id where u.payment = 'q' order by a.id`,
    );
    expect(rows).toEqual([
      { outcome: 'token', errcode: 40001, number: 1, sameTime: true },
      { outcome: 'accepted', errcode: 0, number: 1, sameTime: true },
    ]);
  });

  it('sends new parcels alone where the app takes deltas, the same ones after an unclear answer', async () => {
    await tellSandbox(sandbox.url, 'rules', { parcel_mode: 'append' });
    await tellSandbox(sandbox.url, 'faults', { kind: 'status', rate: 0.5, committed: false });
    await accept(split('p', 1, ['a']), split('p', 2, ['a', 'b', 'c']), split('p', 3, ['a', 'b', 'c'], true));
    start({ delta: true });
    await untilState('p', 'acknowledged', 'acknowledged', 'acknowledged');
    const { uploads } = (await (await fetch(`${sandbox.url}/_sandbox/payments/p`)).json()) as {
      uploads: { body: string }[];
    };
    const sent = uploads.map(({ body }) =>
      (JSON.parse(body) as LooseEvent['data']).shipping_list.map((parcel) => parcel['tracking_no']),
    );
    expect(sent).toEqual([['a'], ['b', 'c'], ['c']]);
  });

  it('applies split shipments in order, whatever order they are claimed in, each once', async () => {
    await accept(split('p', 1, ['a']), split('p', 2, ['a', 'b']), split('p', 3, ['a', 'b', 'c'], true));
    start();
    await untilState('p', 'acknowledged', 'acknowledged', 'acknowledged');
    expect((await effectsOf(sandbox.url)).map((effect) => effect.kind)).toEqual(['ship', 'add', 'add']);
  });

  it.each([
    ['an answer that was lost', { kind: 'lost_answer' }],
    ['a reset before it took effect', { kind: 'reset_before' }],
    ['a 502', { kind: 'status', status: 502, committed: true }],
    ['garbage', { kind: 'garbage' }],
    ['a body without errcode', { kind: 'no_errcode' }],
    ['half a JSON', { kind: 'half_json' }],
    ['an answer beyond the timeout', { kind: 'delay', ms: 900, committed: true }],
    ['-1', { kind: 'errcode', errcode: -1, committed: true }],
    ['10060012 without effect', { kind: 'errcode', errcode: 10060012 }],
    ['10060019', { kind: 'errcode', errcode: 10060019, committed: true }],
    ['10060002 that proves nothing', { kind: 'errcode', errcode: 10060002, committed: true }],
    ['a code that no list has', { kind: 'errcode', errcode: 47 }],
  ])('reads after %s and ends acknowledged with one effect', async (_name, fault) => {
    await tellSandbox(sandbox.url, 'faults', { times: 1, ...fault });
    await accept(shippedEvent({ payment: 'p' }));
    start();
    await untilState('p', 'acknowledged');
    expect((await statsOf(sandbox.url)).effects).toEqual({ ship: 1, add: 0, reship: 0 });
  });

  it('waits for a payment that is not visible, without spending anything else', async () => {
    await tellSandbox(sandbox.url, 'payments', { transaction_id: 'p', visible_after_ms: 400 });
    await accept(shippedEvent({ payment: 'p' }));
    start();
    const [row] = await untilState('p', 'acknowledged');
    expect(row!.attempts).toBeGreaterThan(1);
  });

  it('renews an expired token once and sends on', async () => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'expire_token', times: 1 });
    await accept(shippedEvent({ payment: 'p' }));
    start();
    const [row] = await untilState('p', 'acknowledged');
    expect(row!.attempts).toBe(1);
  });

  it('pauses the app for a stop of the account, spends no attempt, and goes on when it is resumed', async () => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'errcode', errcode: 48001 });
    await accept(shippedEvent({ payment: 'p' }), shippedEvent({ payment: 'q' }));
    start();
    await eventually(async () => {
      const { rows } = await database.pool.query('select endpoint, errcode from fahuo.pause');
      expect(rows).toEqual([{ endpoint: '*', errcode: 48001 }]);
    });
    await eventually(async () =>
      expect((await rowsOf('p'))[0]).toMatchObject({ state: 'pending', attempts: 0 }),
    );
    await tellSandbox(sandbox.url, 'faults', []);
    await deletePauses(database.pool, appid);
    await untilState('p', 'acknowledged');
    await untilState('q', 'acknowledged');
  });

  it('takes a payment shipped by hand with the same content as done, and parks other content', async () => {
    for (const payment of ['same', 'other']) {
      const event = shippedEvent({ payment });
      if (payment === 'other') event.data.shipping_list[0]!['item_desc'] = '别的';
      await tellSandbox(sandbox.url, 'console-ship', {
        ...event.data,
        upload_time: '2026-01-01T00:00:00.000+08:00',
      });
    }
    await accept(shippedEvent({ payment: 'same' }), shippedEvent({ payment: 'other' }));
    start({ readBeforeFirstSend: true });
    await untilState('same', 'acknowledged');
    expect((await untilState('other', 'parked'))[0]!.park_reason).toBe('conflict');
    expect((await statsOf(sandbox.url)).effects.reship).toBe(0);
  });

  it('never lets a later shipped event spend the re-ship chance; a correction does, once', async () => {
    start();
    await accept(shippedEvent({ payment: 'p' }));
    await untilState('p', 'acknowledged');
    const second = shippedEvent({ payment: 'p', version: 2 });
    second.data.shipping_list[0]!['item_desc'] = '换了';
    await accept(second);
    await untilState('p', 'acknowledged', 'parked');
    expect((await statsOf(sandbox.url)).effects.reship).toBe(0);

    await accept(correction('p', 3, '改正'));
    await untilState('p', 'acknowledged', 'superseded', 'acknowledged');
    expect((await statsOf(sandbox.url)).effects.reship).toBe(1);
    expect(await accept(correction('p', 4, '再改', 'c4'))).toMatchObject({ dead: 1 });
    const { rows } = await database.pool.query('select reason from fahuo.dead_letter');
    expect(rows).toEqual([{ reason: 'second_correction' }]);
  });

  it('retries a parked conflict by reading, never by sending', async () => {
    const byHand = shippedEvent({ payment: 'p' });
    byHand.data.shipping_list[0]!['item_desc'] = '别的';
    await tellSandbox(sandbox.url, 'console-ship', {
      ...byHand.data,
      upload_time: '2026-01-01T00:00:00.000+08:00',
    });
    await tellSandbox(sandbox.url, 'faults', { kind: 'status', times: 1 });
    await accept(shippedEvent({ payment: 'p' }));
    start();
    for (let retry = 0; retry < 3; retry++) {
      await untilState('p', 'parked');
      const { rows } = await database.pool.query<{ id: number }>('select id from fahuo.upload');
      expect(await retryParked(database.pool, [rows[0]!.id])).toBe(1);
    }
    await untilState('p', 'parked');
    expect((await statsOf(sandbox.url)).effects).toEqual({ ship: 1, add: 0, reship: 0 });
  });

  it('sends a correction that stayed unknown only until it took effect', async () => {
    start();
    await accept(shippedEvent({ payment: 'p' }));
    await untilState('p', 'acknowledged');
    await tellSandbox(sandbox.url, 'faults', { kind: 'lost_answer', times: 2 });
    await accept(correction('p', 2, '改正'));
    await untilState('p', 'acknowledged', 'acknowledged');
    expect((await statsOf(sandbox.url)).effects).toEqual({ ship: 1, add: 0, reship: 1 });
  });

  it('rejects what WeChat refuses, and lets the next version replace it', async () => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'errcode', errcode: 10060031, times: 1 });
    await accept(shippedEvent({ payment: 'p' }), shippedEvent({ payment: 'p', version: 2 }));
    start();
    await untilState('p', 'rejected', 'acknowledged');
  });

  it('closes a refunded payment', async () => {
    await tellSandbox(sandbox.url, 'payments', { transaction_id: 'p', order_state: 5 });
    await accept(shippedEvent({ payment: 'p' }));
    start();
    expect((await untilState('p', 'rejected'))[0]!.detail).toContain('refunded');
  });

  it('records every request: attempts in the table are the requests that WeChat saw', async () => {
    await tellSandbox(sandbox.url, 'faults', [
      { kind: 'lost_answer', rate: 0.3 },
      { kind: 'errcode', errcode: -1, rate: 0.2 },
    ]);
    await accept(...Array.from({ length: 100 }, (_, number) => shippedEvent({ payment: `p${number}` })));
    start();
    await eventually(async () => {
      const { rows } = await database.pool.query<{ n: number }>(
        `select count(*) as n from fahuo.acknowledgements where state = 'acknowledged'`,
      );
      expect(rows[0]!.n).toBe(100);
    }, 30_000);
    const { rows } = await database.pool.query<{ kind: string; n: number }>(
      `select kind::text, count(*) as n from fahuo.attempt group by 1 order by 1`,
    );
    const seen = (await statsOf(sandbox.url)).requests;
    const sum = (endpoint: string): number =>
      Object.values(seen[endpoint] ?? {}).reduce((total, n) => total + n, 0);
    expect(rows).toEqual([
      { kind: 'read', n: sum('get_order') },
      { kind: 'send', n: sum('upload') },
    ]);
    expect((await statsOf(sandbox.url)).effects).toEqual({ ship: 100, add: 0, reship: 0 });
  });

  it('leaves nothing in flight when it is stopped', async () => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'delay', ms: 300, committed: true });
    await accept(...Array.from({ length: 100 }, (_, number) => shippedEvent({ payment: `p${number}` })));
    start();
    await eventually(async () => {
      const { rows } = await database.pool.query<{ n: number }>(
        `select count(*) as n from fahuo.upload where state = 'uploading'`,
      );
      expect(rows[0]!.n).toBeGreaterThan(10);
    });
    stop.abort();
    await Promise.all(running);
    const { rows } = await database.pool.query(
      `select state::text from fahuo.upload where state in ('uploading', 'unknown')`,
    );
    expect(rows).toEqual([]);
  });
});

describe('leases', () => {
  const claim = { dueSinceMs: null, appid, leaseMs: 1, limit: 10, acknowledgements: true };

  it('fence an owner that lost its row: its outcome is on record, but moves nothing', async () => {
    await accept(shippedEvent({ payment: 'p' }));
    const [row] = await claimPending(database.pool, { ...claim, owner: 'slow' });
    await eventually(async () => expect(await expireLeases(database.pool, 0)).toBe(1));
    const { moved } = await record(database.pool, 'acknowledge', [accepted(row!)], {
      owner: 'slow',
      acknowledgements: true,
    });
    expect(moved).toEqual([]);
    expect((await rowsOf('p'))[0]!.state).toBe('unknown');
    const { rows } = await database.pool.query('select outcome from fahuo.attempt order by id');
    expect(rows).toEqual([{ outcome: 'unanswered' }, { outcome: 'accepted' }]);
  });

  it('are renewed only where the renewal finds them: what another instance took is not believed', async () => {
    await accept(shippedEvent({ payment: 'p' }), shippedEvent({ payment: 'q' }));
    const rows = await claimPending(database.pool, { ...claim, owner: 'slow', leaseMs: 60_000 });
    const [lost, kept] = rows;
    const leases = new Leases(60_000);
    leases.add(rows, monotonicMs() - 60_000); // it was stopped for that long
    await database.pool.query('update fahuo.upload set lease_until = now() where id = $1', [lost!.id]);
    await eventually(async () => expect(await expireLeases(database.pool, 0)).toBe(1));
    const askedAtMs = monotonicMs();
    leases.renewed(
      rows,
      await renewLeases(database.pool, rows, { owner: 'slow', leaseMs: 60_000 }),
      askedAtMs,
    );
    expect(leases.covers(kept!, monotonicMs(), 1)).toBe(true);
    expect(leases.covers(lost!, monotonicMs(), 1)).toBe(false);
  });

  it('cover the second call with a new token too: none is made when the lease could end before it', async () => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'expire_token', endpoint: 'upload', times: 1 });
    const http = createHttp({ baseUrl: sandbox.url });
    const wechat = createWechatClient({ http, tokens: createTokens(http), clock: systemClock });
    const answers = [true, false];
    const { outcome, answer } = await wechat.upload({
      appid,
      body: JSON.stringify(shippedEvent({ payment: 'p' }).data),
      uploadTime: systemClock(),
      mayCall: () => answers.shift() ?? true,
    });
    expect(outcome).toMatchObject({ kind: 'unknown', notSent: true });
    expect(answer.notSent).toBe(true);
    expect((await statsOf(sandbox.url)).requests['upload']).toEqual({ '40001': 1 });
    await http.close();
  });

  it('let one of two claimers have a payment, and give every send a later time', async () => {
    await accept(shippedEvent({ payment: 'p' }), shippedEvent({ payment: 'p', version: 2 }));
    const claims = await Promise.all(
      ['a', 'b', 'c'].map((owner) => claimPending(database.pool, { ...claim, owner }).catch(() => [])),
    );
    expect(claims.flat().map((row) => row.version)).toEqual([1]);
    await database.pool.query(
      `update fahuo.upload set upload_time = clock_timestamp() + interval '1 hour' where version = 1`,
    );
    await database.pool.query(
      `update fahuo.upload set state = 'rejected', finished_at = now() where version = 1`,
    );
    await database.pool.query(`update fahuo.upload set next_attempt_at = now() where version = 2`);
    const [next] = await claimPending(database.pool, { ...claim, owner: 'a' });
    const { rows } = await database.pool.query<{ ms: number }>(
      `select (extract(epoch from upload_time) * 1000)::bigint as ms from fahuo.upload where version = 1`,
    );
    expect(next!.uploadTimeMs).toBe(rows[0]!.ms + 1);
  });
});
