import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acknowledgementColumns, acknowledgementInsert } from '../../../src/upload/acknowledgement-store.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** The sessions of this database that wait for a lock, and those that have the outbox locked to write to it. */
const lockers = async (): Promise<{ waiting: number; writers: number }> => {
  const { rows } = await database.pool.query<{ waiting: number; writers: number }>(
    `select count(distinct pid) filter (where not granted) as waiting,
       count(distinct pid) filter (where granted and mode = 'RowExclusiveLock'
         and relation in (select c.oid from pg_class c where c.relname like 'outbox%'
           and c.relnamespace = 'fahuo'::regnamespace)) as writers
     from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database())`,
  );
  return rows[0]!;
};

describe('a redelivered event', () => {
  it('whose row somebody has locked waits, and the relay does not wait for it', async () => {
    await acceptEvents(database.pool, [shippedEvent({ payment: 'p' })]);
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query(`delete from fahuo.upload where payment = 'p'`);
    const accepted = acceptEvents(database.pool, [shippedEvent({ payment: 'p' })]);
    try {
      await eventually(async () => expect((await lockers()).waiting).toBe(1));
      expect(await lockers()).toEqual({ waiting: 1, writers: 0 });
    } finally {
      await other.query('rollback');
      other.release();
    }
    expect(await accepted).toMatchObject({ duplicate: 1 });
  });
});

describe('an event that is older than an acknowledged one', () => {
  it('is acknowledged as superseded, in the outbox and in the view alike', async () => {
    await acceptEvents(database.pool, [shippedEvent({ payment: 'q', version: 2 })]);
    await database.pool.query(
      `update fahuo.upload set state = 'acknowledged', finished_at = now() where payment = 'q'`,
    );
    const late = {
      ...shippedEvent({ payment: 'q', version: 1 }),
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    };
    expect(await acceptEvents(database.pool, [late])).toMatchObject({ superseded: 1 });
    const { rows } = await database.pool.query<{ data: string } & Record<string, unknown>>(
      `select o.event_id = 'ack-' || u.id || '-' || floor(extract(epoch from u.finished_at) * 1000)::bigint as named, o.type, o.source, o.payment, o.version, o.traceparent, o.data
       from fahuo.outbox o join fahuo.upload u using (payment, version) where payment = 'q'`,
    );
    expect(rows).toMatchObject([
      {
        named: true,
        type: 'fahuo.shipment.acknowledged.v1',
        source: 'fahuo',
        version: 1,
        traceparent: late.traceparent,
      },
    ]);
    expect(JSON.parse(rows[0]!.data)).toMatchObject({
      payment: 'q',
      version: 1,
      event_id: 'q-1',
      state: 'superseded',
      attempts: 0,
      detail: 'a newer version was acknowledged before this one arrived',
    });
  });

  it('is answered under another name each time that it ends', async () => {
    await acceptEvents(database.pool, [shippedEvent({ payment: 'again' })]);
    for (const second of [1, 2])
      await database.pool.query(
        `with ended as (
           update fahuo.upload set state = 'acknowledged', finished_at = to_timestamp($1) where payment = 'again'
           returning ${acknowledgementColumns('upload')}
         ) ${acknowledgementInsert('ended')}`,
        [second],
      );
    const { rows } = await database.pool.query<{ name: string }>(
      `select regexp_replace(event_id, '^ack-[0-9]+', 'ack') as name from fahuo.outbox where payment = 'again' order by id`,
    );
    expect(rows).toEqual([{ name: 'ack-1000' }, { name: 'ack-2000' }]);
  });

  it('leaves no word in the outbox where acknowledgements are not wanted, and none comes of a redelivery', async () => {
    const late = shippedEvent({ payment: 'q', version: 1 });
    const count = async (): Promise<number> =>
      (await database.pool.query<{ n: number }>('select count(*) as n from fahuo.outbox')).rows[0]!.n;
    const before = await count();
    expect(await acceptEvents(database.pool, [late])).toMatchObject({ duplicate: 1 });
    const older = shippedEvent({ payment: 'r', version: 1 });
    await acceptEvents(database.pool, [shippedEvent({ payment: 'r', version: 2 })]);
    await database.pool.query(
      `update fahuo.upload set state = 'acknowledged', finished_at = now() where payment = 'r'`,
    );
    await acceptEvents(database.pool, [older], { acknowledgements: false });
    expect(await count()).toBe(before);
  });
});
