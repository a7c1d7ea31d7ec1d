import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runCommand } from '../../support/command.ts';
import { uniqueName } from '../../support/names.ts';
import { appid, createStack, tellSandbox, type Stack } from '../../support/stack.ts';

type Check = { check: string; ok: boolean; detail: string };

let stack: Stack;
beforeAll(async () => {
  stack = await createStack();
});
afterAll(() => stack.close());

/** What doctor finds wrong, and its exit code. */
async function findings(env: Record<string, string> = {}): Promise<{ wrong: Check[]; code: number | null }> {
  const { stdout, code } = await runCommand(['doctor', '--json'], { ...stack.env, ...env });
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return { wrong: checks.filter((check) => !check.ok), code };
}

describe('fahuo doctor', () => {
  it('finds nothing wrong where nothing is', async () => {
    expect(await findings()).toEqual({ wrong: [], code: 0 });
  });

  it('uses the tokens of the instances, which are in Redis where there is one', async () => {
    const keyPrefix = uniqueName('doctor');
    const redisUrl = inject('redisUrl');
    const { pool } = stack.database;
    await pool.query('delete from fahuo.token');
    const env = { ...stack.env, REDIS_URL: redisUrl, FAHUO_REDIS_PREFIX: keyPrefix };
    expect((await runCommand(['doctor', '--json'], env)).code).toBe(0);
    const redis = new Redis(redisUrl);
    const [keys, { rows }] = [await redis.keys(`${keyPrefix}*`), await pool.query('select from fahuo.token')];
    redis.disconnect();
    expect(keys.filter((key) => key.includes('token:value'))).toHaveLength(1);
    expect(rows).toEqual([]);
  });

  it('prints the settings that were set, secrets masked', async () => {
    const { stdout } = await runCommand(['doctor'], stack.env);
    expect(stdout).toMatch(/^settings that were read$/m);
    expect(stdout).toMatch(new RegExp(`^  KAFKA_TOPIC +${stack.topic}$`, 'm'));
    expect(stdout).toMatch(/^ {2}WECHAT_SECRET +\(set\)$/m);
    expect(stdout).not.toMatch(/FAHUO_WINDOW/);
  });

  it('fails while an app is paused, by hand or by WeChat, and says how it ends', async () => {
    const { pool } = stack.database;
    await pool.query(
      `insert into fahuo.pause (appid, endpoint, errcode, reason) values ($1, '*', 40125, 'the secret is wrong')`,
      [appid],
    );
    const { wrong, code } = await findings();
    await pool.query('delete from fahuo.pause');
    expect(code).toBe(1);
    expect(wrong).toMatchObject([{ check: `pauses ${appid}` }]);
    expect(wrong[0]?.detail).toMatch(/40125.*the secret is wrong.*fahuo resume wx/);
  });

  it('fails on a wrong secret, although a good token is cached', async () => {
    expect((await findings()).code).toBe(0); // leaves a token in the store
    await tellSandbox(stack.wechat, 'faults', {
      kind: 'errcode',
      endpoint: 'token',
      errcode: 40125,
      times: 1,
    });
    const { wrong } = await findings();
    await tellSandbox(stack.wechat, 'reset', {});
    expect(wrong).toMatchObject([{ check: `token ${appid}` }]);
    expect(wrong[0]?.detail).toContain('40125');
  });

  it('says that WeChat does not answer, and where to look', async () => {
    const { wrong } = await findings({ WECHAT_BASE_URL: 'http://127.0.0.1:1' });
    expect(wrong.map(({ check }) => check)).toContain(`token ${appid}`);
    expect(wrong[0]?.detail).toMatch(/WeChat does not answer \(refused\).*WECHAT_BASE_URL/);
  });

  it('fails while events wait for an app that nobody serves, and while sends of an instance fail', async () => {
    const { pool } = stack.database;
    await pool.query(
      `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
         body, body_hash)
       values ('wxOTHER', 'p', 1, 'shipped', 'other', '/orders', '2026-11-23T10:00:00+08:00', 't', 0, 0, '{}', 'h')`,
    );
    await pool.query(
      `insert into fahuo.serving (appid, instance, seen_at, unreachable_since, reason)
       values ($1, 'one', now(), now(), 'refused')`,
      [appid],
    );
    const { wrong } = await findings();
    await pool.query('delete from fahuo.upload; delete from fahuo.serving');
    expect(wrong).toMatchObject([{ check: 'apps not served' }, { check: `sends ${appid}` }]);
    expect(wrong[0]?.detail).toMatch(/wxOTHER \(1\).*fahuo retire/);
    expect(wrong[1]?.detail).toMatch(/on one: refused/);
  });

  it("fails on a writer's login, which may not do what run does", async () => {
    const { pool } = stack.database;
    const login = uniqueName('writer').replaceAll(/\W/g, '_');
    await pool.query(`create role ${login} login; grant fahuo_writer to ${login}`);
    const url = Object.assign(new URL(stack.database.url), { username: login }).toString();
    const { wrong, code } = await findings({ DATABASE_URL: url });
    await pool.query(`revoke fahuo_writer from ${login}; drop role ${login}`);
    expect(code).toBe(1);
    expect(JSON.stringify(wrong)).toContain('grant fahuo_service');
  });

  it('fails when the next outbox partition is not made', async () => {
    const { pool } = stack.database;
    await pool.query(`select setval('fahuo.outbox_id_seq', 1500000)`);
    const { wrong } = await findings();
    await pool.query(`select setval('fahuo.outbox_id_seq', 1, false)`);
    expect(wrong).toMatchObject([{ check: 'outbox partitions' }]);
    expect(wrong[0]?.detail).toContain('outbox_p2 is not made');
  });

  it('fails on a missing topic, with the command that makes it', async () => {
    const { wrong } = await findings({ KAFKA_TOPIC: 'nowhere' });
    expect(wrong).toHaveLength(3);
    expect(wrong[0]?.detail).toContain('kafka-topics.sh');
  });
});
