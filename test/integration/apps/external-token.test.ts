import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { appid, createStack, statsOf, type Stack } from '../../support/stack.ts';
import { insertPending } from '../../support/uploader.ts';

const within = 30_000;
const payments = 20;

let stack: Stack;
/** A token server of the shop's own: it keeps one token, asks WeChat when it is told to, and may be away. */
let server: Server;
let url: string;
let asked: number;
let away: boolean;
let token: string | undefined;

beforeEach(async () => {
  [asked, away, token] = [0, false, undefined];
  server = createServer((request, response) => {
    asked += 1;
    if (away || request.headers.authorization !== 'Bearer hush') return void response.writeHead(503).end();
    void freshToken().then((value) =>
      response.end(JSON.stringify({ code: 0, data: { access_token: value } })),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/wechat/{appid}`;
  stack = await createStack({
    partitions: 1,
    sandbox: { secrets: { [appid]: 'of the token server' }, tokenless: true },
    env: {
      WECHAT_SECRET: '',
      FAHUO_TOKEN_MODE: 'external',
      FAHUO_TOKEN_URL: url,
      FAHUO_TOKEN_BEARER: 'hush',
      FAHUO_LOG_LEVEL: 'info',
    },
  });
});
afterEach(async () => {
  await stack.close();
  server.closeAllConnections();
  server.close();
});

async function freshToken(): Promise<string> {
  if (token !== undefined) return token;
  const body = JSON.stringify({ grant_type: 'client_credential', appid, secret: 'of the token server' });
  const answer = await fetch(`${stack.wechat}/cgi-bin/stable_token`, { method: 'POST', body });
  return (token = ((await answer.json()) as { access_token: string }).access_token);
}

const start = (env: Record<string, string> = {}) => stack.start({ roles: 'upload,console', env });
const count = async (where: string): Promise<number> => {
  const { rows } = await stack.database.pool.query<{ n: number }>(
    `select count(*)::int as n from fahuo.upload where ${where}`,
  );
  return rows[0]?.n ?? 0;
};

describe('an app whose token comes from a server of the shop', () => {
  it('waits while the server is away, at no cost, and goes on; its token is in no log and in no table', async () => {
    away = true;
    const process = await start();
    await insertPending(stack.database.pool, { count: payments });
    await eventually(() => expect(process.stderr()).toContain('wechat.unreachable'), within);
    expect(process.stderr()).toContain('answers HTTP 503');
    // Those that were claimed go back as they were when the way is seen to be closed.
    await eventually(
      async () => expect(await count(`state = 'pending' and attempts = 0`)).toBe(payments),
      within,
    );
    away = false;
    await eventually(async () => expect(await count(`state = 'acknowledged'`)).toBe(payments), within);
    expect(await count('attempts = 1')).toBe(payments);
    expect((await statsOf(stack.wechat)).requests['upload']).toEqual({ '0': payments });

    const { rows } = await stack.database.pool.query('select * from fahuo.token');
    expect(rows).toEqual([]);
    expect(process.stderr()).not.toMatch(/hush|sandbox_/);
  });

  it('pauses with the reason where the server gives again what WeChat refused, and asks it no more meanwhile', async () => {
    const process = await start();
    await insertPending(stack.database.pool, { count: payments, name: 'before' });
    await eventually(async () => expect(await count(`state = 'acknowledged'`)).toBe(payments), within);
    await fetch(`${stack.wechat}/_sandbox/tokens/expire`, { method: 'POST' });
    const askedBefore = asked;
    await insertPending(stack.database.pool, { count: payments, name: 'after' });
    await eventually(async () => {
      const { rows } = await stack.database.pool.query<{ reason: string; left: number }>(
        'select reason, extract(epoch from resume_at - clock_timestamp())::float8 as left from fahuo.pause',
      );
      expect(rows).toMatchObject([
        {
          reason: expect.stringMatching(
            /^the token server at 127.* gave again the token that WeChat refused$/,
          ) as string,
        },
      ]);
      expect(rows[0]?.left).toBeGreaterThan(30);
    }, within);
    expect(asked - askedBefore).toBe(1);
    await eventually(
      async () =>
        expect(await count(`payment like 'after%' and state = 'pending' and attempts = 0`)).toBe(payments),
      within,
    );
    expect(await process.stop()).toBe(0);
  });

  it('is known to doctor, which asks its server and says what it answers', async () => {
    const checkOf = async (): Promise<unknown> => {
      const { stdout } = await stack.run('doctor', '--json');
      const { checks } = JSON.parse(stdout) as { checks: { check: string }[] };
      return checks.find(({ check }) => check === `token ${appid}`);
    };
    expect(await checkOf()).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/^the token server at 127\S+ gives one$/) as string,
    });
    away = true;
    expect(JSON.stringify(await checkOf())).toMatch(/no token: the token server at 127\S+ answers HTTP 503/);
  });
});

describe('an app without tokens', () => {
  it('sends none, and what stands before WeChat takes its calls', async () => {
    const process = await start({ FAHUO_TOKEN_MODE: 'none', FAHUO_TOKEN_URL: '', FAHUO_TOKEN_BEARER: '' });
    await insertPending(stack.database.pool, { count: payments });
    await eventually(async () => expect(await count(`state = 'acknowledged'`)).toBe(payments), within);
    const { requests, token_fetches: fetches } = await statsOf(stack.wechat);
    expect([requests['upload'], fetches, asked]).toEqual([{ '0': payments }, {}, 0]);
    expect(await process.stop()).toBe(0);
  });
});
