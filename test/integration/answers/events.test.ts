import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventReasons, eventPlaces, eventStates } from '../../../db/states.ts';
import { recordFacts, type Facts } from '../../../src/payments/facts-store.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid, shippedEvent, type LooseEvent } from '../../support/events.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(() =>
  database.pool.query(
    `truncate fahuo.upload, fahuo.upload_repeat, fahuo.outbox, fahuo.dead_letter, fahuo.refused_offer, fahuo.relay_parked,
       fahuo.serving, fahuo.pause, fahuo.tombstone, fahuo.payment, fahuo.payment_alias;
     update fahuo.relay_cursor set cursor = 0`,
  ),
);

const run = async <T extends object>(text: string, values: unknown[] = []): Promise<T[]> =>
  (await database.pool.query<T>(text, values)).rows;

type Row = {
  event_id: string | null;
  state: string;
  place: string;
  reason: string | null;
  detail: string | null;
  remedy: string | null;
  next_attempt_at: Date | null;
};
/** What a writer reads, as the writer. */
async function eventsOf(where: string): Promise<Row[]> {
  const client = await database.pool.connect();
  try {
    await client.query('set role fahuo_writer');
    return (await client.query<Row>(`select * from fahuo.events where ${where} order by event_id, state`))
      .rows;
  } finally {
    await client.query('reset role');
    client.release();
  }
}
const shortly = (rows: readonly Row[]) =>
  rows.map(({ event_id, state, place, reason }) => ({ event_id, state, place, reason }));

/** A row of the outbox, whatever the door would say of it. */
async function commit(event: LooseEvent): Promise<number> {
  const { order_key: key } = event.data as { order_key?: Record<string, string> };
  const payment = key?.['transaction_id'] ?? `${key?.['mchid']}:${key?.['out_trade_no']}`;
  const [row] = await run<{ id: number }>(
    `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
    [
      event['id'],
      event['type'],
      event['source'],
      event['time'],
      event['appid'],
      payment,
      event['version'],
      JSON.stringify(event.data),
    ],
  );
  return row!.id;
}
const publish = (id: number) => run('update fahuo.relay_cursor set cursor = $1', [id]);
const serve = () => run(`insert into fahuo.serving (appid, instance) values ($1, 'one')`, [appid]);
const described = (event: LooseEvent, text: string): LooseEvent => {
  event.data.shipping_list[0]!['item_desc'] = text;
  return event;
};
const waiting = (event_id: string, place: string, reason: string) => ({
  event_id,
  state: 'waiting',
  place,
  reason,
});
const rejected = (event_id: string, reason: string) => ({
  event_id,
  state: 'rejected',
  place: 'final',
  reason,
});

describe('where an event is', () => {
  it('is told from its commit on, one row an event, at each place of its way', async () => {
    await serve();
    const event = shippedEvent({ payment: 'p1', id: 'e1' });
    const id = await commit(event);
    const look = async () => shortly(await eventsOf(`transaction_id = 'p1'`));
    expect(await look()).toEqual([waiting('e1', 'outbox', 'not_published')]);
    await publish(id);
    expect(await look()).toEqual([waiting('e1', 'topic', 'not_consumed')]);
    await acceptEvents(database.pool, [event]);
    expect(await look()).toEqual([waiting('e1', 'pending', 'due')]);
    await run(`update fahuo.upload set state = 'acknowledged', finished_at = now()`);
    expect(await look()).toEqual([{ event_id: 'e1', state: 'acknowledged', place: 'final', reason: null }]);
  });

  it('is told of what the relay parked, also when its partition is gone', async () => {
    const id = await commit(shippedEvent({ payment: 'p1', id: 'e1' }));
    await run(
      `insert into fahuo.relay_parked (outbox_id, event_id, type, source, event_time, appid, payment, version, data, created_at, park_reason)
       select id, event_id, type, source, event_time, appid, payment, version, data, created_at, 'too_large' from fahuo.outbox`,
    );
    await publish(id);
    const parked = [waiting('e1', 'relay', 'too_large')];
    expect(shortly(await eventsOf(`event_id = 'e1'`))).toEqual(parked);
    await run('delete from fahuo.outbox');
    expect(shortly(await eventsOf(`event_id = 'e1'`))).toEqual(parked);
  });

  it('is told by the merchant’s number as well', async () => {
    const event = shippedEvent({ id: 'e1' });
    event.data['order_key'] = { order_number_type: 1, mchid: '1900000001', out_trade_no: 'A-1' };
    await commit(event);
    const found = await eventsOf(`mchid = '1900000001' and out_trade_no = any ('{A-1}')`);
    expect(found).toMatchObject([{ event_id: 'e1', transaction_id: null, out_trade_no: 'A-1' }]);
  });

  it('shows no acknowledgement of ours as an event', async () => {
    await commit({ ...shippedEvent({ payment: 'p1' }), type: 'fahuo.shipment.acknowledged.v1' });
    expect(await eventsOf('true')).toEqual([]);
  });

  it('says superseded of what repeats a payment that was forgotten', async () => {
    await run(
      `insert into fahuo.tombstone (appid, payment, last_version, finished, chance_spent) values ($1, 'p1', 2, true, false)`,
      [appid],
    );
    await commit(shippedEvent({ payment: 'p1', version: 2, id: 'e2' }));
    await commit(shippedEvent({ payment: 'p1', version: 3, id: 'e3' }));
    expect(shortly(await eventsOf(`transaction_id = 'p1'`))).toEqual([
      { event_id: 'e2', state: 'superseded', place: 'final', reason: 'forgotten' },
      waiting('e3', 'outbox', 'not_published'),
    ]);
  });
});

describe('why an upload waits', () => {
  const accept = (...events: LooseEvent[]) => acceptEvents(database.pool, events);
  const one = async (): Promise<Row> => (await eventsOf(`event_id = 'e1'`))[0]!;
  const change = (set: string) => run(`update fahuo.upload set ${set} where event_id = 'e1'`);
  beforeEach(async () => {
    await accept(shippedEvent({ payment: 'p1', id: 'e1' }));
  });

  it('names an app that nobody serves', async () => {
    expect(await one()).toMatchObject({ reason: 'app_not_served', next_attempt_at: null });
    await run(
      `insert into fahuo.serving (appid, instance, seen_at) values ($1, 'one', now() - interval '1 hour')`,
      [appid],
    );
    expect(await one()).toMatchObject({ reason: 'app_not_served' });
  });

  it('names a pause of the app, and its end', async () => {
    await serve();
    await run(
      `insert into fahuo.pause (appid, endpoint, errcode, reason, resume_at) values ($1, 'upload', 45009, 'quota', '2100-01-01')`,
      [appid],
    );
    const found = await one();
    expect(found).toMatchObject({ reason: 'app_paused', detail: '45009: quota' });
    expect(found.next_attempt_at?.toISOString()).toBe('2100-01-01T00:00:00.000Z');
    await run(`update fahuo.pause set endpoint = 'read'`);
    expect((await one()).reason).toBe('due');
    await run(`update fahuo.pause set endpoint = '*', resume_at = null`);
    expect(await one()).toMatchObject({ reason: 'app_paused', next_attempt_at: null });
  });

  it('names a WeChat that no instance reaches', async () => {
    await serve();
    await run(`update fahuo.serving set unreachable_since = now(), reason = 'ECONNREFUSED'`);
    expect(await one()).toMatchObject({ reason: 'wechat_unreachable', detail: 'ECONNREFUSED' });
    await run(`insert into fahuo.serving (appid, instance) values ($1, 'two')`, [appid]);
    expect((await one()).reason).toBe('due');
  });

  it('names an older version of the payment, and nothing of another payment or app', async () => {
    await serve();
    await accept(
      shippedEvent({ payment: 'p1', id: 'e2', version: 2 }),
      shippedEvent({ payment: 'p1', id: 'e3', version: 1, appid: 'wx1111111111111111' }),
    );
    const reasons = async () => (await eventsOf(`transaction_id = 'p1'`)).map((row) => row.reason);
    expect(await reasons()).toEqual(['due', 'older_version_first', 'app_not_served']);
    await change(`state = 'parked', park_reason = 'conflict', attempts = 1, next_attempt_at = 'infinity'`);
    expect(await reasons()).toEqual(['conflict', 'read_before_write', 'app_not_served']);
  });

  it.each([
    [
      `state = 'uploading', lease_owner = 'o', lease_until = now(), upload_time = now()`,
      'uploading',
      'sending',
    ],
    [`state = 'unknown'`, 'unknown', 'outcome_unknown'],
    [`errcode = 10060001, attempts = 1`, 'pending', 'not_visible_yet'],
    [`attempts = 1`, 'pending', 'read_before_write'],
    [`caution = 'older', next_attempt_at = 'infinity'`, 'pending', 'older_than_database'],
    [`state = 'parked', park_reason = 'unreadable', next_attempt_at = 'infinity'`, 'parked', 'unreadable'],
  ])('%s', async (set, place, reason) => {
    await serve();
    await change(set);
    const found = await one();
    expect(found).toMatchObject({ state: 'waiting', place, reason });
    expect(found.remedy).toMatch(/\w/);
  });
});

describe('what never became an upload', () => {
  const bad = (id: string, payment = 'p1'): LooseEvent => ({
    ...shippedEvent({ payment, id }),
    version: '1',
  });

  it('is answered by its dead letter: once, however often the message came', async () => {
    await acceptEvents(database.pool, [bad('e1'), bad('e1')]);
    await acceptEvents(database.pool, [bad('e1')]);
    expect(await run('select 1 from fahuo.dead_letter')).toHaveLength(3);
    expect(await eventsOf(`transaction_id = 'p1'`)).toMatchObject([
      {
        ...rejected('e1', 'invalid'),
        version: 1,
        source: '/orders',
        detail: expect.stringMatching(/version is "1"/) as string,
      },
    ]);
    const acks = await run<{ data: string }>(`select data from fahuo.outbox`);
    expect(acks.map(({ data }) => JSON.parse(data) as object)).toMatchObject([
      { event_id: 'e1', source: '/orders', state: 'rejected', reason: 'invalid', errcode: null },
    ]);
  });

  it('writes no acknowledgement of a letter that names no event, nor where they are switched off', async () => {
    const { id: _, ...nameless } = bad('e1');
    await acceptEvents(database.pool, [nameless]);
    await acceptEvents(database.pool, [bad('e2')], { acknowledgements: false });
    expect(await run(`select 1 from fahuo.outbox`)).toEqual([]);
    expect(await eventsOf(`transaction_id = 'p1'`)).toHaveLength(2);
  });

  it('gives way to the upload when the event comes again in order', async () => {
    await acceptEvents(database.pool, [bad('e1')]);
    await acceptEvents(database.pool, [shippedEvent({ payment: 'p1', id: 'e1' })]);
    expect(shortly(await eventsOf(`event_id = 'e1'`))).toEqual([waiting('e1', 'pending', 'app_not_served')]);
    await acceptEvents(database.pool, [{ ...bad('e1'), time: 'later' }]); // garbage under a used id is another commit
    expect(await eventsOf(`event_id = 'e1'`)).toHaveLength(2);
  });

  it('gives way to the upload that came in the same batch, which is written first', async () => {
    await acceptEvents(database.pool, [bad('e1'), shippedEvent({ payment: 'p1', id: 'e1' })]);
    expect(shortly(await eventsOf(`event_id = 'e1'`))).toEqual([waiting('e1', 'pending', 'app_not_served')]);
    await acceptEvents(database.pool, [shippedEvent({ payment: 'p2', id: 'e2' }), bad('e2', 'p2')]);
    expect(await eventsOf(`event_id = 'e2'`)).toHaveLength(2);
  });

  it('is one row beside the upload where another content bears a used id', async () => {
    const first = shippedEvent({ payment: 'p1', id: 'e1' });
    const second = described(shippedEvent({ payment: 'p1', id: 'e1', version: 2 }), 'other');
    const ids = [await commit(first), await commit(first), await commit(second)];
    expect(await eventsOf(`event_id = 'e1'`)).toHaveLength(2);
    await publish(ids[2]!);
    await acceptEvents(database.pool, [first, first]);
    expect(shortly(await eventsOf(`event_id = 'e1'`))).toEqual([
      waiting('e1', 'pending', 'app_not_served'),
      waiting('e1', 'topic', 'not_consumed'),
    ]);
    await acceptEvents(database.pool, [second, second]);
    await run('delete from fahuo.outbox'); // the letter has the structured text, not the outbox's
    expect(shortly(await eventsOf(`event_id = 'e1'`))).toEqual([
      rejected('e1', 'conflict'),
      waiting('e1', 'pending', 'app_not_served'),
    ]);
  });

  it('is answered under its own id where another event had the same version and content before', async () => {
    await acceptEvents(database.pool, [shippedEvent({ payment: 'p1', id: 'e1' })]);
    await commit(shippedEvent({ payment: 'p1', id: 'e2' }));
    await acceptEvents(database.pool, [shippedEvent({ payment: 'p1', id: 'e2' })]);
    await run(`update fahuo.upload set state = 'acknowledged', finished_at = now()`);
    expect(await eventsOf(`transaction_id = 'p1'`)).toMatchObject([
      { event_id: 'e1', state: 'acknowledged' },
      {
        event_id: 'e2',
        state: 'acknowledged',
        detail: expect.stringMatching(/the event e1 had this version/) as string,
      },
    ]);
  });

  it('stands among the acknowledgements, letters and refused offers alike', async () => {
    await acceptEvents(database.pool, [bad('e1')]);
    await run(
      `insert into fahuo.refused_offer (event, bytes, event_id, source, appid, payment, version, detail)
       select '{}', 2, 'e2', '/orders', $1, 'p1', null, 'appid is missing' from generate_series(1, 2)`,
      [appid],
    );
    const rows = await run(
      `select event_id, state::text, errcode, reason, detail from fahuo.acknowledgements where transaction_id = 'p1' order by 1`,
    );
    expect(rows).toMatchObject([
      { event_id: 'e1', state: 'rejected', errcode: null, reason: 'invalid' },
      { event_id: 'e2', state: 'rejected', errcode: null, reason: 'invalid', detail: 'appid is missing' },
    ]);
  });
});

describe('the money of a payment', () => {
  const settle = (payment: string, day: number, more: Partial<Facts> = {}) =>
    recordFacts(database.pool, [
      { appid, transactionId: payment, settledAt: new Date(Date.UTC(2026, 0, day)), ...more },
    ]);
  const settledOf = async (where: string) =>
    (await eventsOf(where)).map((row) => (row as unknown as { settled_at: Date | null }).settled_at);
  const byMerchant = (id: string): LooseEvent => {
    const event = shippedEvent({ id });
    event.data['order_key'] = { order_number_type: 1, mchid: '1900000001', out_trade_no: 'A-1' };
    return event;
  };

  it('stands beside its events from the outbox on, each column by itself, and of its own app alone', async () => {
    await commit(shippedEvent({ payment: 'p1', id: 'e1' }));
    expect(await settledOf(`event_id = 'e1'`)).toEqual([null]);
    await settle('p1', 9, { appid: 'wx1111111111111111' });
    expect(await settledOf(`event_id = 'e1'`)).toEqual([null]);
    const expectedSettlementAt = new Date('2026-01-11T00:00:00Z');
    const confirmedAt = new Date('2026-01-02T00:00:00Z');
    await settle('p1', 3, { expectedSettlementAt, confirmedAt });
    expect(await eventsOf(`transaction_id = 'p1'`)).toMatchObject([
      {
        expected_settlement_at: expectedSettlementAt,
        confirmed_at: confirmedAt,
        settled_at: new Date('2026-01-03T00:00:00Z'),
      },
    ]);
    await acceptEvents(database.pool, [shippedEvent({ payment: 'p1', id: 'e1' })]);
    expect(await settledOf(`event_id = 'e1'`)).toEqual([new Date('2026-01-03T00:00:00Z')]);
  });

  it('is found by the merchant’s numbers: as its own row has them, or as a read told', async () => {
    await commit(byMerchant('e1'));
    await settle('p1', 4, { mchid: '1900000001', outTradeNo: 'A-1' });
    expect(await settledOf(`out_trade_no = 'A-1' and mchid = '1900000001'`)).toEqual([
      new Date('2026-01-04T00:00:00Z'),
    ]);
    await settle('p2', 5);
    await run(
      `insert into fahuo.payment_alias (appid, payment, transaction_id) values ($1, '1900000001:A-1', 'p2')`,
      [appid],
    );
    expect(await settledOf(`event_id = 'e1'`)).toEqual([new Date('2026-01-05T00:00:00Z')]);
  });
});

describe('the words', () => {
  it('of the view are those of the closed lists, each waiting or refused one with a remedy', async () => {
    const known = await run<{ reason: string; state: string }>(
      'select reason, state from fahuo.event_reason',
    );
    expect(known.filter(({ reason }) => !(eventReasons as readonly string[]).includes(reason))).toEqual([]);
    const described = new Set(known.map(({ reason }) => reason));
    expect(eventReasons.filter((reason) => reason !== 'resolved' && !described.has(reason))).toEqual([]);
    expect(known.filter(({ state }) => !(eventStates as readonly string[]).includes(state))).toEqual([]);
    expect(eventPlaces).toContain('final');
  });
});
