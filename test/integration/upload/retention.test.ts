import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { insertDeadLetters, markPublished } from '../../../src/consumer/store.ts';
import { createLog } from '../../../src/log.ts';
import { insertAliases } from '../../../src/upload/alias-store.ts';
import { claimPending } from '../../../src/upload/claim-store.ts';
import { retain, type RetentionOptions } from '../../../src/upload/retention.ts';
import { readTombstonesOf } from '../../../src/upload/tombstone-store.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid, shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';

const log = createLog({ level: 'silent' });
const dayMs = 86_400_000;
const options: RetentionOptions = {
  instance: 'one',
  uploadMs: 400 * dayMs,
  deadLetterMs: 90 * dayMs,
  outboxMs: 7 * dayMs,
  webhookDeliveredMs: 14 * dayMs,
  webhookUndeliveredMs: 30 * dayMs,
  olderQuietMs: 1,
  acknowledgements: true,
  everyMs: 10,
};

let database: TestDatabase;
let stop: AbortController;
beforeEach(async () => {
  database = await createDatabase();
  stop = new AbortController();
});
afterEach(() => database.drop());

type Change = { payment: string; version?: number; text?: string; corrected?: boolean };

const accept = (...changes: Change[]) =>
  acceptEvents(
    database.pool,
    changes.map(({ text, corrected, ...rest }) => {
      const event = shippedEvent(rest);
      if (text !== undefined) event.data.shipping_list[0]!['item_desc'] = text;
      const type = { type: 'fahuo.shipment.corrected.v1', reason: 'wrong text', approved_by: 'li' };
      return corrected === true ? { ...event, ...type } : event;
    }),
  );

/** As if they had been sent and acknowledged 500 days ago, with two attempts each. */
const age = async (where = 'true'): Promise<void> => {
  await database.pool.query(
    `update fahuo.upload set state = 'acknowledged', finished_at = now() - interval '500 days', attempts = 1,
       received_at = now() - interval '501 days' where ${where}`,
  );
  await database.pool.query(
    `insert into fahuo.attempt (upload_id, number, kind, outcome)
     select id, n, 'send', 'accepted' from fahuo.upload, generate_series(1, 2) n where ${where}`,
  );
};
const pass = async (change: Partial<RetentionOptions> = {}): Promise<void> => {
  while ((await retain({ pool: database.pool, log }, { ...options, ...change }, stop.signal)) === 'busy');
};
const count = async (table: string): Promise<number> =>
  (await database.pool.query<{ n: number }>(`select count(*) as n from fahuo.${table}`)).rows[0]!.n;
const versions = async (payment: string): Promise<number[]> =>
  (
    await database.pool.query<{ version: number }>(
      'select version from fahuo.upload where payment = $1 order by version',
      [payment],
    )
  ).rows.map((row) => row.version);

describe('retention', () => {
  it('forgets a reminder with its calls and parcels when it is old, and keeps what is not over', async () => {
    await database.pool.query(
      `insert into fahuo.receipt (appid, payment, received_at, origin, state, finished_at, created_at)
       select $1, 'p' || n, now(), 'shop', (case when n = 3 then 'pending' else 'acknowledged' end)::fahuo.receipt_state,
         case n when 1 then now() - interval '401 days' when 2 then now() - interval '399 days' end,
         now() - interval '500 days'
       from generate_series(1, 3) n`,
      [appid],
    );
    await database.pool.query(
      `insert into fahuo.trace (appid, payment, state, finished_at)
       select $1, 'p' || n, 'signed', now() - n * interval '401 days' from generate_series(1, 2) n`,
      [appid],
    );
    await database.pool.query(
      `insert into fahuo.trace (appid, payment, sealed_phone, created_at)
       select $1, 'q' || n, 'p1.sealed', now() - n * interval '59 days' from generate_series(1, 2) n`,
      [appid],
    );
    await database.pool.query(
      `insert into fahuo.receipt_call (appid, payment, kind, outcome, duration_ms)
       select $1, 'p' || n, 'read', 'order', 1 from generate_series(1, 3) n`,
      [appid],
    );
    await pass();
    const left = async (table: string): Promise<unknown> =>
      (
        await database.pool.query<{ p: string }>(`select payment as p from fahuo.${table} order by 1`)
      ).rows.map(({ p }) => p);
    expect([await left('receipts'), await left('trace'), await left('receipt_call')]).toEqual([
      ['p2', 'p3'],
      ['q1'],
      ['p2', 'p3'],
    ]);
  });

  it('forgets webhooks a while after they were taken, and counts those that nobody took', async () => {
    await database.pool.query(
      `insert into fahuo.webhook_delivery (webhook_id, type, event_time, appid, payment, data, state, owner, received_at, delivered_at)
       select 'w' || n, 't', 't', 'wx1', 'p' || n, '{}', s::fahuo.webhook_state, case s when 'sending' then 'i' end,
         now() - received * interval '1 day', now() - delivered * interval '1 day'
       from (values (1, 'delivered', 20, 15), (2, 'delivered', 40, 13), (3, 'waiting', 29, null), (4, 'waiting', 31, null),
         (5, 'sending', 31, null), (6, 'waiting', 99, null)) v (n, s, received, delivered)`,
    );
    await pass();
    const { rows } = await database.pool.query<{ id: string }>(
      'select webhook_id as id from fahuo.webhook_delivery order by id',
    );
    expect(rows.map(({ id }) => id)).toEqual(['w2', 'w3', 'w5']);
    expect((await database.pool.query('select forgotten from fahuo.webhook_endpoint')).rows).toEqual([
      { forgotten: 2 },
    ]);
  });

  it('leaves a tombstone of what it forgets, and a replay of that makes no row', async () => {
    const events = Array.from({ length: 700 }, (_, index) => ({ payment: `p${index}` }));
    await accept(...events);
    await age();
    await pass();
    expect([await count('upload'), await count('attempt'), await count('tombstone')]).toEqual([0, 0, 700]);
    expect(await accept(...events)).toEqual({ inserted: 0, duplicate: 700, superseded: 0, dead: 0 });
    expect(await count('upload')).toBe(0);
    expect(await count('dead_letter')).toBe(0);
  });

  it('knows a repeated correction again, which is no second correction', async () => {
    const both = [{ payment: 'p' }, { payment: 'p', version: 2, corrected: true, text: '二' }];
    await accept(...both);
    await age();
    await pass();
    expect(await readTombstonesOf(database.pool, { appid, payment: 'p' })).toMatchObject([
      { lastVersion: 2, finished: true, chanceSpent: true },
    ]);
    await accept({ payment: 'p', version: 3, corrected: true, text: '三' });
    expect(await accept(...both)).toEqual({ inserted: 0, duplicate: 2, superseded: 0, dead: 0 });
  });

  it('has a newer version of a forgotten payment read before its first send', async () => {
    await accept({ payment: 'p' }, { payment: 'q' });
    await age();
    await pass();
    await accept({ payment: 'p', version: 2, text: '新' }, { payment: 'new' });
    const claimed = await claimPending(database.pool, {
      appid,
      owner: 'one',
      leaseMs: 1_000,
      limit: 10,
      acknowledgements: true,
      dueSinceMs: null,
    });
    expect(claimed.map(({ payment, history }) => [payment, history]).sort()).toEqual([
      ['new', false],
      ['p', true],
    ]);
  });

  it('has an event read before its first send whose payment was forgotten under its other key', async () => {
    const merchant = shippedEvent({ payment: 'T' });
    const orderKey = { order_number_type: 1, mchid: '1900000109', out_trade_no: 'O' };
    await acceptEvents(database.pool, [
      { ...merchant, id: 'm', data: { ...merchant.data, order_key: orderKey } },
    ]);
    await insertAliases(database.pool, {
      appid,
      payments: ['1900000109:O'],
      transactionId: 'T',
      always: true,
    });
    await age();
    await pass();
    expect([await count('upload'), await count('tombstone'), await count('payment_alias')]).toEqual([
      0, 1, 1,
    ]);
    await accept({ payment: 'T', version: 2 }, { payment: 'U' });
    const claimed = await claimPending(database.pool, {
      appid,
      owner: 'one',
      leaseMs: 1_000,
      limit: 9,
      dueSinceMs: null,
      acknowledgements: true,
    });
    expect(claimed.map(({ payment, history }) => [payment, history])).toEqual([
      ['T', true],
      ['U', false],
    ]);
    expect(await readTombstonesOf(database.pool, claimed[0]!)).toMatchObject([{ payment: '1900000109:O' }]);
  });

  it('keeps a payment whole while one of its versions waits or is young', async () => {
    await accept({ payment: 'waits' }, { payment: 'waits', version: 2 }, { payment: 'young' });
    await accept({ payment: 'young', version: 2 }, { payment: 'old' });
    await age(`version = 1`);
    await database.pool.query(
      `update fahuo.upload set state = 'acknowledged', finished_at = now() - interval '399 days'
       where payment = 'young' and version = 2`,
    );
    await pass();
    expect(await versions('waits')).toEqual([1, 2]);
    expect(await versions('young')).toEqual([1, 2]);
    expect(await versions('old')).toEqual([]);
    expect(await count('tombstone')).toBe(1);
  });

  it('deletes nothing from under an insert that cannot see the tombstone', async () => {
    await accept({ payment: 'p' });
    await age();
    const client = await database.pool.connect();
    await client.query('begin');
    // What the door does, on its way to disk: judged before the tombstone was there, committed after.
    await client.query(
      `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset", body, body_hash)
       select appid, payment, 2, kind, 'late', source, event_time, topic, partition, 99, body, body_hash from fahuo.upload`,
    );
    const passing = pass();
    await eventually(async () => expect(await count('tombstone')).toBe(1));
    await client.query('commit');
    client.release();
    await passing;
    expect(await versions('p')).toEqual([1, 2]);
  });

  it('is made by one instance at a time, and by another when that one has finished', async () => {
    await accept({ payment: 'p' });
    await age();
    await database.pool.query(
      `update fahuo.maintenance set owner = 'other', lease_until = now() + interval '1 hour' where name = 'retention'`,
    );
    await pass();
    expect(await count('upload')).toBe(1);
    await database.pool.query(`update fahuo.maintenance set lease_until = now() - interval '1 s'`);
    await pass();
    expect(await count('upload')).toBe(0);
    await pass({ instance: 'two' });
    expect((await database.pool.query('select owner from fahuo.maintenance')).rows).toEqual([
      { owner: 'two' },
    ]);
  });

  it('drops dead letters that are on their topic, and keeps the others', async () => {
    const letter = (offset: number) => ({
      received: { topic: 't', partition: 0, offset, key: null, value: null, headers: {} },
      reason: 'invalid' as const,
      detail: 'd',
      ...{ eventId: null, type: null, source: null, appid: null, payment: null, version: null },
    });
    await insertDeadLetters(database.pool, [letter(1), letter(2), letter(3)], {
      acknowledgements: false,
      progress: null,
    });
    await database.pool.query(
      `update fahuo.dead_letter set received_at = now() - interval '91 days' where "offset" < 3`,
    );
    await markPublished(database.pool, [1, 3]);
    await pass();
    const { rows } = await database.pool.query<{ at: number }>(
      'select "offset" as at from fahuo.dead_letter order by 1',
    );
    expect(rows.map((row) => row.at)).toEqual([2, 3]);
  });

  it('forgets what WeChat told of a payment, and what contradicted it, when nothing was told for so long', async () => {
    const tell = (id: string, days: number, toldDays: number) =>
      database.pool.query(
        `with told as (
           insert into fahuo.payment (appid, transaction_id, first_seen_at, updated_at)
           values ($1, $2, now() - $3 * interval '1 day', now() - $4 * interval '1 day')
         )
         insert into fahuo.reconcile_finding (appid, transaction_id, kind, first_seen_at, seen_at)
         values ($1, $2, 'console_edit', now() - $3 * interval '1 day', now() - $4 * interval '1 day')`,
        [appid, id, days, toldDays],
      );
    await tell('old', 500, 450);
    await tell('told', 500, 10);
    await tell('new', 10, 10);
    await pass();
    const { rows } = await database.pool.query('select transaction_id as id from fahuo.payment order by 1');
    expect(rows).toEqual([{ id: 'new' }, { id: 'told' }]);
    expect(await count('reconcile_finding')).toBe(2);
  });

  it('keeps the journal of rows that are gone for as long as the retention of rows', async () => {
    await database.pool.query('update fahuo.relay_cursor set cursor = 2');
    await database.pool.query(
      `insert into fahuo.relay_journal (shard, first_id, last_id, topic, partition, partition_count, base_offset, count, published_at)
       select 0, n, n, 't', 0, 1, n, 1, now() - n * interval '5 days' from generate_series(1, 2) n`,
    );
    await pass();
    const { rows } = await database.pool.query('select first_id as id from fahuo.relay_journal');
    expect(rows).toEqual([{ id: 1 }]);
  });

  it('drops outbox rows that were published, with their journal, and never a parked one', async () => {
    for (const payment of ['a', 'b', 'c', 'd'])
      await database.pool.query('select fahuo.enqueue($1)', [JSON.stringify(shippedEvent({ payment }))]);
    await database.pool.query(`update fahuo.outbox set created_at = now() - interval '8 days' where id <> 3`);
    await database.pool.query('update fahuo.relay_cursor set cursor = 3');
    await database.pool.query(
      `insert into fahuo.relay_parked (outbox_id, event_id, type, source, event_time, appid, payment, version, data,
         created_at, park_reason)
       select id, event_id, type, source, event_time, appid, payment, version, data, created_at, 'too_large'
       from fahuo.outbox where id = 2`,
    );
    await database.pool.query(
      `insert into fahuo.relay_journal (shard, first_id, last_id, topic, partition, partition_count, base_offset, count, published_at)
       select 0, n, n, 't', 0, 1, n, 1, now() - interval '8 days' from generate_series(1, 3) n`,
    );
    await pass();
    const ids = async (sql: string): Promise<number[]> =>
      (await database.pool.query<{ id: number }>(sql)).rows.map((row) => row.id);
    expect(await ids('select id from fahuo.outbox order by id')).toEqual([2, 3, 4]);
    expect(await ids('select first_id as id from fahuo.relay_journal order by 1')).toEqual([2, 3]);
  });

  it('forgets pushes that came so long ago, and wishes that nobody fulfilled', async () => {
    await database.pool.query(
      `insert into fahuo.push_event (appid, key, event, body, received_at, applied_at)
       select 'wx1', 'k' || n, 'debug_demo', '{}', now() - n * interval '200 days', case when n = 2 then now() end
       from generate_series(3, 0, -1) n;
       insert into fahuo.reconcile_wish (appid, transaction_id, asked_at)
       select 'wx1', 'p' || n, now() - n * interval '399 days' from generate_series(0, 2) n`,
    );
    await pass();
    expect([await count('push_event'), await count('reconcile_wish')]).toEqual([2, 2]);
  });

  it('forgets refused offers and drawn versions, and draws above what is left of the payment', async () => {
    const { version: _drawn, ...event } = shippedEvent({ payment: 'drawn' });
    const enqueue = (id: string) =>
      database.pool.query('select fahuo.enqueue($1)', [JSON.stringify({ ...event, id })]);
    await enqueue('one');
    await database.pool.query(`select fahuo.offer('{}'), fahuo.offer('{}')`);
    await pass();
    expect([await count('refused_offer'), await count('drawn_version')]).toEqual([2, 1]);
    await accept({ payment: 'drawn', version: 8 });
    await database.pool.query(
      `update fahuo.refused_offer set offered_at = now() - interval '91 days' where id = 1;
       update fahuo.drawn_version set drawn_at = now() - interval '401 days'`,
    );
    await pass();
    expect([await count('refused_offer'), await count('drawn_version')]).toEqual([1, 0]);
    await enqueue('two');
    const { rows } = await database.pool.query(`select version from fahuo.outbox where event_id = 'two'`);
    expect(rows).toEqual([{ version: 9 }]);
  });
});
