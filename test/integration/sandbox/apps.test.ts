import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../../src/sandbox/run.ts';
import { runFahuo } from '../../support/fahuo-process.ts';
import { tellSandbox } from '../../support/sandbox-client.ts';

const open: Sandbox[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.stop()));
});
const start = async (options: SandboxOptions = {}): Promise<string> => {
  const sandbox = await createSandbox(options, systemClock);
  open.push(sandbox);
  return sandbox.url;
};

/** The answers of both token calls: 0 where they give a token. */
async function codes(url: string, appid: string, secret: string): Promise<unknown[]> {
  const body = JSON.stringify({ grant_type: 'client_credential', appid, secret });
  const query = new URLSearchParams({ grant_type: 'client_credential', appid, secret });
  const answers = await Promise.all([
    fetch(`${url}/cgi-bin/stable_token`, { method: 'POST', body }),
    fetch(`${url}/cgi-bin/token?${query.toString()}`),
  ]);
  return Promise.all(
    answers.map(async (answer) => {
      const { errcode, access_token: token } = (await answer.json()) as Record<string, unknown>;
      return token === undefined ? errcode : 0;
    }),
  );
}

describe('the sandbox', () => {
  it('that was told its apps refuses a wrong secret and an unknown appid in both token calls', async () => {
    const url = await start({ secrets: { wx1: 'right' } });
    expect(await codes(url, 'wx1', 'right')).toEqual([0, 0]);
    expect(await codes(url, 'wx1', 'wrong')).toEqual([40125, 40125]);
    expect(await codes(url, 'wx2', 'right')).toEqual([40013, 40013]);
  });

  it('that was told none takes any appid, and one secret of it', async () => {
    const url = await start();
    expect(await codes(url, 'wx1', 'first')).toEqual([0, 0]);
    expect(await codes(url, 'wx1', 'second')).toEqual([40125, 40125]);
    expect(await codes(url, 'wx2', 'second')).toEqual([0, 0]);
  });

  it('is told an app, or a new secret of it, while it runs; a reset takes that back', async () => {
    const url = await start();
    expect(await tellSandbox(url, 'apps', { appid: 'wx1', secret: 'old' })).toEqual({ apps: ['wx1'] });
    await tellSandbox(url, 'apps', [{ appid: 'wx1', secret: 'new' }]);
    expect(await codes(url, 'wx1', 'old')).toEqual([40125, 40125]);
    expect(await codes(url, 'wx1', 'new')).toEqual([0, 0]);
    expect(await codes(url, 'wx2', 'new')).toEqual([40013, 40013]);
    await tellSandbox(url, 'reset', {});
    expect(await codes(url, 'wx2', 'new')).toEqual([0, 0]);
  });

  it.each([
    ['apps', { appid: 'wx1' }, 'secret is missing: must be a text'],
    ['payments', { mchid: '1' }, 'transaction_id, or mchid and out_trade_no, must name the payment'],
    ['payments', { transaction_id: 1 }, 'transaction_id is 1: must be a text'],
    ['quotas', { uplaod: {} }, 'uplaod'],
    ['rules', { parcel_mode: 'mrege' }, 'parcel_mode is "mrege": must be one of merge, overwrite, append'],
  ])('answers a wrong body of %s with the field and the rule: %j', async (path, body, says) => {
    expect(await tellSandbox(await start(), path, body)).toEqual({
      error: expect.stringContaining(says) as unknown,
    });
  });
});

it.each([
  ['--app', 'wx1', /APPID:SECRET/],
  ['--latency', 'soon', /--latency soon must be a whole number from 0 to 600000/],
])('`fahuo sandbox %s %s` is wrong usage', async (flag, value, says) => {
  const { code, stderr } = await runFahuo(['sandbox', flag, value], {});
  expect(code).toBe(2);
  expect(stderr).toMatch(says);
});
