import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/clock.ts';
import { createWechatClient, uploadPath, type WechatClient } from '../../../src/wechat/client.ts';
import { createHttpPools, poolSizes } from '../../../src/wechat/http-pools.ts';
import { createMemoryTokenStore } from '../../../src/apps/tokens-memory.ts';
import { createTokenSource, type TokenSource } from '../../../src/wechat/token.ts';
import { stableToken } from '../../support/apps.ts';
import { eventually } from '../../support/eventually.ts';

const window = 3;
const [hanging, other] = ['wx-a', 'wx-b'];
const key = { order_number_type: 2, transaction_id: '4200001' } as const;

let server: Server;
/** Uploads of the app whose calls hang: they are answered when the test says so, and not before. */
let hung: ServerResponse[];
let asked: string[];
let client: WechatClient;
let tokens: TokenSource;

/** The token is the appid, so that the server knows whose call it is. */
beforeEach(async () => {
  [hung, asked] = [[], []];
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://wechat');
    asked.push(url.pathname);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { appid } = JSON.parse(Buffer.concat(chunks).toString() || '{}') as { appid?: string };
      const of = url.searchParams.get('access_token');
      if (url.pathname === uploadPath && of === hanging) return void hung.push(response);
      response.end(JSON.stringify({ errcode: 0, access_token: appid, expires_in: 7200, order: {} }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const http = createHttpPools(
    {
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      totalTimeoutMs: 60_000,
      headersTimeoutMs: 60_000,
    },
    poolSizes(window),
  );
  const clock = systemClock;
  tokens = createTokenSource({
    http,
    originOf: () => stableToken,
    store: createMemoryTokenStore(clock),
    clock,
    random: systemRandom,
    fetchTimeoutMs: 30_000,
  });
  client = createWechatClient({ http, tokens, clock });
});
afterEach(async () => {
  for (const response of hung) response.end('{"errcode":0}');
  server.closeAllConnections();
  await client.close().catch(() => undefined); // the test may have closed it
  server.close();
});

const upload = (appid: string, signal?: AbortSignal) =>
  client.upload({ appid, body: '{"a":1}', uploadTime: new Date(0) }, signal);

describe('an app whose uploads hang', () => {
  it('keeps neither another app waiting, nor its own reads, tokens and quota', async () => {
    const stop = new AbortController();
    const stuck = Array.from({ length: window * 3 }, () => upload(hanging, stop.signal));
    await eventually(() => expect(hung).toHaveLength(window), 10_000);

    const uploads = await Promise.all(Array.from({ length: 20 }, () => upload(other)));
    expect(uploads.map(({ outcome }) => outcome.kind)).toEqual(Array(20).fill('accepted'));
    const reads = await Promise.all(
      Array.from({ length: 20 }, () => client.getOrder({ appid: hanging, key })),
    );
    expect(reads.map(({ answer }) => answer.httpStatus)).toEqual(Array(20).fill(200));
    const used = await tokens.current(hanging);
    if (used.kind === 'token') await tokens.failed(hanging, used);
    expect(await tokens.current(hanging)).toMatchObject({ kind: 'token', generation: 2 });
    const quota = await client.getQuota(hanging, uploadPath);
    expect(quota.answer.httpStatus).toBe(200);

    // All that while its own uploads hang, and no more of them than its window.
    expect(hung).toHaveLength(window);
    expect(asked.filter((path) => path === uploadPath)).toHaveLength(20 + window);
    stop.abort();
    await Promise.all(stuck);
  });

  it('closes all of its pools', async () => {
    await Promise.all([upload(other), client.getOrder({ appid: other, key }), client.getQuota(other, 'x')]);
    await client.close();
    const after = await upload(other);
    expect(after.answer.failure).not.toBeNull();
    await eventually(
      () =>
        new Promise<void>((resolve, reject) =>
          server.getConnections((_error, count) =>
            count === 0 ? resolve() : reject(new Error(`${count} connections are open`)),
          ),
        ),
      10_000,
    );
  });
});
