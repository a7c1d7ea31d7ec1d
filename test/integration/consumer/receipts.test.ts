import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectAlone } from '../../../db/client.ts';
import { acceptMessages } from '../../../src/consumer/handle.ts';
import { readOpenLetters } from '../../../src/consumer/redrive-store.ts';
import type { Received } from '../../../src/kafka/message.ts';
import { createLog } from '../../../src/log.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { enqueue } from '../../../src/outbox/enqueue.ts';
import { askOpen, claimReceipts, recordLook } from '../../../src/receipt/store.ts';
import { retireReceipts } from '../../../src/receipt/verbs-store.ts';
import { executeRedrive, planRedrive } from '../../../src/replay/redrive.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { retain, type RetentionOptions } from '../../../src/upload/retention.ts';
import { systemClock } from '../../../src/clock.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid, receivedEvent, shippedEvent } from '../../support/events.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(() =>
  database.pool.query(
    `truncate fahuo.receipt, fahuo.receipt_event, fahuo.upload, fahuo.outbox, fahuo.dead_letter, fahuo.refused_offer,
       fahuo.tombstone, fahuo.drawn_version, fahuo.serving, fahuo.pause, fahuo.consumer_offset;
     update fahuo.relay_cursor set cursor = 0`,
  ),
);

const log = createLog({ level: 'silent' });
const deps = () => ({ pool: database.pool, log, metrics: createMetrics() });
const options = {
  carriers: bundledCarriers(),
  maskContacts: false,
  acknowledgements: true,
  clock: systemClock,
};
const run = async <T extends object>(text: string, values: unknown[] = []): Promise<T[]> =>
  (await database.pool.query<T>(text, values)).rows;
const accept = (...events: object[]) => acceptEvents(database.pool, events);
const now = Math.floor(Date.now() / 1000) - 60;
const received = (payment: string, change: { id?: string; seconds?: number } = {}) =>
  receivedEvent({ payment, seconds: now, ...change });

type Row = { event_id: string; state: string; place: string; reason: string | null; version: number | null };
const eventsOf = (where = 'true') =>
  run<Row>(
    `select event_id, state, place, reason, version from fahuo.events where ${where} order by event_id`,
  );
const answer = (event_id: string, state: string, place: string, reason: string | null): Row => ({
  event_id,
  state,
  place,
  reason,
  version: null,
});
const reminders = () =>
  run<{ payment: string }>(
    `select payment, origin, state, event_id, source, date_part('epoch', received_at) as at from fahuo.receipts order by 1`,
  );
const reminder = (payment: string, event_id: string | null, change: object = {}) => ({
  payment,
  origin: event_id === null ? 'shop' : 'event',
  state: 'pending',
  event_id,
  source: event_id === null ? null : '/orders',
  at: now,
  ...change,
});
const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
const end = (state: string, change = '') =>
  run(`update fahuo.receipt set state = $1::fahuo.receipt_state, finished_at = now()${change}`, [state]);
const letters = () =>
  run<{ detail: string }>(
    `select reason, event_id, payment, detail from fahuo.dead_letter where redriven_at is null`,
  );

describe('a received event of the topic', () => {
  it('asks for the payment’s reminder, in binary and in structured mode', async () => {
    const { data, ...attributes } = received('p2');
    const headers = Object.entries(attributes).map(([name, value]) => [
      `ce_${name}`,
      Buffer.from(String(value)),
    ]);
    const binary: Received = {
      topic: 't',
      partition: 1,
      offset: 0,
      key: null,
      value: Buffer.from(JSON.stringify(data)),
      headers: Object.fromEntries(headers) as Record<string, Buffer>,
    };
    expect(await accept(received('p1'))).toEqual({ inserted: 1, duplicate: 0, superseded: 0, dead: 0 });
    expect(await acceptMessages(deps(), [binary], options)).toMatchObject({ inserted: 1, dead: 0 });
    expect(await reminders()).toEqual([reminder('p1', 'p1-received'), reminder('p2', 'p2-received')]);
  });

  it('is nothing when it comes again, and its payment’s second one is on record without a call', async () => {
    await accept(received('p'), received('p'));
    expect(await accept(received('p'), received('p', { id: 'late', seconds: now + 5 }))).toEqual({
      inserted: 0,
      duplicate: 1,
      superseded: 1,
      dead: 0,
    });
    expect(await reminders()).toEqual([reminder('p', 'p-received')]);
    expect(await eventsOf()).toEqual([
      answer('late', 'superseded', 'final', 'second_reminder'),
      answer('p-received', 'waiting', 'pending', 'app_not_served'),
    ]);
    const [{ detail }] = (await run<{ detail: string }>(
      "select detail from fahuo.events where event_id = 'late'",
    )) as [{ detail: string }];
    expect(detail).toBe('the payment has its one reminder already: the event p-received of /orders');
  });

  it('comes second to the word that the shop said by the function', async () => {
    await run('select fahuo.notify_receipt($1, $2, to_timestamp($3))', [appid, 'p', now]);
    expect(await accept(received('p'))).toMatchObject({ inserted: 0, superseded: 1 });
    expect(await reminders()).toEqual([reminder('p', null)]);
    expect(await eventsOf()).toEqual([answer('p-received', 'superseded', 'final', 'second_reminder')]);
  });

  it.each([
    ['commit', 'second', { state: 'superseded', place: 'final', reason: 'second_reminder' }],
    ['rollback', 'first', { state: 'waiting', place: 'pending', reason: 'app_not_served' }],
  ])(
    'stays open beside a transaction of the shop that asks for the same reminder, and nothing else waits for it: %s',
    async (end, outcome, answered) => {
      const shop = await connectAlone(database.url, 'shop');
      try {
        await shop.query('begin');
        await shop.query('select fahuo.notify_receipt($1, $2, now())', [appid, 'p']);
        const batch = [received('q'), received('p'), shippedEvent({ payment: 'p', id: 's' }), received('r')];
        expect(await accept(...batch)).toEqual({ inserted: 4, duplicate: 0, superseded: 0, dead: 0 });
        expect(await accept(...batch)).toMatchObject({ inserted: 0, duplicate: 4 });
        // What stood behind it is asked for by itself, and is not held up by it.
        await run(`update fahuo.receipt_event set open_at = now() where open_at is not null`);
        const outcomes = [await askOpen(database.pool, appid), await askOpen(database.pool, appid)];
        expect(outcomes.toSorted()).toEqual(['first', 'open']);
        expect((await reminders()).map(({ payment }) => payment)).toEqual(['q', 'r']);
        expect(await run(`select state, reason from fahuo.events where event_id = 'p-received'`)).toEqual([
          { state: 'waiting', reason: 'app_not_served' },
        ]);
        await shop.query(end);
        expect(await askOpen(database.pool, appid), 'before its wait is over').toBeNull();
        await run(`update fahuo.receipt_event set open_at = now() where open_at is not null`);
        expect(await askOpen(database.pool, appid)).toBe(outcome);
        expect(await askOpen(database.pool, appid)).toBeNull();
        expect(
          await run(`select state, place, reason from fahuo.events where event_id = 'p-received'`),
        ).toEqual([answered]);
        expect((await reminders()).filter(({ payment }) => payment === 'p')).toHaveLength(1);
        const acked = await run(`select from fahuo.outbox where data like '%second_reminder%'`);
        expect(acked).toHaveLength(end === 'commit' ? 1 : 0);
      } finally {
        await shop.end();
      }
    },
  );

  it('is refused under the id of another event, of whatever kind', async () => {
    await accept(shippedEvent({ payment: 'p', id: 'e1' }), received('p', { id: 'e2' }));
    expect(
      await accept(received('q', { id: 'e1' }), received('p', { id: 'e2', seconds: now + 1 })),
    ).toMatchObject({ inserted: 0, dead: 2 });
    expect(await letters()).toMatchObject([
      { reason: 'conflict', event_id: 'e1', payment: 'q' },
      { reason: 'conflict', event_id: 'e2', payment: 'p' },
    ]);
    expect(await reminders()).toHaveLength(1);
  });

  it('that stays open is asked for before a later one of its payment', async () => {
    const shop = await connectAlone(database.url, 'shop');
    await shop.query('begin');
    await shop.query('select fahuo.notify_receipt($1, $2, now())', [appid, 'p']);
    await accept(received('p', { id: 'a' }));
    await shop.end();
    await accept(received('p', { id: 'b', seconds: now + 1 }), received('q'));
    expect(await reminders()).toEqual([reminder('q', 'q-received')]);
    await run(`update fahuo.receipt_event set open_at = now() where event_id = 'b'`);
    expect(await askOpen(database.pool, appid)).toBe('first');
    expect(await askOpen(database.pool, appid)).toBe('second');
    expect((await reminders())[0]).toEqual(reminder('p', 'a'));
  });

  it('asks for nothing where another event has its id, in one batch and at one time', async () => {
    expect(await accept(received('p', { id: 'e' }), received('q', { id: 'e' }))).toMatchObject({
      inserted: 1,
      dead: 1,
    });
    const other = await database.pool.connect();
    try {
      await other.query('begin');
      await other.query(
        `insert into fahuo.receipt_event (event_id, source, appid, payment, received_at, event_time, topic, partition, "offset", late)
         values ('f', '/orders', $1, 'r', to_timestamp($2), 'x', 't', 1, 1, false)`,
        [appid, now],
      );
      const accepting = accept(received('s', { id: 'f' }));
      await expect.poll(() => run(waiting)).toHaveLength(1);
      await other.query('commit');
      expect(await accepting).toMatchObject({ inserted: 0, dead: 1 });
    } finally {
      other.release();
    }
    expect(await reminders()).toEqual([reminder('p', 'e')]);
    // The right event of the other payment is its first.
    expect(await accept(received('q', { id: 'g' }))).toMatchObject({ inserted: 1, superseded: 0 });
  });

  it('is nothing when it comes again, after a shipment of another producer had its id', async () => {
    await accept(received('p', { id: 'e' }));
    await accept(shippedEvent({ payment: 'p', id: 'e' }));
    expect(await accept(received('p', { id: 'e' }))).toEqual({
      inserted: 0,
      duplicate: 1,
      superseded: 0,
      dead: 0,
    });
    expect(await accept(received('p', { id: 'e', seconds: now + 1 }))).toMatchObject({ dead: 1 });
  });

  it('holds up nobody where it is broken, and is answered until it comes in order', async () => {
    const broken = received('p', { id: 'e', seconds: now * 1_000 });
    expect(await accept(broken, shippedEvent({ payment: 'p' }), received('q'))).toMatchObject({
      inserted: 2,
      dead: 1,
    });
    expect(await eventsOf("event_id = 'e'")).toEqual([answer('e', 'rejected', 'final', 'invalid')]);
    expect(await letters()).toMatchObject([{ payment: 'p' }]);
    expect((await letters())[0]?.detail).toMatch(/milliseconds/);
    await accept(received('p', { id: 'e' }));
    expect(await eventsOf("event_id = 'e'")).toEqual([answer('e', 'waiting', 'pending', 'app_not_served')]);
  });

  it('has one answer where its own message is taken at a later time', async () => {
    const message: Received = {
      topic: 't',
      partition: 7,
      offset: 41,
      key: null,
      value: Buffer.from(JSON.stringify(received('p', { id: 'e', seconds: now + 3_600 }))),
      headers: { 'content-type': Buffer.from('application/cloudevents+json') },
    };
    expect(await acceptMessages(deps(), [message], options)).toMatchObject({ dead: 1 });
    const later = () => new Date(Date.now() + 7_200_000);
    expect(await acceptMessages(deps(), [message], { ...options, clock: later })).toMatchObject({
      inserted: 1,
    });
    expect(await eventsOf()).toEqual([answer('e', 'waiting', 'pending', 'app_not_served')]);
  });

  it('is noted in the group’s progress with the others of its batch', async () => {
    const progress = { group: 'g', topic: 't', partition: 0, next: 42 };
    const message: Received = {
      topic: 't',
      partition: 0,
      offset: 41,
      key: null,
      value: Buffer.from(JSON.stringify(received('p'))),
      headers: { 'content-type': Buffer.from('application/cloudevents+json') },
    };
    await acceptMessages(deps(), [message], { ...options, progress });
    expect(await run('select next_offset as next from fahuo.consumer_offset')).toEqual([{ next: 42 }]);
    await run('delete from fahuo.consumer_offset');
    await acceptMessages(deps(), [message], { ...options, progress });
    expect(await run('select next_offset as next from fahuo.consumer_offset')).toEqual([{ next: 42 }]);
  });

  it('takes no version of the shipments of its payment', async () => {
    await accept(received('p'), shippedEvent({ payment: 'p', version: 1 }));
    expect(await run('select version from fahuo.upload')).toEqual([{ version: 1 }]);
  });
});

describe('the answer to a received event', () => {
  it('says where the reminder is, and is final with it', async () => {
    await accept(received('p'));
    const shown = async (): Promise<unknown[]> => eventsOf();
    const serve = "insert into fahuo.serving (appid, instance) values ($1, 'one')";
    await run(serve, [appid]);
    expect(await shown()).toEqual([answer('p-received', 'waiting', 'pending', 'due')]);
    await run('update fahuo.receipt set waits = 1');
    expect(await shown()).toEqual([answer('p-received', 'waiting', 'pending', 'shipment_first')]);
    await run("update fahuo.serving set unreachable_since = now(), reason = 'no way'");
    expect(await shown()).toEqual([answer('p-received', 'waiting', 'pending', 'wechat_unreachable')]);
    await run("insert into fahuo.pause (appid, endpoint, reason) values ($1, 'read', 'quota')", [appid]);
    expect(await shown()).toEqual([answer('p-received', 'waiting', 'pending', 'app_paused')]);
    await run("update fahuo.receipt set state = 'sending', sends = 1, sent_at = now()");
    expect(await shown()).toEqual([answer('p-received', 'waiting', 'sending', 'sending')]);
    await run("update fahuo.receipt set state = 'unknown'");
    expect(await shown()).toEqual([answer('p-received', 'waiting', 'unknown', 'reminder_unknown')]);
    expect(await run('select from fahuo.acknowledgements')).toEqual([]);
    for (const [state, said, reason] of [
      ['acknowledged', 'acknowledged', null],
      ['rejected', 'rejected', 'reminder_refused'],
      ['moot', 'superseded', 'receipt_confirmed'],
    ] as const) {
      await end(state);
      expect(await shown()).toEqual([answer('p-received', said, 'final', reason)]);
      expect(await run('select event_id, version, state, reason from fahuo.acknowledgements')).toEqual([
        { event_id: 'p-received', version: null, state: said, reason },
      ]);
    }
  });

  it('is one row from the commit on, whichever key it is asked by', async () => {
    const event = received('p', { id: 'e' });
    const [{ id }] = (await run<{ id: number }>('select fahuo.enqueue($1) as id', [
      JSON.stringify(event),
    ])) as [{ id: number }];
    expect(await run('select version from fahuo.outbox where id = $1', [id])).toEqual([{ version: null }]);
    expect(await eventsOf("event_id = 'e' and source = '/orders'")).toEqual([
      answer('e', 'waiting', 'outbox', 'not_published'),
    ]);
    await run('update fahuo.relay_cursor set cursor = $1', [id]);
    expect(await eventsOf("transaction_id = 'p'")).toEqual([answer('e', 'waiting', 'topic', 'not_consumed')]);
    await accept(event);
    expect(await eventsOf("transaction_id = 'p'")).toEqual([
      answer('e', 'waiting', 'pending', 'app_not_served'),
    ]);
    const key = { order_number_type: 1, mchid: '1900000001', out_trade_no: 'O-1' };
    const named = { ...received('x', { id: 'f' }), data: { order_key: key, received_time: now } };
    await accept(named);
    expect(await eventsOf("mchid = '1900000001' and out_trade_no = 'O-1'")).toMatchObject([
      { event_id: 'f' },
    ]);
  });
});

describe('the ack topic', () => {
  const answers = () =>
    run<{ event_id: string; version: number | null; data: string }>(
      `select event_id, version, data from fahuo.outbox where type like '%.acknowledged.v1' order by id`,
    ).then((rows) => rows.map(({ data, ...row }) => ({ ...row, data: JSON.parse(data) as object })));

  it('has the answer of a second event at once, of the first with its reminder, and of a broken one', async () => {
    await accept(
      received('p'),
      received('p', { id: 'late' }),
      received('p', { id: 'e', seconds: now * 1_000 }),
    );
    expect(await answers()).toMatchObject([
      {
        version: null,
        data: { event_id: 'late', state: 'superseded', reason: 'second_reminder', version: null },
      },
      { version: null, data: { event_id: 'e', state: 'rejected', reason: 'invalid' } },
    ]);
    const [row] = await claimReceipts(database.pool, { appid, owner: 'one', leaseMs: 1_000, limit: 1 });
    await recordLook(database.pool, row!, { to: 'pending', afterMs: 1, detail: 'waits' }, []);
    expect(await answers()).toHaveLength(2);
    await recordLook(database.pool, row!, { to: 'moot', detail: 'confirmed' }, []);
    expect((await answers()).slice(2)).toMatchObject([
      {
        version: null,
        data: {
          event_id: 'p-received',
          source: '/orders',
          state: 'superseded',
          reason: 'receipt_confirmed',
          detail: 'confirmed',
        },
      },
    ]);
  });

  it('has none of a reminder that no event asked for, and none where there is no such topic', async () => {
    await run('select fahuo.notify_receipt($1, $2, now())', [appid, 'p']);
    await accept(received('q'));
    await run('update fahuo.deployment set acknowledgement_rows = false');
    await acceptEvents(database.pool, [received('q', { id: 'late' })], { acknowledgements: false });
    expect(await retireReceipts(database.pool, { appid, detail: 'gone' })).toBe(2);
    await run('update fahuo.deployment set acknowledgement_rows = true');
    expect(await answers()).toEqual([]);
  });

  it('says that an app is served no more', async () => {
    await accept(received('q'));
    await retireReceipts(database.pool, { appid, detail: 'gone' });
    expect(await answers()).toMatchObject([
      { data: { event_id: 'q-received', state: 'rejected', reason: 'reminder_refused', detail: 'gone' } },
    ]);
  });

  it('says so of events that stand behind an open one, and of that one when its transaction is over', async () => {
    const shop = await connectAlone(database.url, 'shop');
    try {
      await shop.query('begin');
      await shop.query('select fahuo.notify_receipt($1, $2, now())', [appid, 'p']);
      await accept(received('p'), received('q'));
      expect(await retireReceipts(database.pool, { appid, detail: 'gone' })).toBe(1);
      await shop.query('rollback');
      expect(await retireReceipts(database.pool, { appid, detail: 'gone' })).toBe(1);
    } finally {
      await shop.end();
    }
    expect(await eventsOf()).toEqual([
      answer('p-received', 'rejected', 'final', 'reminder_refused'),
      answer('q-received', 'rejected', 'final', 'reminder_refused'),
    ]);
  });
});

describe('the doors of SQL', () => {
  const enqueued = (event: object) =>
    run<{ id: number }>('select fahuo.enqueue($1) as id', [JSON.stringify(event)]).then(([row]) => row!.id);

  it('take it beside shipments, whose versions it does not touch', async () => {
    const { version: _drawn, ...shipped } = shippedEvent({ payment: 'p', id: 's1' });
    await enqueued(received('p'));
    await enqueued(shipped);
    await enqueued({ ...shipped, id: 's2' });
    expect(await run('select event_id, version from fahuo.outbox order by id')).toEqual([
      { event_id: 'p-received', version: null },
      { event_id: 's1', version: 1 },
      { event_id: 's2', version: 2 },
    ]);
    expect(await run('select version from fahuo.drawn_version')).toEqual([{ version: 2 }]);
  });

  it('answer the same event again with its row, and refuse other content under its id', async () => {
    const id = await enqueued(received('p', { id: 'e' }));
    expect(await enqueued({ ...received('p', { id: 'e' }), time: '2026-11-27T00:00:00Z' })).toBe(id);
    const other = received('p', { id: 'e', seconds: now + 1 });
    await expect(enqueued(other)).rejects.toThrow(
      /came before with other content: give other content a new id/,
    );
    await expect(enqueued({ ...shippedEvent({ payment: 'p' }), id: 'e' })).rejects.toThrow(/other content/);
    await accept(received('p', { id: 'e' }));
    await run('truncate fahuo.outbox');
    expect(await enqueued(received('p', { id: 'e' }))).toBe(0);
    await expect(enqueued(other)).rejects.toThrow(/other content/);
    await accept(shippedEvent({ payment: 'p', id: 's' }));
    await expect(enqueued(received('p', { id: 's' }))).rejects.toThrow(/other content/);
    expect(await run('select from fahuo.outbox')).toHaveLength(0);
  });

  it('take a second one of the payment, which the writer finds answered', async () => {
    await enqueued(received('p', { id: 'e' }));
    await enqueued(received('p', { id: 'f', seconds: now + 5 }));
    await accept(received('p', { id: 'e' }), received('p', { id: 'f', seconds: now + 5 }));
    expect(await eventsOf()).toMatchObject([
      { event_id: 'e', state: 'waiting' },
      { event_id: 'f', state: 'superseded', reason: 'second_reminder' },
    ]);
  });

  it('refuse what is wrong with every problem; the offer keeps it, and it is answered', async () => {
    const broken = { ...received('p', { id: 'e' }), version: 1 };
    await expect(enqueued(broken)).rejects.toThrow(/version is 1: belongs to a shipment: remove it/);
    expect(await run('select field, remedy from fahuo.problems($1)', [JSON.stringify(broken)])).toEqual([
      { field: 'version', remedy: 'remove it, a payment has one reminder' },
    ]);
    expect(await run('select fahuo.offer($1) as id', [JSON.stringify(broken)])).toEqual([{ id: null }]);
    expect(await eventsOf()).toMatchObject([{ event_id: 'e', state: 'rejected', reason: 'invalid' }]);
    await accept(received('p', { id: 'e' }));
    expect(await eventsOf()).toMatchObject([{ event_id: 'e', state: 'waiting' }]);
  });

  it('take it from enqueue of fahuo/outbox, which says what is wrong before', async () => {
    const client = await database.pool.connect();
    await client.query('begin');
    const id = await enqueue(client, received('p'));
    await expect(enqueue(client, received('p', { seconds: now * 1_000 }))).rejects.toThrow(/milliseconds/);
    await client.query('commit');
    client.release();
    expect(await run('select id from fahuo.outbox')).toEqual([{ id }]);
  });
});

describe('a receipt that was forgotten', () => {
  const retention: RetentionOptions = {
    instance: 'one',
    uploadMs: 400 * 86_400_000,
    deadLetterMs: 400 * 86_400_000,
    outboxMs: 7 * 86_400_000,
    webhookDeliveredMs: 86_400_000,
    webhookUndeliveredMs: 86_400_000,
    olderQuietMs: 60_000,
    acknowledgements: false,
    everyMs: 1_000,
  };
  const stop = new AbortController();
  const pass = async (): Promise<void> => {
    while ((await retain({ pool: database.pool, log }, retention, stop.signal)) === 'busy');
  };
  const age = () =>
    run(
      `with r as (update fahuo.receipt set finished_at = now() - interval '401 days' where finished_at is not null)
       update fahuo.receipt_event set arrived_at = now() - interval '401 days'`,
    );
  const forget = async (): Promise<void> => {
    await end('acknowledged', ", sends = 1, sent_at = now(), transaction_id = 'p', errmsg = 'ok'");
    await age();
    await pass();
    await pass();
  };
  const states = () => run('select state, sends, transaction_id, errmsg, event_id from fahuo.receipt');

  it('has its reminder all the same: neither a replay, nor another event, nor the shop makes a second call', async () => {
    await accept(received('p'));
    await forget();
    const kept = [{ state: 'forgotten', sends: 1, transaction_id: 'p', errmsg: null, event_id: null }];
    expect(await states()).toEqual(kept);
    expect(await run('select from fahuo.receipt_event')).toEqual([]);
    expect(await run('select from fahuo.receipts')).toEqual([]);
    expect(await accept(received('p'), received('p', { id: 'new' }))).toEqual({
      inserted: 0,
      duplicate: 0,
      superseded: 2,
      dead: 0,
    });
    await run('select fahuo.notify_receipt($1, $2, now())', [appid, 'p']);
    expect(await states()).toEqual(kept);
    expect(await eventsOf()).toMatchObject([
      { event_id: 'new', state: 'superseded', reason: 'forgotten' },
      { event_id: 'p-received', state: 'superseded', reason: 'forgotten' },
    ]);
    await age();
    await pass();
    expect(await run('select from fahuo.receipt_event')).toEqual([]);
    expect(await states()).toEqual(kept);
  });

  it('answers an event of the outbox that was never consumed, too', async () => {
    await accept(received('p'));
    await forget();
    await run('select fahuo.enqueue($1)', [JSON.stringify(received('p', { id: 'new' }))]);
    expect(await eventsOf()).toEqual([answer('new', 'superseded', 'final', 'forgotten')]);
  });

  it('keeps the answer of a second event that came lately', async () => {
    await accept(received('p'));
    await end('acknowledged');
    await age();
    await accept(received('p', { id: 'new' }));
    await pass();
    await pass();
    expect(await eventsOf()).toMatchObject([{ event_id: 'new', state: 'superseded', reason: 'forgotten' }]);
  });
});

describe('a dead letter of a received event', () => {
  const accepting = { ...options, by: 'li' };
  const planOf = async (edited: object | null) => {
    const [letter] = await readOpenLetters(database.pool, {
      ids: null,
      payment: 'p',
      reason: null,
      limit: 1,
      after: 0,
    });
    return planRedrive(
      database.pool,
      { letter: letter!, edited: edited === null ? null : JSON.stringify(edited) },
      options,
    );
  };

  it('is redriven as it was mended, once, and never into a second call', async () => {
    await accept(received('p', { id: 'e', seconds: now * 1_000 }));
    expect((await planOf(null)).fate).toMatchObject({ kind: 'refused' });
    const plan = await planOf(received('p', { id: 'e' }));
    expect(plan.fate).toEqual({ kind: 'to_send' });
    await accept(received('p', { id: 'other' }));
    const second = await planOf(received('p', { id: 'e' }));
    expect(second.fate).toEqual({ kind: 'second' });
    expect(await executeRedrive(deps(), second, accepting)).toBe(true);
    expect(await executeRedrive(deps(), second, accepting)).toBe(false);
    expect(await reminders()).toEqual([reminder('p', 'other')]);
    expect(await eventsOf("event_id = 'e'")).toEqual([answer('e', 'superseded', 'final', 'second_reminder')]);
    expect(await letters()).toEqual([]);
  });

  it('is known where its event came in order meanwhile, and refused where its id is another’s', async () => {
    await accept(received('p', { id: 'e', seconds: now * 1_000 }), received('p', { id: 'e' }));
    expect((await planOf(received('p', { id: 'e' }))).fate).toEqual({ kind: 'known' });
    expect((await planOf(received('p', { id: 'e', seconds: now + 1 }))).fate).toMatchObject({
      kind: 'refused',
    });
  });
});
