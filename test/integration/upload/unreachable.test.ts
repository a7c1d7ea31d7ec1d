import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { monotonicMs, sleep, systemClock } from '../../../src/clock.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { countUnfinished, forgetApp, retire } from '../../../src/upload/retire-store.ts';
import { readNotServed, readUnreachable } from '../../../src/apps/serving-store.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createDoor, type Door } from '../../support/door.ts';
import { appid } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { statsOf } from '../../support/sandbox-client.ts';
import { insertPending, startUploader, type UploaderInTest } from '../../support/uploader.ts';

let database: TestDatabase;
let sandbox: Sandbox;
let door: Door;
let uploader: UploaderInTest | undefined;

beforeEach(async () => {
  database = await createDatabase();
  sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  door = await createDoor(sandbox.url);
  uploader = undefined;
});
afterEach(async () => {
  await uploader?.stop();
  await door.shut();
  await sandbox.stop();
  await database.drop();
});

const countOf = async (from: string): Promise<number> =>
  (await database.pool.query<{ n: number }>(`select count(*) as n from ${from}`)).rows[0]!.n;
const untilAll = (count: number): Promise<void> =>
  eventually(async () => {
    expect(await countOf(`fahuo.acknowledgements where state = 'acknowledged'`)).toBe(count);
  }, 20_000);

describe('while WeChat cannot be reached', () => {
  it('nothing is claimed in turn or put on record, status says so, and all goes on at once when it is back', async () => {
    uploader = startUploader({ databaseUrl: database.url, wechat: door.url });
    const { statements, metrics } = uploader;
    await insertPending(database.pool, { count: 1, name: 'first' });
    await untilAll(1);
    await door.shut();
    await insertPending(database.pool, { count: 600 });
    await eventually(async () => {
      expect(await readUnreachable(database.pool)).toMatchObject([{ appid, instance: 'one' }]);
      expect(await countOf(`fahuo.upload where state = 'uploading'`)).toBe(0);
    });
    const [before, fromMs] = [statements(), monotonicMs()];
    await sleep(3_000);
    expect(((statements() - before) * 1_000) / (monotonicMs() - fromMs)).toBeLessThan(30);
    expect(await countOf('fahuo.attempt')).toBe(1);
    expect(await metrics.registry.metrics()).toMatch(/fahuo_wechat_unreachable_seconds\{appid="\w+"\} [1-9]/);

    await door.open();
    const backMs = monotonicMs();
    await eventually(async () => expect(await countOf('fahuo.attempt')).toBeGreaterThan(1));
    expect(monotonicMs() - backMs).toBeLessThan(5_000);
    await untilAll(601);
    expect(await countOf('fahuo.attempt')).toBe(601);
    expect((await statsOf(sandbox.url)).effects).toEqual({ ship: 601, add: 0, reship: 0 });
    await eventually(async () => expect(await readUnreachable(database.pool)).toEqual([]));
  });

  it('an unclear outcome waits for its read as it was', async () => {
    await insertPending(database.pool, { count: 1 });
    await database.pool
      .query(`update fahuo.upload set state = 'unknown', attempts = 1, absent_reads = 1, errcode = -1,
      upload_time = clock_timestamp(), next_attempt_at = clock_timestamp()`);
    await door.shut();
    uploader = startUploader({ databaseUrl: database.url, wechat: door.url, timing: { readGapMs: 50 } });
    await eventually(async () => expect(await readUnreachable(database.pool)).toHaveLength(1));
    await eventually(async () =>
      expect(
        (await database.pool.query('select state, absent_reads, errcode, lease_owner from fahuo.upload'))
          .rows,
      ).toEqual([{ state: 'unknown', absent_reads: 1, errcode: -1, lease_owner: null }]),
    );
    expect(await countOf('fahuo.attempt')).toBe(0);
    await door.open();
    await untilAll(1);
  });
});

describe('events of an app that no instance serves', () => {
  it('are named, with the unclear ones among them, and picked up when it is served', async () => {
    await insertPending(database.pool, { count: 3, name: 'other', app: 'wxother' });
    await database.pool
      .query(`update fahuo.upload set state = 'unknown', attempts = 1, upload_time = clock_timestamp()
      where payment = 'other1'`);
    uploader = startUploader({ databaseUrl: database.url, wechat: door.url });
    const { metrics } = uploader;
    await eventually(async () =>
      expect(await metrics.registry.metrics()).toContain('fahuo_upload_not_served{appid="wxother"} 3'),
    );
    expect(await readNotServed(database.pool)).toMatchObject([{ appid: 'wxother', rows: 3 }]);
    await uploader.stop();
    uploader = startUploader({ databaseUrl: database.url, wechat: door.url, apps: [appid, 'wxother'] });
    await eventually(async () => expect(await readNotServed(database.pool)).toEqual([]));
  });
});

describe('an app that is retired', () => {
  it('has no unfinished event left, an acknowledgement for each, and nothing shared', async () => {
    await insertPending(database.pool, { count: 4, name: 'old', app: 'wxold' });
    await database.pool.query(
      `update fahuo.upload set state = 'parked', park_reason = 'conflict' where payment = 'old1'`,
    );
    await database.pool
      .query(`update fahuo.upload set state = 'uploading', lease_owner = 'dead', upload_time = now(),
      lease_until = now() + case when payment = 'old2' then interval '-1 second' else interval '1 hour' end, attempts = 1
      where payment in ('old2', 'old3')`);
    await database.pool.query(
      `insert into fahuo.pause (appid, endpoint, reason) values ('wxold', '*', 'by hand')`,
    );
    const detail = 'the app was retired by li: closed';
    expect(await retire(database.pool, { appid: 'wxold', detail, limit: 2, acknowledgements: true })).toBe(2);
    expect(await retire(database.pool, { appid: 'wxold', detail, limit: 9, acknowledgements: true })).toBe(1);
    expect(await countUnfinished(database.pool, 'wxold')).toEqual([{ state: 'uploading', rows: 1 }]);
    await database.pool.query('update fahuo.upload set lease_until = now()');
    expect(await retire(database.pool, { appid: 'wxold', detail, limit: 9, acknowledgements: false })).toBe(
      1,
    );
    expect(await countOf(`fahuo.acknowledgements where state = 'rejected'`)).toBe(4);
    expect(await countOf('fahuo.outbox')).toBe(3);
    const { rows } = await database.pool.query('select detail from fahuo.upload order by id limit 2');
    expect(rows).toEqual([{ detail }, { detail: `${detail}; WeChat may hold it: it was sent before` }]);
    await forgetApp(database.pool, 'wxold');
    expect(await countOf('fahuo.pause')).toBe(0);
  });
});
