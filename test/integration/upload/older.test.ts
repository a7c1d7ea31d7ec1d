import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { acceptOlder, countOlder, olderIsQuiet, releaseOlder } from '../../../src/upload/older-store.ts';
import { createWechatClient, type WechatClient } from '../../../src/wechat/client.ts';
import { createHttp, type Http } from '../../../src/wechat/http.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { runUploaderOn } from '../../support/uploader.ts';
import { appid, shippedEvent, type LooseEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { wholeEffectsOf } from '../../support/sandbox-client.ts';
import { createTokens } from '../../support/tokens.ts';

// The database was made an hour after these events were published, beside a topic that still holds them.
const hourMs = 3_600_000;

let database: TestDatabase;
let sandbox: Sandbox;
let stop: AbortController;
let http: Http;
let wechat: WechatClient;
let running: Promise<void>[];

beforeEach(async () => {
  database = await createDatabase();
  sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  http = createHttp({ baseUrl: sandbox.url, totalTimeoutMs: 1_000 });
  wechat = createWechatClient({ http, tokens: createTokens(http), clock: systemClock });
  stop = new AbortController();
  running = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await http.close();
  await sandbox.stop();
  await database.drop();
});

const startUploader = (): void => {
  const timing = { readAfterMs: 30, readGapMs: 60, retryMinMs: 50, drainMs: 1_000 };
  const options = { wechat: sandbox.url, window: 8, timing, callTimeoutMs: 1_000 };
  running.push(runUploaderOn(database.pool, options, stop));
};

const split = (payment: string, version: number, parcels: string[]): LooseEvent => {
  const event = shippedEvent({ payment, version });
  const [parcel] = event.data.shipping_list;
  Object.assign(event.data, { delivery_mode: 2, is_all_delivered: false });
  event.data.shipping_list = parcels.map((tracking_no) => ({ ...parcel, tracking_no }));
  return event;
};
const threeVersions = (payment: string): LooseEvent[] => [
  split(payment, 1, ['a']),
  split(payment, 2, ['a', 'b']),
  split(payment, 3, ['a', 'b', 'c']),
];

const accept = (events: LooseEvent[], ageMs = hourMs) =>
  acceptEvents(database.pool, events, { publishedMs: Date.now() - ageMs });
const release = async () => releaseOlder(database.pool, { limit: 500, acknowledgements: true });

/** By the database that was lost, or by hand. */
const shipBefore = async (event: LooseEvent): Promise<void> => {
  const sent = await wechat.upload(
    { appid, body: JSON.stringify(event.data), uploadTime: new Date(Date.now() - hourMs) },
    stop.signal,
  );
  expect(sent.outcome.kind).toBe('accepted');
};
const effects = async (payment: string): Promise<string[]> =>
  (await wholeEffectsOf(sandbox.url)).filter((effect) => effect.payment === payment).map(({ body }) => body);

const rowsOf = async (payment: string) =>
  (
    await database.pool.query<{ version: number; state: string; reason: string | null }>(
      `select version, state::text, park_reason::text as reason from fahuo.upload where payment = $1 order by version`,
      [payment],
    )
  ).rows.map(({ version, state, reason }) => [version, reason ?? state]);
const until = (payment: string, ...wanted: [number, string][]): Promise<void> =>
  eventually(async () => expect(await rowsOf(payment)).toEqual(wanted), 20_000);

describe('events that are older than the database', () => {
  it('are never sent again: the newest is read, and found where WeChat holds it', async () => {
    await shipBefore(split('held', 3, ['a', 'b', 'c']));
    startUploader();
    await accept(threeVersions('held'));
    await release();
    await until('held', [1, 'superseded'], [2, 'superseded'], [3, 'acknowledged']);
    expect(await effects('held')).toHaveLength(1);
  });

  it('are sent once, and the newest alone, where WeChat holds nothing', async () => {
    startUploader();
    for (const event of threeVersions('absent')) await accept([event]);
    await release();
    await until('absent', [1, 'superseded'], [2, 'superseded'], [3, 'acknowledged']);
    const sent = await effects('absent');
    expect(sent).toHaveLength(1);
    expect(sent[0]).toContain('"tracking_no":"c"');
  });

  it('restate nothing that WeChat shows, until a person says so', async () => {
    await shipBefore(split('newer', 4, ['x', 'y']));
    startUploader();
    await accept(threeVersions('newer'));
    await release();
    await until('newer', [1, 'superseded'], [2, 'superseded'], [3, 'older_event']);
    expect(await effects('newer')).toHaveLength(1);
    expect(await countOlder(database.pool, 'newer')).toEqual({ waiting: 0, parked: 1 });
    await acceptOlder(database.pool, 'newer');
    await until('newer', [1, 'superseded'], [2, 'superseded'], [3, 'acknowledged']);
    expect(await effects('newer')).toHaveLength(2);
  });

  it('wait until none has come for a while, and hold up an event of today that is then read first', async () => {
    await shipBefore(split('both', 3, ['a', 'b', 'c']));
    await accept(threeVersions('both'));
    await accept([split('both', 4, ['a', 'b', 'c', 'd'])], 0);
    startUploader();
    await accept([split('other', 1, ['z'])], 0);
    await until('other', [1, 'acknowledged']);
    expect(await rowsOf('both')).toEqual([
      [1, 'pending'],
      [2, 'pending'],
      [3, 'pending'],
      [4, 'pending'],
    ]);
    expect(await olderIsQuiet(database.pool, hourMs)).toBe(false);
    await eventually(async () => expect(await olderIsQuiet(database.pool, 1)).toBe(true));
    await release();
    await until('both', [1, 'superseded'], [2, 'superseded'], [3, 'superseded'], [4, 'acknowledged']);
    const { rows } = await database.pool.query<{ kind: string }>(
      `select a.kind::text from fahuo.attempt a join fahuo.upload u on u.id = a.upload_id
       where u.payment = 'both' order by a.id`,
    );
    expect(rows.map((row) => row.kind)).toEqual(['read', 'send']);
  });

  it('are those published a minute and more before the database was made, unless all were accepted', async () => {
    const cautions = async () =>
      (
        await database.pool.query<{ payment: string; caution: string | null }>(
          'select payment, caution from fahuo.upload order by id',
        )
      ).rows;
    await accept([shippedEvent({ payment: 'within' })], 30_000);
    await accept([shippedEvent({ payment: 'before' })], 120_000);
    await database.pool.query('update fahuo.deployment set older_accepted_at = now()');
    await accept([shippedEvent({ payment: 'accepted' })], 120_000);
    expect(await cautions()).toEqual([
      { payment: 'within', caution: null },
      { payment: 'before', caution: 'older' },
      { payment: 'accepted', caution: 'forgotten' },
    ]);
  });
});
