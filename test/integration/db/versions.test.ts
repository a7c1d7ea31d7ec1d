import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from 'pg';
import { connectAlone, inTransaction } from '../../../db/client.ts';
import { enqueue } from '../../../src/outbox/enqueue.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid, shippedEvent, type LooseEvent } from '../../support/events.ts';
import { createRandom } from '../../support/random.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

let ids = 0;
const versionless = (payment: string): LooseEvent => {
  const { version: _drawn, ...event } = shippedEvent({ payment, id: `drawn-${++ids}` });
  return event;
};
const write = async (db: Pick<Client, 'query'>, event: unknown): Promise<number> =>
  (await db.query<{ id: number }>('select fahuo.enqueue($1) as id', [JSON.stringify(event)])).rows[0]!.id;
const versionsOf = async (payment: string): Promise<number[]> =>
  (
    await database.pool.query<{ version: number }>(
      'select version from fahuo.outbox where payment = $1 order by id',
      [payment],
    )
  ).rows.map(({ version }) => version);

describe('an event without a version', () => {
  it('has the payment’s next, after those that were drawn and those that were given', async () => {
    const { pool } = database;
    await write(pool, versionless('next'));
    await write(pool, versionless('next'));
    await write(pool, shippedEvent({ payment: 'next', version: 9 }));
    await write(pool, versionless('next'));
    await inTransaction(pool, (tx) => enqueue(tx, versionless('next')));
    expect(await versionsOf('next')).toEqual([1, 2, 9, 10, 11]);
  });

  it('has one above what is being uploaded, and above what retention has left of the payment', async () => {
    await database.pool.query(
      `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset", body, body_hash)
       values ($1, 'uploaded', 41, 'shipped', 'u-41', 's', 't', 't', 0, 0, '{}', 'h')`,
      [appid],
    );
    await database.pool.query(
      `insert into fahuo.tombstone (appid, payment, last_version, finished, chance_spent) values ($1, 'forgotten', 5, true, false)`,
      [appid],
    );
    await write(database.pool, versionless('uploaded'));
    await write(database.pool, versionless('forgotten'));
    expect([await versionsOf('uploaded'), await versionsOf('forgotten')]).toEqual([[42], [6]]);
  });

  it('has a version of its own whoever writes at the same time, some of whom roll back: unique, and rising with the ids', async () => {
    const random = createRandom(5);
    const payments = ['race-0', 'race-1', 'race-2'];
    const writers = Array.from({ length: 8 }, async () => {
      const client = await connectAlone(database.url, 'test');
      for (let n = 0; n < 30; n++) {
        await client.query('begin');
        // In one order, or two writers of two payments wait for one another.
        for (const payment of payments.filter(() => random() < 0.7))
          await write(client, versionless(payment));
        await client.query(random() < 0.3 ? 'rollback' : 'commit');
      }
      await client.end();
    });
    await Promise.all(writers);
    for (const payment of payments) {
      const versions = await versionsOf(payment);
      expect(versions.length).toBeGreaterThan(50);
      expect(versions).toEqual([...new Set(versions)].sort((left, right) => left - right));
    }
  });

  it('is a serialization failure under REPEATABLE READ rather than a version twice', async () => {
    await write(database.pool, versionless('frozen'));
    const client = await connectAlone(database.url, 'test');
    try {
      await client.query('begin isolation level repeatable read');
      await client.query('select 1');
      await write(database.pool, versionless('frozen'));
      await expect(write(client, versionless('frozen'))).rejects.toMatchObject({ code: '40001' });
    } finally {
      await client.end();
    }
    expect(await versionsOf('frozen')).toEqual([1, 2]);
  });
});

describe('an event that came before', () => {
  it('with the same content is the earlier row, whatever its spelling and whether it had a version', async () => {
    const { pool } = database;
    const event = shippedEvent({ payment: 'again' });
    const id = await write(pool, event);
    const { version: _given, ...unversioned } = event;
    const respelt = structuredClone(event);
    respelt.data['is_all_delivered'] = null;
    for (const same of [event, unversioned, respelt, { ...event, time: '2026-11-24T10:00+0800' }])
      expect(await write(pool, same)).toBe(id);
    expect(await versionsOf('again')).toEqual([1]);
    const drawn = versionless('again');
    const second = await write(pool, drawn);
    expect(await write(pool, drawn)).toBe(second);
  });

  it('with other content is refused, and so is another event of its payment and version; each says what to do', async () => {
    const { pool } = database;
    const event = shippedEvent({ payment: 'other', id: 'other-1' });
    await write(pool, event);
    const changed = structuredClone(event);
    changed.data.shipping_list[0]!['item_desc'] = '梨';
    const sameId = {
      code: '23505',
      message: expect.stringMatching(
        /other-1 of \/orders came before.*new id and the next version/,
      ) as string,
    };
    await expect(write(pool, changed)).rejects.toMatchObject(sameId);
    await expect(write(pool, { ...event, version: 2 })).rejects.toMatchObject(sameId);
    await expect(
      write(pool, { ...shippedEvent({ payment: 'another', id: 'other-1' }) }),
    ).rejects.toMatchObject(sameId);
    await expect(write(pool, { ...changed, id: 'other-2' })).rejects.toMatchObject({
      code: '23505',
      message: expect.stringMatching(
        /version 1 of payment other came before by the event other-1: send the next/,
      ) as string,
    });
    expect(await write(pool, { ...event, source: '/shop-b', version: 2 })).toBeGreaterThan(0);
  });

  it('is known by its upload when its row has gone, and is then none of the outbox’s', async () => {
    const event = shippedEvent({ payment: 'gone', id: 'gone-1' });
    await database.pool.query(
      `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset", body, body_hash)
       values ($1, 'gone', 1, 'shipped', 'gone-1', '/orders', 't', 't', 0, 1, $2, 'h')`,
      [appid, JSON.stringify(event.data)],
    );
    expect(await write(database.pool, event)).toBe(0);
    await expect(write(database.pool, { ...event, id: 'gone-2' })).rejects.toThrow(
      'came before by the event gone-1',
    );
  });
});

describe('what was written lately', () => {
  it('is looked for in the partitions beside the last id, and locks no other until the writer’s transaction ends', async () => {
    const { pool } = database;
    const partitions = async (): Promise<string[]> => {
      const client = await connectAlone(database.url, 'test');
      try {
        await client.query('begin');
        await write(client, shippedEvent({ payment: `locks-${++ids}` }));
        const { rows } = await client.query<{ name: string }>(
          `select distinct relation::regclass::text as name from pg_locks where pid = pg_backend_pid() and relation::regclass::text ~ '^fahuo[.]outbox_p[0-9]+$' order by 1`,
        );
        return rows.map(({ name }) => name);
      } finally {
        await client.end();
      }
    };
    expect(await partitions()).toEqual(['fahuo.outbox_p0', 'fahuo.outbox_p1']);
    await pool.query(`select setval('fahuo.outbox_id_seq', 3500000)`);
    for (const n of [2, 3, 4, 5]) await pool.query('select fahuo.make_outbox_partition($1)', [n]);
    expect(await partitions()).toEqual(['fahuo.outbox_p2', 'fahuo.outbox_p3', 'fahuo.outbox_p4']);
    const event = shippedEvent({ payment: 'over-the-edge' });
    const id = await write(pool, event);
    expect(await write(pool, event)).toBe(id);
    await pool.query('drop table fahuo.outbox_p2'); // a person's doing, which writers do not feel
    expect(await write(pool, shippedEvent({ payment: 'after-the-drop' }))).toBeGreaterThan(id);
  });
});
