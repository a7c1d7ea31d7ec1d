import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monotonicMs, systemClock } from '../../../src/clock.ts';
import type { TokenServer } from '../../../src/wechat/token-origin.ts';
import { askTokenServer } from '../../../src/wechat/token-server.ts';
import { eventually } from '../../support/eventually.ts';

const token = '75_kGTo-x_9AbCdEfGhIjKlMnOpQrStUvWxYz0123456789';
let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let seen: IncomingMessage[];

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token?key=hush`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const ask = (from: TokenServer, timeoutMs = 5_000) =>
  askTokenServer({ server: from, timeoutMs, clock: systemClock });
const askUrl = (how: typeof answer, timeoutMs?: number, bearer?: string) => {
  [answer, seen] = [how, []];
  return ask({ kind: 'url', url, bearer }, timeoutMs);
};
const run = (...argv: string[]) => ask({ kind: 'command', argv });
const script = (text: string) => run('/bin/sh', '-c', text);
const says =
  (body: unknown, status = 200) =>
  (_request: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
const refusedWith = (errmsg: string | RegExp) => ({
  kind: 'refused',
  answer: { notSent: true, errcode: null, errmsg: expect.stringMatching(errmsg) as string },
});

describe('a token server', () => {
  it('is asked with the bearer, and gives JSON or text', async () => {
    expect(await askUrl(says({ access_token: token, expires_in: 7200 }), 5_000, 'b')).toEqual({
      kind: 'fetched',
      value: token,
      ttlMs: 7_200_000,
    });
    expect(seen.map(({ method, url: path, headers }) => [method, path, headers.authorization])).toEqual([
      ['GET', '/token?key=hush', 'Bearer b'],
    ]);
    expect(await askUrl(says(`${token}\n`))).toEqual({ kind: 'fetched', value: token, ttlMs: null });
    expect(seen[0]?.headers.authorization).toBeUndefined();
  });

  it.each<[string, typeof answer, RegExp]>([
    ['refuses', says(token, 401), /^the token server at 127\.0\.0\.1:\d+ answers HTTP 401$/],
    ['sends elsewhere', (_q, r) => void r.writeHead(302, { location: url }).end(), /answers HTTP 302$/],
    ['shows a page', says('<html>please log in to the token server</html>'), /gave a text that is no token$/],
    ['gives too much', says('a'.repeat(70_000)), /answers more than 64 KiB$/],
    ['cuts the connection', (_q, r) => void r.socket?.destroy(), /cannot be asked \(\w+\)$/],
    ['is silent', () => undefined, /does not answer within 300 ms$/],
    ['never ends its answer', (_q, r) => void r.write('{'), /does not answer within 300 ms$/],
  ])(
    'that %s brings no token, and its address is named without what may be secret',
    async (_what, how, why) => {
      const asked = await askUrl(how, 300);
      expect(asked).toMatchObject(refusedWith(why));
      expect(JSON.stringify(asked)).not.toMatch(/hush|75_kGTo/);
    },
  );

  it('that nobody runs is away', async () => {
    const away = await ask({ kind: 'url', url: 'http://127.0.0.1:1/hush', bearer: undefined });
    expect(away).toMatchObject(
      refusedWith('^the token server at 127.0.0.1:1 cannot be asked \\(ECONNREFUSED\\)$'),
    );
  });

  it('that hands on what WeChat said is understood', async () => {
    const body = { errcode: 61003, errmsg: 'component is not authorized by this account rid: 1-2-3' };
    expect(await askUrl(says(body))).toMatchObject({
      kind: 'refused',
      answer: { errcode: 61003, rid: '1-2-3' },
    });
  });
});

describe('a token command', () => {
  it('is run without a shell, and its output is the token', async () => {
    expect(await run('/bin/echo', token)).toEqual({ kind: 'fetched', value: token, ttlMs: null });
    expect(await run('/bin/echo', '-n', `{"access_token":"${token}","expires_in":60}`)).toMatchObject({
      ttlMs: 60_000,
    });
    const marker = join(mkdtempSync(join(tmpdir(), 'fahuo-')), 'made');
    expect(await run('/bin/echo', `${token};touch ${marker}`, '$(touch x)')).toMatchObject(
      refusedWith('is no token'),
    );
    expect(existsSync(marker)).toBe(false);
  });

  it('that fails says how, and nothing of what it wrote', async () => {
    const failed = await script(`echo ${token}; echo ${token} >&2; exit 3`);
    expect(failed).toMatchObject(
      refusedWith('^the token command /bin/sh ends with exit code 3: run it by hand to see why$'),
    );
    expect(JSON.stringify(failed)).not.toContain(token);
    expect(await run('/nowhere/token', 'hush')).toMatchObject(
      refusedWith('^the token command /nowhere/token cannot be run \\(ENOENT\\)$'),
    );
    expect(await script('kill -TERM $$')).toMatchObject(refusedWith('ends by SIGTERM'));
    expect(await script('exit 0')).toMatchObject(refusedWith('gave an empty answer'));
    expect(await script('head -c 70000 /dev/zero')).toMatchObject(refusedWith('writes more than 64 KiB'));
  });

  it('that the system does not start is away, and nothing of ours ends', async () => {
    expect(await run('/bin/echo', 'x'.repeat(200_000))).toMatchObject(
      refusedWith('cannot be run \\(E2BIG\\)$'),
    );
    const program = `import { openSync } from 'node:fs';
      import { askTokenServer } from '${join(import.meta.dirname, '../../../src/wechat/token-server.ts')}';
      const server = { kind: 'command', argv: ['/bin/echo', 'x'] };
      const ask = () => askTokenServer({ server, timeoutMs: 1_000, clock: () => new Date() });
      process.stdout.write('');
      await ask();
      try { for (;;) openSync('/dev/null'); } catch {}
      const { answer } = await ask();
      await new Promise((resolve) => setImmediate(resolve));
      process.stdout.write(answer.errmsg);`;
    const limited = [
      '-c',
      'ulimit -n 80; exec "$@"',
      'sh',
      process.execPath,
      '--input-type=module',
      '-e',
      program,
    ];
    const { stdout, stderr } = await promisify(execFile)('/bin/sh', limited);
    expect([stdout, stderr]).toEqual(['the token command /bin/echo cannot be run (EMFILE)', '']);
  });

  it('that hangs is ended in time, with what it started', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fahuo-'));
    const pidFile = join(folder, 'pid');
    const program = join(folder, 'token.sh');
    writeFileSync(program, `#!/bin/sh\nsleep 600 & echo $! > ${pidFile}\nwait\n`, { mode: 0o755 });
    const startedAtMs = monotonicMs();
    const hanging = await ask({ kind: 'command', argv: [program] }, 1_000);
    expect(hanging).toMatchObject(refusedWith('does not end within 1000 ms'));
    expect(monotonicMs() - startedAtMs).toBeLessThan(3_000);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await eventually(() => expect(stateOf(pid)).not.toMatch(/[SR]/), 5_000);
  });
});

/** `Z` and none: it has ended. */
function stateOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3);
  } catch {
    return '';
  }
}
