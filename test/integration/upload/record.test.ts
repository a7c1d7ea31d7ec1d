import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../../../src/log.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { claimPending } from '../../../src/upload/claim-store.ts';
import { Recorder } from '../../../src/upload/recorder.ts';
import type { Decided, LeasedRow } from '../../../src/upload/row.ts';
import { readReply } from '../../../src/wechat/answer.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { accepted } from '../../support/decided.ts';
import { appid } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';

let database: TestDatabase;
let recorder: Recorder;
beforeEach(async () => {
  database = await createDatabase();
  recorder = new Recorder(
    { pool: database.pool, log: createLog({ level: 'silent' }), metrics: createMetrics() },
    { owner: 'test', acknowledgements: true, retryMs: 20 },
  );
});
afterEach(async () => {
  recorder.giveUp();
  await database.drop();
});

/** Claimed rows, one a payment: p1, p2 … */
async function claimed(count: number, name = 'p'): Promise<LeasedRow[]> {
  await database.pool.query(
    `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
       body, body_hash)
     select $1, $3 || n, 1, 'shipped', $3 || n, '/orders', '2026-11-23T10:00:00+08:00', 't', 0, n, '{}', md5(n::text)
     from generate_series(1, $2::int) n`,
    [appid, count, name],
  );
  const rows = await claimPending(database.pool, {
    appid,
    owner: 'test',
    leaseMs: 60_000,
    limit: Math.max(1, count),
    acknowledgements: true,
    dueSinceMs: null,
  });
  return rows.sort((left, right) => left.id - right.id);
}

const answered = (row: LeasedRow, body: string): Decided => ({
  ...accepted(row),
  attempts: [
    {
      kind: 'send',
      outcome: 'accepted',
      uploadTimeMs: row.uploadTimeMs,
      answer: readReply(200, body, 5, []).answer,
    },
  ],
});

type Line = {
  payment: string;
  state: string;
  errcode: number | null;
  errmsg: string | null;
  detail: string | null;
};
const linesOf = async (): Promise<Line[]> =>
  (
    await database.pool.query<Line>(
      'select payment, state::text, errcode, errmsg, detail from fahuo.upload order by id',
    )
  ).rows;
const statesOf = async (): Promise<string[]> => (await linesOf()).map(({ state }) => state);
const countOf = async (table: string): Promise<number> =>
  (await database.pool.query<{ n: number }>(`select count(*) as n from fahuo.${table}`)).rows[0]!.n;

describe('the recorder', () => {
  it('records any integer that WeChat gives as a code, and texts of any length', async () => {
    const rows = await claimed(4);
    const bodies = [
      '{"errcode":0,"errmsg":"ok"}',
      '{"errcode":3000000000,"errmsg":"odd"}',
      `{"errcode":7,"errmsg":"${'\\u0001😀'.repeat(150_000)}"}`,
      '{"errcode":-9007199254740991,"errmsg":"\\u0000\\ud800"}',
    ];
    const done = await Promise.all(rows.map((row, at) => recorder.record(answered(row, bodies[at]!))));
    expect(done).toEqual(['done', 'done', 'done', 'done']);
    const lines = await linesOf();
    expect(lines.map(({ errcode }) => errcode)).toEqual([0, 3_000_000_000, 7, Number.MIN_SAFE_INTEGER]);
    expect(lines[2]!.errmsg).toMatch(/… \(300000 characters\)$/);
    const { rows: sizes } = await database.pool.query<{ bytes: number }>(
      'select max(octet_length(data)) as bytes from fahuo.outbox',
    );
    expect(await countOf('outbox')).toBe(4);
    expect(sizes[0]!.bytes).toBeLessThan(262_144);
  });

  it('writes no acknowledgement larger than the outbox takes, whatever a decision says', async () => {
    const [row] = await claimed(1);
    const text = '\u0001'.repeat(300_000);
    const decided: Decided = { ...accepted(row!), transition: { to: 'acknowledged', detail: text } };
    decided.attempts[0]!.answer.errmsg = text;
    expect(await recorder.record(decided)).toBe('done');
    expect(await countOf('outbox')).toBe(1);
  });

  it('halves a batch that the database refuses: the culprit alone is recorded without its texts', async () => {
    const rows = await claimed(7);
    await database.pool.query(`alter table fahuo.attempt add constraint poison check (errmsg <> 'poison')`);
    const done = await Promise.all(
      rows.map((row) =>
        recorder.record(answered(row, `{"errcode":0,"errmsg":"${row.payment === 'p5' ? 'poison' : 'ok'}"}`)),
      ),
    );
    expect(done).toEqual(rows.map(() => 'done'));
    expect(await statesOf()).toEqual(rows.map(() => 'acknowledged'));
    expect((await linesOf())[4]!.detail).toMatch(/^the database refused the record: .*poison/);
    expect([await countOf('attempt'), await countOf('outbox')]).toEqual([7, 7]);
  });

  it('puts no end on record while an older version is in a claim that knows nothing of it', async () => {
    const version = (number: number): Promise<unknown> =>
      database.pool.query(
        `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
           body, body_hash)
         values ($1, 'p', $2::int, 'shipped', 'p' || $2, '/orders', '2026-11-23T10:00:00+08:00', 't', 0, $2, '{}', 'h' || $2)`,
        [appid, number],
      );
    const claim = {
      appid,
      owner: 'test',
      leaseMs: 60_000,
      limit: 9,
      acknowledgements: true,
      dueSinceMs: null,
    };
    const [first, second] = [await database.pool.connect(), await database.pool.connect()];
    try {
      await version(2);
      await first.query('begin isolation level repeatable read; select count(*) from fahuo.upload');
      await version(1); // late
      await second.query('begin');
      await second.query('select 1 from fahuo.upload where version = 1 for update');
      const [row] = await claimPending(first, claim);
      await first.query('commit');
      let ended = false;
      const recorded = recorder.record(accepted(row!)).finally(() => (ended = true));
      const others = await claimed(1, 'other');
      expect(await recorder.record(accepted(others[0]!))).toBe('done');
      expect(ended).toBe(false);
      await second.query('rollback');
      expect(await recorded).toBe('done');
      expect(await statesOf()).toEqual(['acknowledged', 'superseded', 'acknowledged']);
    } finally {
      first.release(true);
      second.release(true);
    }
  });

  it('parks for a person what the database refuses in every other form', async () => {
    const rows = await claimed(3);
    await database.pool.query(
      `alter table fahuo.upload add constraint odd check (payment <> 'p2' or state <> 'acknowledged')`,
    );
    await Promise.all(rows.map((row) => recorder.record(accepted(row))));
    expect(await statesOf()).toEqual(['acknowledged', 'parked', 'acknowledged']);
    expect((await linesOf())[1]!.detail).toMatch(/^acknowledged by WeChat's answer 0; the database refused/);
  });

  it('sets aside what not even parks, and records it when the database takes it', async () => {
    const rows = await claimed(3);
    await database.pool.query(
      `alter table fahuo.upload add constraint odd check (payment <> 'p2' or state = 'uploading')`,
    );
    const [first, second, third] = rows.map((row) => recorder.record(accepted(row)));
    expect(await Promise.all([first, third])).toEqual(['done', 'done']);
    expect(await statesOf()).toEqual(['acknowledged', 'uploading', 'acknowledged']);
    await database.pool.query('alter table fahuo.upload drop constraint odd');
    expect(await second).toBe('done');
    expect(await statesOf()).toEqual(['acknowledged', 'acknowledged', 'acknowledged']);
  });

  it('leaves a row that somebody has locked, records the others and holds no relay up meanwhile', async () => {
    const rows = await claimed(4);
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query(`update fahuo.upload set detail = 'looked at' where payment = 'p2'`);
    const [first, second, third, fourth] = rows.map((row) => recorder.record(accepted(row)));
    expect(await Promise.all([first, third, fourth])).toEqual(['done', 'done', 'done']);
    await eventually(async () => {
      const { rows: writers } = await database.pool.query(
        `select pid from pg_locks where relation = 'fahuo.outbox'::regclass and mode = 'RowExclusiveLock'`,
      );
      expect(writers).toEqual([]);
    }, 3_000);
    await other.query('commit');
    other.release();
    expect(await second).toBe('done');
    expect(await statesOf()).toEqual(rows.map(() => 'acknowledged'));
    expect([await countOf('attempt'), await countOf('outbox')]).toEqual([4, 4]);
  });

  it('waits for no lock of a payment that waits behind the one it records', async () => {
    const [row] = await claimed(1);
    await database.pool.query(
      `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
         body, body_hash)
       values ($1, 'p1', 2, 'shipped', 'e1-2', '/orders', '2026-11-23T10:00:00+08:00', 't', 0, 9, '{}', 'h')`,
      [appid],
    );
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query(`update fahuo.upload set detail = 'looked at' where version = 2`);
    expect(await recorder.record(accepted(row!))).toBe('done');
    await other.query('rollback');
    other.release();
  });

  it('supersedes what a newer version outdated, with an acknowledgement; no other claim touches the outbox', async () => {
    const [row] = await claimed(1);
    await recorder.record(accepted(row!));
    await database.pool.query(`update fahuo.upload set version = 2`);
    const { rows: late } = await database.pool.query<{ id: number }>(
      `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
         body, body_hash)
       values ($1, 'p1', 1, 'shipped', 'late', '/orders', '2026-11-23T10:00:00+08:00', 't', 0, 9, '{}', 'h') returning id`,
      [appid],
    );
    const acknowledged = await countOf('outbox');
    expect(await claimed(0)).toEqual([]);
    const { rows } = await database.pool.query('select state::text, detail from fahuo.upload where id = $1', [
      late[0]!.id,
    ]);
    expect(rows).toEqual([{ state: 'superseded', detail: 'a newer version was acknowledged first' }]);
    expect(await countOf('outbox')).toBe(acknowledged + 1);

    const other = await database.pool.connect();
    await other.query('begin');
    await other.query('lock table fahuo.outbox in access exclusive mode');
    expect(await claimed(3, 'r')).toHaveLength(3);
    await other.query('rollback');
    other.release();
  });

  it('does not touch the outbox where no acknowledgement is to be published', async () => {
    const [row] = await claimed(1);
    const silent = new Recorder(
      { pool: database.pool, log: createLog({ level: 'silent' }), metrics: createMetrics() },
      { owner: 'test', acknowledgements: false, retryMs: 20 },
    );
    const other = await database.pool.connect();
    await other.query('begin');
    await other.query('lock table fahuo.outbox in access exclusive mode');
    expect(await silent.record(accepted(row!))).toBe('done');
    await other.query('rollback');
    other.release();
  });
});
