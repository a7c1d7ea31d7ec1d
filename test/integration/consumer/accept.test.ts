import { systemClock } from '../../../src/clock.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { acceptChunk } from '../../../src/consumer/chunk.ts';
import { decode } from '../../../src/consumer/decode.ts';
import { acceptMessages } from '../../../src/consumer/handle.ts';
import { headersIn } from '../../../src/consumer/letter-headers.ts';
import { renderUpload } from '../../../src/consumer/render.ts';
import { readProgress } from '../../../src/consumer/store.ts';
import type { Received } from '../../../src/kafka/message.ts';
import { createLog } from '../../../src/log.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { Planner } from '../../../src/replay/plan.ts';
import { readRivals } from '../../../src/upload/insert-store.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { createRandom } from '../../support/random.ts';

const log = createLog({ level: 'silent' });
const options = {
  carriers: bundledCarriers(),
  maskContacts: false,
  clock: systemClock,
  acknowledgements: true,
};

let database: TestDatabase;
let nextOffset: number;
beforeEach(async () => {
  database = await createDatabase();
  nextOffset = 0;
});
afterEach(() => database.drop());

const messageOf = (value: string | Buffer): Received => ({
  topic: 't',
  partition: 0,
  offset: nextOffset++,
  key: Buffer.from('k'),
  value: Buffer.from(value),
  headers: { 'content-type': Buffer.from('application/cloudevents+json') },
});

type Change = {
  payment: string;
  version?: number;
  id?: string;
  source?: string;
  text?: string;
  corrected?: boolean;
};

function eventMessage({ text, corrected, source, ...rest }: Change): Received {
  const event = shippedEvent(rest);
  if (source !== undefined) event['source'] = source;
  if (text !== undefined) event.data.shipping_list[0]!['item_desc'] = text;
  const type = { type: 'fahuo.shipment.corrected.v1', reason: 'wrong text', approved_by: 'li' };
  return messageOf(JSON.stringify(corrected === true ? { ...event, ...type } : event));
}

const accept = (...messages: Received[]) => acceptUpTo(null, ...messages);
const acceptUpTo = (next: number | null, ...messages: Received[]) =>
  acceptMessages({ pool: database.pool, log, metrics: createMetrics() }, messages, {
    ...options,
    ...(next === null ? {} : { progress: { group: 'g', topic: 't', partition: 0, next } }),
  });
const noted = async (): Promise<number | undefined> => (await readProgress(database.pool, 'g', 't')).get(0);

type Upload = { event_id: string; payment: string; version: number; state: string; offset: number };
type DeadLetter = { offset: number; reason: string; detail: string; event_id: string | null };

const uploads = async (): Promise<Upload[]> =>
  (
    await database.pool.query<Upload>(
      `select event_id, payment, version, state::text, "offset" from fahuo.upload order by "offset"`,
    )
  ).rows;
const deadLetters = async (): Promise<DeadLetter[]> =>
  (
    await database.pool.query<DeadLetter>(
      `select "offset", reason::text, detail, event_id from fahuo.dead_letter order by "offset"`,
    )
  ).rows;

/** What a dry run would say of them. */
const plan = async (...messages: Received[]) => {
  const planner = new Planner();
  const decoded = messages.map((message) => decode(message, options));
  const asked = decoded.flatMap((one) => (one.kind === 'event' ? [renderUpload(one)] : []));
  planner.add(decoded, await readRivals(database.pool, asked));
  return planner.plan;
};

const acknowledge = (payment: string): Promise<unknown> =>
  database.pool.query(
    `update fahuo.upload set state = 'acknowledged', finished_at = now()
     where payment = $1 and state = 'pending'`,
    [payment],
  );

describe('the door of the consumer', () => {
  it('takes a redelivery for what it is: nothing is inserted, nothing is dead', async () => {
    const messages = [eventMessage({ payment: 'a' }), eventMessage({ payment: 'b' })];
    expect(await accept(...messages)).toEqual({ inserted: 2, duplicate: 0, superseded: 0, dead: 0 });
    expect(await accept(...messages)).toEqual({ inserted: 0, duplicate: 2, superseded: 0, dead: 0 });
  });

  it('dead-letters a version, or an event id, that comes again with other content', async () => {
    await accept(
      eventMessage({ payment: 'a' }),
      eventMessage({ payment: 'a', id: 'other', text: '换了' }),
      eventMessage({ payment: 'b', id: 'a-1' }),
      eventMessage({ payment: 'a', id: 'again' }),
    );
    expect((await uploads()).map((row) => row.event_id)).toEqual(['a-1']);
    expect(await deadLetters()).toMatchObject([
      { offset: 1, reason: 'conflict', event_id: 'other' },
      { offset: 2, reason: 'conflict', event_id: 'a-1' },
    ]);
  });

  it('knows an event by its source and its id: two shops may count alike', async () => {
    const a = eventMessage({ payment: 'a', id: 'order-17-1', source: '/shop-a' });
    const b = eventMessage({ payment: 'b', id: 'order-17-1', source: '/shop-b' });
    const messages = [a, b, eventMessage({ payment: 'c', id: 'order-17-1', source: '/shop-b' })];
    expect(await plan(...messages)).toMatchObject({ toSend: 2, dead: 1 });
    expect(await accept(...messages)).toEqual({ inserted: 2, duplicate: 0, superseded: 0, dead: 1 });
    expect((await uploads()).map((row) => row.payment)).toEqual(['a', 'b']);
    expect(await deadLetters()).toMatchObject([{ reason: 'conflict', event_id: 'order-17-1' }]);
    expect(await accept(...messages.slice(0, 2))).toMatchObject({ duplicate: 2 });
    expect(await plan(...messages)).toMatchObject({ underWay: 2, dead: 1 });
  });

  it('loses no message that shares its event id with the row that was inserted from the same batch', async () => {
    await accept(eventMessage({ payment: 'p', version: 2, id: 'first' }));
    const clash = eventMessage({ payment: 'p', version: 2, id: 'shared', text: '换了' });
    const fine = eventMessage({ payment: 'q', id: 'shared' });
    expect(await accept(clash, fine)).toEqual({ inserted: 1, duplicate: 0, superseded: 0, dead: 1 });
    expect(await deadLetters()).toMatchObject([{ offset: clash.offset, reason: 'conflict' }]);
    expect(await uploads()).toMatchObject([{ payment: 'p' }, { payment: 'q', offset: fine.offset }]);
  });

  it('records a version that is older than an acknowledged one as superseded, and tells so', async () => {
    await accept(eventMessage({ payment: 'a', version: 2 }));
    await acknowledge('a');
    expect(await accept(eventMessage({ payment: 'a', version: 1 }))).toMatchObject({ superseded: 1 });
    const { rows } = await database.pool.query(
      'select version, state::text from fahuo.acknowledgements order by version',
    );
    expect(rows).toEqual([
      { version: 1, state: 'superseded' },
      { version: 2, state: 'acknowledged' },
    ]);
  });

  it('takes one correction a payment, and another when the first failed', async () => {
    await accept(eventMessage({ payment: 'a', version: 2, corrected: true, text: '一' }));
    const second = eventMessage({ payment: 'a', version: 3, corrected: true, text: '二' });
    expect(await accept(second)).toMatchObject({ inserted: 0, dead: 1 });
    expect(await deadLetters()).toMatchObject([{ reason: 'second_correction', event_id: 'a-3' }]);
    await database.pool.query(`update fahuo.upload set state = 'rejected', finished_at = now()`);
    const third = eventMessage({ payment: 'a', version: 4, corrected: true, text: '三' });
    expect(await accept(third)).toMatchObject({ inserted: 1, dead: 0 });
  });

  it('finds the one row that the database refuses, and takes the others of its chunk', async () => {
    await database.pool.query(
      `alter table fahuo.upload add constraint no_poison check (event_id not like 'poison%')`,
    );
    const messages = Array.from({ length: 300 }, (_, at) =>
      eventMessage({ payment: `p${at}`, ...(at % 100 === 7 ? { id: `poison${at}` } : {}) }),
    );
    expect(await accept(...messages)).toEqual({ inserted: 297, duplicate: 0, superseded: 0, dead: 3 });
    const letters = await deadLetters();
    expect(letters.map((letter) => letter.offset)).toEqual([7, 107, 207]);
    expect(letters[0]!.detail).toContain('no_poison');
  });

  it('keeps key, value and headers of a dead letter as they were', async () => {
    const bytes = Buffer.from([0, 1, 0xff, 0x22, 0xfe]);
    const rawHeaders = [
      { name: 'binary', value: bytes },
      { name: '', value: Buffer.alloc(0) },
      { name: 'subject', value: null },
      { name: 'binary', value: Buffer.from([0xff]) },
    ];
    await accept({ ...messageOf(bytes), key: bytes, headers: {}, rawHeaders });
    const { rows } = await database.pool.query<{ key: Buffer; value: Buffer; headers: string }>(
      'select key, value, headers from fahuo.dead_letter',
    );
    expect(rows[0]!.key).toEqual(bytes);
    expect(rows[0]!.value).toEqual(bytes);
    expect(headersIn(rows[0]!.headers)).toEqual(rawHeaders);
  });

  it('keeps both dead letters of one offset when the topic was made again, and one of a message that comes again', async () => {
    const first = messageOf('{"old');
    const other = { ...messageOf('{"new'), offset: first.offset };
    expect(await accept(first)).toMatchObject({ dead: 1 });
    expect(await accept(other)).toMatchObject({ dead: 1 });
    await accept(first, other);
    const { rows } = await database.pool.query<{ value: Buffer }>(
      'select value from fahuo.dead_letter order by id',
    );
    expect(rows.map(({ value }) => value.toString())).toEqual(['{"old', '{"new']);
    const headers = { ...first, headers: { 'content-type': Buffer.from('text/plain') } };
    const key = { ...first, key: null };
    await accept(headers, key);
    expect(await deadLetters()).toHaveLength(4);
  });

  it('notes how far the group is with the last of the rows, new or known, and past what no read shows', async () => {
    const [a, b] = [eventMessage({ payment: 'a' }), eventMessage({ payment: 'b' })];
    await acceptUpTo(2, a, b);
    expect(await noted()).toBe(2);
    await acceptUpTo(1, a); // sent back: from here on again
    expect(await noted()).toBe(1);
    await acceptUpTo(5, messageOf('{'), eventMessage({ payment: 'c' }));
    expect(await noted()).toBe(5);
    await accept(eventMessage({ payment: 'd' })); // a replay has no place to keep
    expect(await noted()).toBe(5);
  });

  it('notes no progress past a message that is not in yet', async () => {
    const many = Array.from({ length: 1_000 }, (_, at) => eventMessage({ payment: `p${at}` }));
    await acceptUpTo(1_000, ...many);
    expect(await noted()).toBe(1_000);
    await database.pool.query('alter table fahuo.dead_letter rename to away');
    const good = Array.from({ length: 500 }, (_, at) => eventMessage({ payment: `q${at}` }));
    const conflict = eventMessage({ payment: 'p1', id: 'other', text: '换了' });
    await expect(acceptUpTo(1_501, ...good, conflict)).rejects.toThrow('dead_letter');
    expect(await noted()).toBe(1_500); // the first chunk is in
    await expect(acceptUpTo(1_502, messageOf('{'), eventMessage({ payment: 'r' }))).rejects.toThrow(
      'dead_letter',
    );
    expect(await noted()).toBe(1_500);
    await database.pool.query('alter table fahuo.away rename to dead_letter');
    await acceptUpTo(1_501, conflict);
    expect(await noted()).toBe(1_501);
  });

  it('lets several instances offer the same messages at once: one row an event', async () => {
    const messages = Array.from({ length: 1_200 }, (_, at) => eventMessage({ payment: `p${at % 1_000}` }));
    const results = await Promise.all(
      Array.from({ length: 4 }, (_, instance) =>
        accept(...messages.slice(0, instance * 37), ...messages.slice(instance * 37)),
      ),
    );
    expect(results.reduce((sum, result) => sum + result.inserted, 0)).toBe(1_000);
    expect(results.map((result) => result.inserted + result.duplicate)).toEqual([1_200, 1_200, 1_200, 1_200]);
    expect(await uploads()).toHaveLength(1_000);
    expect(await deadLetters()).toEqual([]);
  });
});

/** Events over few payments, versions and ids, so that everything that can clash does. */
function clashingMessages(seed: number, count: number): Received[] {
  const random = createRandom(seed);
  const pick = (limit: number): number => Math.floor(random() * limit);
  return Array.from({ length: count }, () => {
    const change = { payment: `p${pick(40)}`, version: 1 + pick(6), text: `货 ${pick(2)}` };
    if (random() < 0.1) return messageOf('{"oops"');
    if (random() < 0.1) return messageOf(JSON.stringify({ ...shippedEvent(change), id: 'a\u0000b' }));
    return eventMessage({
      ...change,
      ...(random() < 0.5 ? { id: `e${pick(200)}` } : {}),
      ...(random() < 0.2 ? { source: '/shop-b' } : {}),
      corrected: random() < 0.3,
    });
  });
}

describe('an error of our own', () => {
  it('costs the message that it is over, and none of the others', async () => {
    const messages = Array.from({ length: 40 }, (_, at) => eventMessage({ payment: `p${at}` }));
    // What no decoder of ours makes today: text that is no text trips the parameters of the insert.
    const stumbling = { ...messages[17]!, topic: 7 as unknown as string };
    const given = [...messages.slice(0, 17), stumbling, ...messages.slice(18)];
    expect(await acceptUpTo(40, ...given)).toEqual({ inserted: 39, duplicate: 0, superseded: 0, dead: 1 });
    const [letter] = await deadLetters();
    expect(letter).toMatchObject({ offset: 17, reason: 'invalid', event_id: 'p17-1' });
    expect(letter!.detail).toMatch(/^fahuo cannot take it: /);
    expect(await noted()).toBe(40);
  });
});

describe('a message that our own rendering stumbles over', () => {
  it('is a dead letter that its writer finds by its names', async () => {
    const fine = decode(eventMessage({ payment: 'a' }), options);
    const stumbling = decode(eventMessage({ payment: 'b' }), options);
    if (stumbling.kind === 'event') stumbling.event.data = { order_key: null } as never;
    const deps = { pool: database.pool, log, metrics: createMetrics() };
    const chunk = { decoded: [fine, stumbling], progress: null };
    expect(await acceptChunk(deps, chunk, options)).toMatchObject({ inserted: 1, dead: 1 });
    expect(await deadLetters()).toMatchObject([{ offset: 1, reason: 'invalid', event_id: 'b-1' }]);
  });
});

describe('a dry run', () => {
  it.each([4, 5, 6])('counts what the door then does (seed %i)', async (seed) => {
    const messages = clashingMessages(seed, 400);
    await accept(...messages.slice(0, 200));
    for (let payment = 0; payment < 40; payment += 3) await acknowledge(`p${payment}`);
    const planner = new Planner();
    for (let at = 100; at < messages.length; at += 70) {
      const decoded = messages.slice(at, at + 70).map((message) => decode(message, options));
      const asked = decoded.flatMap((one) => (one.kind === 'event' ? [renderUpload(one)] : []));
      planner.add(decoded, await readRivals(database.pool, asked));
    }
    // One by one: of two that share an event id in one statement, Postgres takes whichever it meets first.
    const sum = { inserted: 0, duplicate: 0, superseded: 0, dead: 0 };
    for (const message of messages.slice(100)) {
      const accepted = await accept(message);
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += accepted[name];
    }
    const { plan } = planner;
    expect(plan).toMatchObject({ events: 300, toSend: sum.inserted, dead: sum.dead });
    expect(plan.acknowledged + plan.finished + plan.underWay + plan.parked).toBe(
      sum.duplicate + sum.superseded,
    );
    expect(Object.entries(sum).filter(([, count]) => count < 1)).toEqual([]); // the seed meets every case
  });
});

describe('the guarantee', () => {
  it.each([1, 2, 3])(
    'every message ends in exactly one place: its row, its dead letter, or an equal row (seed %i)',
    async (seed) => {
      const messages = clashingMessages(seed, 600);
      const random = createRandom(seed + 100);
      const sum = { inserted: 0, duplicate: 0, superseded: 0, dead: 0 };
      for (let at = 0; at < messages.length;) {
        const batch = messages.slice(at, at + 1 + Math.floor(random() * 60));
        const accepted = await accept(...batch);
        for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += accepted[name];
        at += batch.length;
        if (random() < 0.3) await accept(...batch); // a redelivery after a crash
        for (let times = 0; times < 5; times++) await acknowledge(`p${Math.floor(random() * 40)}`);
      }
      expect(sum.inserted + sum.duplicate + sum.superseded + sum.dead).toBe(messages.length);

      const rows = await uploads();
      const letters = await deadLetters();
      const inRows = new Set(rows.map((row) => row.offset));
      const inLetters = new Set(letters.map((letter) => letter.offset));
      expect(inRows.size).toBe(rows.length);
      expect(rows.length).toBe(sum.inserted + sum.superseded);
      expect(letters.length).toBe(sum.dead);
      const { rows: bodies } = await database.pool.query<{ payment: string; version: number; body: string }>(
        'select payment, version, body from fahuo.upload',
      );
      const bodyOf = new Map(bodies.map((row) => [`${row.payment}/${row.version}`, row.body]));
      let duplicates = 0;
      for (const message of messages) {
        const places = [inRows, inLetters].filter((place) => place.has(message.offset)).length;
        if (places === 1) continue;
        expect(places).toBe(0);
        const event = JSON.parse(message.value!.toString()) as ReturnType<typeof shippedEvent>;
        const { transaction_id: payment } = event.data['order_key'] as { transaction_id: string };
        expect(bodyOf.get(`${payment}/${String(event['version'])}`)).toBe(JSON.stringify(event.data));
        duplicates += 1;
      }
      expect(duplicates).toBe(sum.duplicate);
      expect(Object.entries(sum).filter(([, count]) => count < 1)).toEqual([]); // the seed meets every case
    },
  );
});
