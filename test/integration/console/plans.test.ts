import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAlone, type Queryable } from '../../../db/client.ts';
import { listStates, readListed } from '../../../src/console/list-store.ts';
import { tellStory } from '../../../src/console/story.ts';
import { countFinal, countParked, readUnfinished } from '../../../src/console/status-store.ts';
import { readOpenLetters } from '../../../src/consumer/redrive-store.ts';
import { readPushHealth } from '../../../src/push/status-store.ts';
import { readReceiptHealth } from '../../../src/receipt/status-store.ts';
import { planReplay, type ReplayDeps, type ReplayOptions } from '../../../src/replay/run.ts';
import { readByState } from '../../../src/replay/store.ts';
import { insertUploads, readRivals, type NewUpload } from '../../../src/upload/insert-store.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid } from '../../support/events.ts';

/** A million where asked for: the plans are the same. */
const events = Number(process.env['FAHUO_TEST_ROWS'] ?? 200_000);
const topics = { events: 't', acks: 't.acks' };

let database: TestDatabase;
/** What the statements' plans read whole, by the statement's first line; plans without the pool's advice. */
let scans: string[];

/** Uploads of which every tenth payment is named by mchid and out_trade_no, with their outbox rows, attempts and journal. */
beforeAll(async () => {
  database = await createDatabase();
  const filler = await connectAlone(database.url, 'fahuo-test'); // a pool's statements have a deadline
  await filler.query(
    `with n as (
       select n, case when n % 10 = 0 then '19000:order-' || n else 'pay' || n end as payment from generate_series(1, $2::int) n
     ), outbox as (
       insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
       select 'e' || n, 'fahuo.shipment.shipped.v1', '/orders', '2026-11-23T10:00:00+08:00', $1, payment, 1, '{}' from n order by n
     ), attempt as (
       insert into fahuo.attempt (upload_id, number, kind, outcome) select n, 1, 'send', 'accepted' from n
     )
     insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset", body,
       body_hash, state, park_reason, finished_at)
     select $1, payment, 1, 'shipped', 'e' || n, '/orders', '2026-11-23T10:00:00+08:00', 't', 0, n - 1, '{}', md5(n::text),
       (case n % 1000 when 1 then 'parked' when 2 then 'pending' when 3 then 'rejected' else 'acknowledged' end)::fahuo.upload_state,
       case when n % 1000 = 1 then 'conflict'::fahuo.park_reason end, case when n % 1000 not in (1, 2) then now() end
     from n order by n`,
    [appid, events],
  );
  await filler.query(
    `insert into fahuo.relay_journal (shard, first_id, last_id, topic, partition, partition_count, base_offset, count)
     select 0, n * 1000 + 1, n * 1000 + 1000, 't', 0, 1, n * 1000, 1000 from generate_series(0, $1::int / 1000 - 1) n`,
    [events],
  );
  await filler.query(
    `with n as (
       select n, case when n % 10 = 0 then '19000:dead-' || n else 'dead' || n end as payment from generate_series(1, $2::int / 4) n
     ), letter as (
       insert into fahuo.dead_letter (topic, partition, "offset", value, headers, message_hash, reason, detail, event_id, source,
         appid, payment, version)
       select 't', 1, n, '{}', '[]', md5(n::text), 'invalid', 'd', 'd' || n, '/orders', $1, payment, 1 from n
     ), repeat as (
       insert into fahuo.upload_repeat (event_id, source, upload_id) select 'r' || n, '/orders', n from n
     ), grave as (
       insert into fahuo.tombstone (appid, payment, last_version, finished, chance_spent) select $1, 'grave' || n, 1, true, false from n
     )
     insert into fahuo.refused_offer (event, bytes, event_id, source, appid, payment, version, detail)
     select '[]', 2, 'f' || n, '/orders', $1, replace(payment, 'dead', 'offer'), 1, 'd' from n`,
    [appid, events],
  );
  await filler.query(
    `with n as (
       select n, case when n % 10 = 0 then '19000:had-' || n else 'had' || n end as payment from generate_series(1, $2::int / 4) n
     ), reminder as (
       insert into fahuo.receipt (appid, payment, received_at, origin, state, finished_at, event_id, source)
       select $1, payment, now(), 'event', 'acknowledged', now(), 'b' || n, '/orders' from n
     )
     insert into fahuo.receipt_event (event_id, source, appid, payment, received_at, event_time, topic, partition, "offset", late)
     select 'b' || n, '/orders', $1, payment, now(), '2026-11-23T10:00:00+08:00', 't', 2, n, false from n`,
    [appid, events],
  );
  await filler.query(
    `with n as (select n from generate_series(1, $2::int) n), money as (
       insert into fahuo.payment (appid, transaction_id, mchid, sub_mchid, out_trade_no, order_state, settled_at)
       select $1, 'pay' || n, '19000', '19001', 'order-' || n, 4, to_timestamp(n) from n
     )
     insert into fahuo.push_event (appid, key, event, body, applied_at)
     select $1, 'k' || n, 'debug_demo', '{}', now() from n`,
    [appid, events],
  );
  await filler.query(
    `with n as (select n, 'pay' || n as payment from generate_series(1, $2::int) n), trace as (
       insert into fahuo.trace (appid, payment, state, sealed_phone, finished_at) select $1, payment, 'signed', null, now() from n
     ), call as (
       insert into fahuo.receipt_call (appid, payment, kind, outcome, duration_ms) select $1, payment, 'notify', 'accepted', 5 from n
     )
     insert into fahuo.receipt (appid, payment, transaction_id, received_at, origin, state, finished_at)
     select $1, case when n % 10 = 0 then '19000:order-' || n else payment end, payment, now(), 'shop', 'acknowledged', now() from n`,
    [appid, events],
  );
  await filler.query(`update fahuo.relay_cursor set cursor = $1`, [events]);
  await filler.query(
    `insert into fahuo.consumer_offset (consumer_group, topic, partition, next_offset) values ('g', 't', 0, $1)`,
    [events],
  );
  await filler.query('analyze');
  await filler.end();
}, 600_000);
afterAll(() => database.drop());

type Node = { 'Node Type': string; 'Relation Name'?: string; 'Plan Rows': number; Plans?: Node[] };
type Statement = string | { text: string; values?: unknown[] };

const large =
  /^(upload|outbox_p0|attempt|dead_letter|refused_offer|upload_repeat|payment|push_event|receipt|receipt_call|trace)$/;
const scansIn = (node: Node): string[] => [
  ...(node['Node Type'] === 'Seq Scan' && large.test(node['Relation Name'] ?? '')
    ? [node['Relation Name'] ?? '']
    : []),
  ...(node.Plans ?? []).flatMap(scansIn),
];

const tablesIn = (node: Node): string[] => [
  ...(node['Relation Name'] === undefined ? [] : [node['Relation Name']]),
  ...(node.Plans ?? []).flatMap(tablesIn),
];

/** Explains every statement before it runs. */
function explaining(): Queryable {
  scans = [];
  const query = async (statement: Statement, values?: unknown[]) => {
    const { text, values: own } = typeof statement === 'string' ? { text: statement, values } : statement;
    const { rows } = await database.pool.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
      `explain (format json) ${text}`,
      own,
    );
    const found = scansIn(rows[0]!['QUERY PLAN'][0].Plan);
    scans.push(...found.map((table) => `${table}: ${text.trim().slice(0, 80)}`));
    return database.pool.query(text, own);
  };
  return { query } as unknown as Queryable;
}

const upload = (number: number): NewUpload => ({
  appid,
  payment: number % 10 === 0 ? `19000:order-${number}` : `pay${number}`,
  version: 1,
  kind: 'shipped',
  event_id: `e${number}`,
  source: '/orders',
  event_time: '2026-11-23T10:00:00+08:00',
  reason: null,
  approved_by: null,
  traceparent: null,
  published_ms: null,
  notes: null,
  topic: 't',
  partition: 0,
  offset: number - 1,
  body: '{}',
  body_hash: 'h',
});

describe('with 200,000 rows in the tables, nothing that is asked of them reads one whole', () => {
  it.each([1, 500])('a redelivery of %i: the insert, and the look-up of what it left out', async (count) => {
    const uploads = Array.from({ length: count }, (_, at) => upload(1_000 + at));
    const db = explaining();
    const progress = { group: 'g', topic: 't', partition: 0, next: events };
    expect(await insertUploads(db, uploads, { acknowledgements: true, progress })).toMatchObject({
      count: 0,
    });
    expect(await readRivals(db, uploads)).toHaveLength(count);
    expect(scans).toEqual([]);
  });

  it.each([
    ['transaction_id', `transaction_id = 'pay123'`, 'e123'],
    ['mchid and out_trade_no', `mchid = '19000' and out_trade_no = 'order-120'`, 'e120'],
    ['event_id', `event_id = 'e120'`, 'e120'],
  ])("README's own query, by %s, as the writer it is meant for", async (_, condition, eventId) => {
    const connection = await database.pool.connect();
    try {
      await connection.query('set role fahuo_writer');
      const query = `select * from fahuo.acknowledgements where ${condition}`;
      const { rows: plan } = await connection.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
        `explain (format json) ${query}`,
      );
      expect(scansIn(plan[0]!['QUERY PLAN'][0].Plan)).toEqual([]);
      const { rows } = await connection.query<{ event_id: string }>(query);
      expect(rows.map((row) => row.event_id)).toEqual([eventId]);
    } finally {
      await connection.query('reset role');
      connection.release();
    }
  });

  it.each([
    [`transaction_id = 'pay123'`, ['e123', 'r123']],
    [`transaction_id = any ('{pay123,dead123,offer123,had123}')`, ['b123', 'd123', 'e123', 'f123', 'r123']],
    [`mchid = '19000' and out_trade_no = 'order-120'`, ['e120', 'r120']],
    [
      `mchid = '19000' and out_trade_no = any ('{order-50000,dead-120,offer-120,had-120}')`,
      ['b120', 'd120', 'e50000', 'f120', 'r50000'],
    ],
    [`event_id = 'e120'`, ['e120']],
    [`event_id = any ('{e50001,d120,f120,r120,b120}')`, ['b120', 'd120', 'e50001', 'f120', 'r120']],
    [`appid = '${appid}' and transaction_id = 'dead7' and state = 'rejected'`, ['d7']],
  ])('what has become of an event, as its writer asks: %s', async (condition, expected) => {
    const connection = await database.pool.connect();
    try {
      await connection.query('set role fahuo_writer');
      for (const view of ['events', 'acknowledgements']) {
        const query = `select * from fahuo.${view} where ${condition}`;
        const { rows: plan } = await connection.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
          `explain (format json) ${query}`,
        );
        expect(scansIn(plan[0]!['QUERY PLAN'][0].Plan)).toEqual([]);
        const { rows } = await connection.query<{ event_id: string }>(query);
        const found = rows.map((row) => row.event_id).sort();
        if (view === 'events') expect(found).toEqual(expected);
        // Who does not ask for the money pays nothing for it.
        const { rows: brief } = await connection.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
          `explain (format json) ${query.replace('*', 'event_id, state')}`,
        );
        expect(tablesIn(brief[0]!['QUERY PLAN'][0].Plan)).not.toContain('payment');
      }
    } finally {
      await connection.query('reset role');
      connection.release();
    }
  });

  it('the money of a payment that its events name by either of its names', async () => {
    const { rows } = await database.pool.query<{ event_id: string; settled_at: Date }>(
      `select event_id, settled_at from fahuo.events where transaction_id = 'pay123'
       union all select event_id, settled_at from fahuo.events where mchid = '19000' and out_trade_no = 'order-120' order by 1`,
    );
    expect(rows).toEqual([
      { event_id: 'e120', settled_at: new Date(120_000) },
      { event_id: 'e123', settled_at: new Date(123_000) },
      { event_id: 'r120', settled_at: new Date(120_000) },
      { event_id: 'r123', settled_at: new Date(123_000) },
    ]);
  });

  it('what waits of the pushes, and what WeChat warned of', async () => {
    expect(await readPushHealth(explaining())).toMatchObject({ waiting: 0, warnings: [] });
    expect(scans).toEqual([]);
  });

  it('what waits of the receipts', async () => {
    expect(await readReceiptHealth(explaining())).toEqual({ waiting: 0, followed: 0, unknown: 0 });
    expect(scans).toEqual([]);
  });

  it('the story of a payment, with the events that wait behind it', async () => {
    const { rows } = await database.pool.query<{ id: number }>(
      `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
       values ('late', 'fahuo.shipment.shipped.v1', '/orders', '2026-11-23T10:00:00+08:00', $1, 'pay777', 2, '{}') returning id`,
      [appid],
    );
    const story = await tellStory(explaining(), 'pay777', topics);
    expect(scans).toEqual([]);
    expect(story.outbox.map(({ id, location }) => [id, location?.offset ?? null])).toEqual([
      [777, 776],
      [rows[0]!.id, null],
    ]);
    expect(story.uploads).toMatchObject([{ eventId: 'e777', tries: [{ outcome: 'accepted' }] }]);
    expect(story.told).toMatchObject([{ orderState: 4 }]);
    expect(story.receipt).toMatchObject({
      reminders: [{ state: 'acknowledged' }],
      traces: [{}],
      calls: [{}],
    });
    for (const name of ['19000:order-770', '19001:order-770'])
      // the second is the sub-merchant's
      expect((await tellStory(explaining(), name, topics)).told).toMatchObject([{ orderState: 4 }]);
    expect(scans).toEqual([]);
  });

  it.each([
    ['that is uploaded', 'pay123', { events: 1, acknowledged: 1 }],
    ['that waits to be published', 'pay-new', { events: 0 }],
  ])('a replay of one payment %s', async (_, payment, plan) => {
    await database.pool.query(
      `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
       values ($1, 'fahuo.shipment.shipped.v1', '/orders', '2026-11-23T10:00:00+08:00', $2, $3, 9, '{}')`,
      [`${payment}-9`, appid, payment],
    );
    const deps = { pool: explaining() } as unknown as ReplayDeps; // nothing is missing, so Kafka is not asked
    const options = { topic: topics.events, acks: topics.acks } as ReplayOptions;
    expect(await planReplay(deps, options, { kind: 'payment', payment })).toMatchObject({ plan, ranges: [] });
    expect(scans).toEqual([]);
  });

  it('a replay of the parked ones', async () => {
    const db = explaining();
    expect(await readByState(db, 'parked')).toHaveLength(events / 1_000);
    expect(scans).toEqual([]);
  });

  it.each(listStates)('a list of what is %s, of one reason or of all', async (state) => {
    const db = explaining();
    for (const [reason, limit] of [[null, 5] as const, ['conflict', 5] as const])
      await readListed(db, state, { olderThanMs: 0, reason, appid: null, limit });
    await readListed(db, state, { olderThanMs: 0, reason: null, appid, limit: 5 });
    expect(scans).toEqual([]);
  });

  it.each([
    { ids: [7, 9], payment: null, reason: null },
    { ids: null, payment: 'dead7', reason: 'invalid' },
    { ids: null, payment: null, reason: 'invalid' },
  ])('the letters to be redriven: %o', async (chosen) => {
    const db = explaining();
    expect((await readOpenLetters(db, { ...chosen, limit: 2, after: 0 })).length).toBeGreaterThan(0);
    expect(scans).toEqual([]);
  });

  it('the status and the gauges; the final states of a large table are estimated', async () => {
    const db = explaining();
    const few = events / 1_000;
    expect(await readUnfinished(db)).toMatchObject([{ rows: few }, { rows: 0 }, { rows: 0 }, { rows: few }]);
    expect(await countParked(db)).toEqual([{ reason: 'conflict', rows: few }]);
    const { estimated, counts } = await countFinal(db, 1);
    expect(scans).toEqual([]);
    expect(estimated).toBe(true);
    expect(counts).toHaveLength(3);
    expect(Math.abs(counts[0]!.rows / (events * 0.997) - 1)).toBeLessThan(0.05);
    expect(await countFinal(database.pool)).toMatchObject({ estimated: false });
  });
});
