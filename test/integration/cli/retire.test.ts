import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../support/command.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

beforeEach(async () => {
  await database.pool.query('truncate fahuo.upload, fahuo.serving, fahuo.pause');
  await database.pool.query(
    `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
       body, body_hash, state, park_reason)
     select appid, payment, 1, 'shipped', appid || payment, '/orders', '2026-11-23T10:00:00+08:00', 't', 0,
       row_number() over (), '{}', 'h', state::fahuo.upload_state, reason::fahuo.park_reason
     from (values ('wxOLD', 'p1', 'pending', null), ('wxOLD', 'p2', 'parked', 'older_event'),
       ('wxNEW', 'p3', 'pending', null)) as given (appid, payment, state, reason)`,
  );
});

const retire = (...words: string[]) =>
  runCommand(['retire', ...words, '--reason', 'shop closed', '--json'], { DATABASE_URL: database.url });
const states = async () =>
  (
    await database.pool.query<{ payment: string; state: string }>(
      'select payment, state from fahuo.upload order by payment',
    )
  ).rows;
const untouched = [
  { payment: 'p1', state: 'pending' },
  { payment: 'p2', state: 'parked' },
  { payment: 'p3', state: 'pending' },
];

describe('fahuo retire', () => {
  it('says what it would end, and ends nothing without --execute', async () => {
    const { code, stdout } = await retire('wxOLD');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      executed: false,
      unfinished: expect.arrayContaining([
        { state: 'parked', rows: 1 },
        { state: 'pending', rows: 1 },
      ]) as unknown,
    });
    expect(await states()).toEqual(untouched);
  });

  it('ends the events of this app alone, as rejected with the reason, and forgets its pauses', async () => {
    await database.pool.query(
      `insert into fahuo.pause (appid, endpoint, reason) values ('wxOLD', '*', 'by hand'), ('wxNEW', '*', 'by hand')`,
    );
    const { code, stdout } = await retire('wxOLD', '--execute');
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({
      code: 0,
      executed: true,
      ended: 2,
      left: 0,
    });
    expect(await states()).toEqual([
      { payment: 'p1', state: 'rejected' },
      { payment: 'p2', state: 'rejected' },
      { payment: 'p3', state: 'pending' },
    ]);
    const { rows } = await database.pool.query(
      `select (select array_agg(appid) from fahuo.pause) as paused, detail from fahuo.upload where payment = 'p1'`,
    );
    expect(rows).toEqual([
      { paused: ['wxNEW'], detail: expect.stringMatching(/retired by .*: shop closed$/) as string },
    ]);
  });

  it('ends its reminders, forgets its phones, and lists it no more', async () => {
    await database.pool.query(
      `insert into fahuo.reconcile_sweep (appid, sweep) values ('wxOLD', 'recent'), ('wxNEW', 'recent');
       insert into fahuo.reconcile_wish (appid, transaction_id) values ('wxOLD', 'p'), ('wxNEW', 'p');
       insert into fahuo.receipt (appid, payment, received_at, origin) values ('wxOLD', 'p', now(), 'shop'), ('wxNEW', 'p', now(), 'shop');
       insert into fahuo.trace (appid, payment, sealed_phone) values ('wxOLD', 'p', 'sealed'), ('wxNEW', 'p', 'sealed')`,
    );
    const { code, stdout } = await retire('wxOLD', '--execute');
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({ code: 0, reminders: 1 });
    const { rows } = await database.pool.query(
      `select r.appid, r.state, t.state as trace, t.sealed_phone, s.sweep, w.transaction_id as wish
       from fahuo.receipt r join fahuo.trace t using (appid) left join fahuo.reconcile_sweep s using (appid)
         left join fahuo.reconcile_wish w using (appid) order by 1`,
    );
    expect(rows).toEqual([
      {
        appid: 'wxNEW',
        state: 'pending',
        trace: 'waiting',
        sealed_phone: 'sealed',
        sweep: 'recent',
        wish: 'p',
      },
      { appid: 'wxOLD', state: 'rejected', trace: 'ended', sealed_phone: null, sweep: null, wish: null },
    ]);
  });

  it('fails, to be run again, while rows are leased', async () => {
    await database.pool.query(
      `update fahuo.upload set state = 'uploading', lease_owner = 'one', lease_until = now() + interval '1 minute',
         upload_time = now() where payment = 'p1'`,
    );
    const { code, stdout } = await retire('wxOLD', '--execute');
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({ code: 1, ended: 1, left: 1 });
  });

  it('refuses an app that an instance serves, and names the instance', async () => {
    await database.pool.query(
      `insert into fahuo.serving (appid, instance, seen_at) values ('wxOLD', 'host-1', now())`,
    );
    const { code, stderr } = await retire('wxOLD', '--execute');
    expect(code).toBe(2);
    expect(stderr).toMatch(/wxOLD is served by the instance host-1\nTake it out of FAHUO_APPS_FILE/);
    expect(await states()).toEqual(untouched);
  });

  it('matches nothing where nothing is unfinished', async () => {
    expect((await retire('wxNOBODY')).code).toBe(3);
  });
});
