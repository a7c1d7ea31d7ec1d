import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PushKey } from '../../../src/push/crypto.ts';
import { eventually } from '../../support/eventually.ts';
import type { FahuoProcess } from '../../support/fahuo-process.ts';
import {
  asXml,
  pushAppid,
  pushEncodingKey,
  pushKey,
  securePush,
  shippedPhase,
} from '../../support/pushes.ts';
import { createStack, effectsOf, statsOf, type Stack } from '../../support/stack.ts';
import { insertPending } from '../../support/uploader.ts';

const [one, two, three] = ['wx-one', 'wx-two', 'wx-three'];
const within = 30_000;
/** `RELOADS=60 vitest run …` for a longer look. */
const rounds = Number(process.env['RELOADS'] ?? 4);

let stack: Stack;
let folder: string;
let file: string;

/** As a service manager replaces it: never half of it is there. */
function write(apps: unknown): void {
  writeFileSync(`${file}.new`, typeof apps === 'string' ? apps : JSON.stringify(apps));
  renameSync(`${file}.new`, file);
}
const entry = (appid: string, more: object = {}): object => ({ appid, secret: `${appid}-secret`, ...more });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fahuo-apps-'));
  file = join(folder, 'apps.json');
  stack = await createStack({
    partitions: 1,
    sandbox: {
      latencyMs: 10,
      secrets: Object.fromEntries([one, two, three].map((appid) => [appid, `${appid}-secret`])),
    },
    env: { FAHUO_APPS_FILE: file },
  });
});
afterEach(() => stack.close());

const start = (): Promise<FahuoProcess> => stack.start({ roles: 'upload,console' });

const hangUp = (fahuo: FahuoProcess): boolean => fahuo.child.kill('SIGHUP');

/** SIGHUP, and the apps that it serves then. */
async function reload(fahuo: FahuoProcess, ...served: string[]): Promise<void> {
  hangUp(fahuo);
  await eventually(async () => {
    const { rows } = await stack.database.pool.query<{ appid: string }>('select appid from fahuo.serving');
    expect(rows.map(({ appid }) => appid).sort()).toEqual(served.toSorted());
  }, within);
}
const linesOf = (fahuo: FahuoProcess, text: string): string[] =>
  fahuo
    .stderr()
    .split('\n')
    .filter((line) => line.includes(text));

async function acknowledged(appid: string): Promise<number> {
  const { rows } = await stack.database.pool.query<{ n: number }>(
    `select count(*)::int as n from fahuo.upload where appid = $1 and state = 'acknowledged'`,
    [appid],
  );
  return rows[0]?.n ?? 0;
}
const untilAcknowledged = (appid: string, count: number): Promise<void> =>
  eventually(async () => expect(await acknowledged(appid)).toBe(count), within);

async function waits(appid: string): Promise<string[]> {
  const { rows } = await stack.database.pool.query<{ reason: string }>(
    'select distinct reason from fahuo.events where appid = $1 and reason is not null',
    [appid],
  );
  return rows.map(({ reason }) => reason);
}
const metric = async (fahuo: FahuoProcess, name: string): Promise<string | undefined> =>
  (await (await fetch(`${fahuo.http}/metrics`)).text())
    .split('\n')
    .find((line) => line.startsWith(name))
    ?.split(' ')[1];
const insert = (app: string, count: number): Promise<void> =>
  insertPending(stack.database.pool, { count, name: `${app}-`, app });

describe('a running fahuo at SIGHUP', () => {
  it('serves an app that comes, ends one that goes, and loses and doubles nothing under load', async () => {
    const slow = { max_calls_per_second: 150 };
    write([entry(one, slow), entry(two, slow)]);
    await insert(one, 450);
    await insert(two, 450);
    await insert(three, 100);
    const fahuo = await start();
    await eventually(async () => expect(await acknowledged(two)).toBeGreaterThan(20), within);

    write([entry(one, slow), entry(three)]);
    await reload(fahuo, one, three);
    await untilAcknowledged(three, 100);
    await eventually(async () => expect(await waits(two)).toEqual(['app_not_served']), 10_000);
    const done = await acknowledged(two);
    expect(done).toBeLessThan(450);
    await untilAcknowledged(one, 450);
    expect(await acknowledged(two), 'an app that is not served').toBe(done);

    write([entry(one), entry(two), entry(three)]);
    await reload(fahuo, one, two, three);
    await untilAcknowledged(two, 450);
    const stats = await statsOf(stack.wechat);
    expect(stats.effects).toEqual({ ship: 1_000, add: 0, reship: 0 });
    expect(stats.requests['upload']).toEqual({ '0': 1_000 });
    expect(new Set((await effectsOf(stack.wechat)).map(({ payment }) => payment)).size).toBe(1_000);
    expect(await fahuo.stop()).toBe(0);
  });

  it(`loses and doubles nothing where an app comes and goes ${rounds} times under load`, async () => {
    const count = 60 * rounds;
    const slow = { max_calls_per_second: 60 }; // so that there is work left in every round
    const both = [entry(one, slow), entry(two, slow)];
    write(both);
    await insert(one, count);
    await insert(two, count);
    const fahuo = await start();
    for (let round = 1; round <= rounds; round++) {
      write(round % 2 === 1 ? both.slice(0, 1) : both);
      await reload(fahuo, ...(round % 2 === 1 ? [one] : [one, two]));
    }
    expect(await acknowledged(two), 'work that was left').toBeLessThan(count);
    write(both);
    hangUp(fahuo);
    await untilAcknowledged(one, count);
    await untilAcknowledged(two, count);
    const { effects, requests } = await statsOf(stack.wechat);
    expect(effects).toEqual({ ship: 2 * count, add: 0, reship: 0 });
    expect(requests['upload']).toEqual({ '0': 2 * count });
    expect(await fahuo.stop()).toBe(0);
  });

  it('takes a secret that was mended, and goes on with the app that it had stopped, others undisturbed', async () => {
    const secret = join(folder, 'two.secret');
    writeFileSync(secret, 'wrong\n');
    write([entry(one), { appid: two, secret_file: 'two.secret' }]);
    await insert(two, 5);
    const fahuo = await start();
    await eventually(async () => expect(await waits(two)).toEqual(['app_paused']), within);
    await insert(one, 5);
    await untilAcknowledged(one, 5);
    const before = (await statsOf(stack.wechat)).token_fetches[`${one}/stable`];

    writeFileSync(secret, `${two}-secret\n`);
    hangUp(fahuo);
    await untilAcknowledged(two, 5);
    expect((await statsOf(stack.wechat)).token_fetches[`${one}/stable`], 'tokens of the other app').toBe(
      before,
    );
    const { rows } = await stack.database.pool.query(
      'select from fahuo.upload where appid = $1 and attempts <> 1',
      [two],
    );
    expect(rows, 'rows that the wrong secret cost an attempt').toEqual([]);
  });

  it('takes new keys of a platform’s pushes from their files, without an AppSecret and without a restart', async () => {
    const keyFile = join(folder, 'aes.key');
    const tokenFile = join(folder, 'push.token');
    const platform = { appid: 'wx-platform', aesKey: pushKey.aesKey };
    writeFileSync(keyFile, `${pushEncodingKey}\n`);
    writeFileSync(tokenFile, 'first\n');
    const fahuo = await stack.start({
      roles: 'push,console',
      env: {
        FAHUO_APPS_FILE: '',
        WECHAT_SECRET: '',
        WECHAT_PUSH_TOKEN_FILE: tokenFile,
        WECHAT_PUSH_AES_KEY_FILE: keyFile,
        WECHAT_PUSH_COMPONENT_APPID: platform.appid,
        FAHUO_PUSH_TOLERANCE_S: '0',
      },
    });
    const answered = async (token: string, key: PushKey = platform): Promise<number> => {
      const { query, body } = securePush(asXml(shippedPhase(token)), { token, key });
      const url = `${fahuo.http}/wechat/push/${pushAppid}?${new URLSearchParams(query).toString()}`;
      return (await fetch(url, { method: 'POST', body })).status;
    };
    expect(await answered('first')).toBe(200);
    expect(await answered('first', pushKey), 'encrypted for the app itself').toBe(403);
    expect(await answered('second')).toBe(403);
    writeFileSync(tokenFile, 'second\n');
    hangUp(fahuo);
    await eventually(async () => expect(await answered('second')).toBe(200), within);
    expect(await answered('first')).toBe(403);
    const { rows } = await stack.database.pool.query('select appid from fahuo.push_event');
    expect(rows).toEqual([{ appid: pushAppid }, { appid: pushAppid }]);
  });

  it('keeps what it had where the file is wrong, says why in one line, and exports that', async () => {
    write([entry(one)]);
    const fahuo = await start();
    for (const [wrong, why] of [
      ['[{"appid":', 'is no JSON'],
      [[entry(one, { max_calls: 3 })], 'max_calls is not a member'],
      [[{ appid: one, secret_file: 'nowhere' }], 'secret_file is \\"nowhere\\": cannot be read'],
    ] as const) {
      write(wrong);
      hangUp(fahuo);
      await eventually(() => expect(linesOf(fahuo, 'apps.not_reloaded').at(-1)).toContain(why), within);
      expect(await metric(fahuo, 'fahuo_apps_reload_failed')).toBe('1');
    }
    expect(linesOf(fahuo, 'apps.not_reloaded')).toHaveLength(3);
    await insert(one, 3);
    await untilAcknowledged(one, 3);
    write([entry(one)]);
    hangUp(fahuo);
    await eventually(async () => expect(await metric(fahuo, 'fahuo_apps_reload_failed')).toBe('0'), within);
    expect(fahuo.stderr()).not.toContain(`${one}-secret`);
  });
});
