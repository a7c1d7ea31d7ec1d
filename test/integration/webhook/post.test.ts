import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Posted } from '../../../src/webhook/decide.ts';
import { createPost } from '../../../src/webhook/post.ts';

let server: Server;
let sockets: Socket[];
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

/** A TCP server that does with a connection what it likes; returns its port. */
async function listen(onRequest: (socket: Socket) => void): Promise<number> {
  sockets = [];
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined).once('data', () => onRequest(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return (server.address() as AddressInfo).port;
}

async function postTo(url: string, { timeoutMs = 1_000, body = '{}' } = {}): Promise<Posted> {
  const post = createPost({ url, timeoutMs, connections: 1 });
  const headers = { 'webhook-id': 'a', 'webhook-timestamp': '1', 'webhook-signature': 'v1,x' };
  try {
    return await post.post(headers, body, new AbortController().signal);
  } finally {
    await post.close();
  }
}

/** A beginning, and then a little again and again. */
const dripping = (beginning: string, more: string) => (socket: Socket) => {
  socket.write(beginning);
  const timer = setInterval(() => void socket.write(more), 50);
  socket.on('close', () => clearInterval(timer));
};
const ending = (answer: string) => (socket: Socket) => void socket.end(answer);

it('a host with which no connection comes about, and that refuses none, is one that nothing was sent to', async () => {
  const port = await listen(() => undefined); // takes the connection, and begins no TLS
  const url = `https://127.0.0.1:${port}/`;
  expect(await postTo(url, { timeoutMs: 4_000 })).toMatchObject({ kind: 'unreachable' });
});

describe('a hostile address', () => {
  const hung = { kind: 'unanswered', detail: 'no answer within 1000 ms' };
  it.each<[string, (socket: Socket) => void, object]>([
    ['drips headers', dripping('HTTP/1.1 200 OK\r\n', 'x-a: b\r\n'), hung],
    ['says that it begins, for ever', dripping('', 'HTTP/1.1 102 Processing\r\n\r\n'), hung],
    [
      'drips the text of a refusal',
      dripping('HTTP/1.1 500 No\r\ncontent-length: 99999\r\n\r\n', 'x'),
      { kind: 'refused', detail: expect.stringMatching(/^answered 500: x{9,}$/) as string },
    ],
    [
      'drips the text of a yes',
      dripping('HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n', 'x'),
      { kind: 'taken' },
    ],
    ['never ends HTTP/1.0', (socket) => void socket.write('HTTP/1.0 200 OK\r\n\r\nx'), { kind: 'taken' }],
    [
      'sends chunks that are none',
      (socket) => void socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
      { kind: 'taken' },
    ],
    [
      'sends huge headers',
      ending(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(99_999)}\r\n\r\n`),
      { kind: 'unanswered' },
    ],
    ['speaks something else', ending('SSH-2.0-OpenSSH\r\n'), { kind: 'unanswered' }],
    [
      'says yes before it has read, and goes',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        socket.destroy();
      },
      { kind: 'taken' },
    ],
  ])('that %s ends with its time', async (_name, onRequest, expected) => {
    const port = await listen(onRequest);
    const body = 'x'.repeat(1_000_000);
    expect(await postTo(`http://127.0.0.1:${port}/`, { body })).toMatchObject(expected);
  });
});

describe('what an address says of a refusal', () => {
  it('is kept without what a terminal would do', async () => {
    const port = await listen(ending('HTTP/1.1 400 No\r\n\r\n\u001b[2Jno\u001b]0;x\u0007 such\u0085order'));
    expect(await postTo(`http://127.0.0.1:${port}/`)).toEqual({
      kind: 'refused',
      detail: 'answered 400: [2Jno ]0;x such order',
    });
  });

  it('is kept without what is secret in the address, as an error page says it back', async () => {
    const login = Buffer.from('shop:p@ss-word').toString('base64');
    const page = `Cannot POST /hooks/abc%2F123?key=k-4711 (hooks/abc/123, k-4711) authorization: Basic ${login}, p@ss-word`;
    const port = await listen(ending(`HTTP/1.1 404 No\r\n\r\n${page}`));
    const said = await postTo(`http://shop:p%40ss-word@127.0.0.1:${port}/hooks/abc%2F123?key=k-4711`);
    expect(said).toEqual({
      kind: 'refused',
      detail: 'answered 404: Cannot POST /…?… (…, …) authorization: Basic …, …',
    });
  });

  it('counts by the first Retry-After, however long', async () => {
    const twice = 'HTTP/1.1 503 No\r\nretry-after: 31536000000\r\nretry-after: 1\r\n\r\n';
    const port = await listen(ending(twice));
    expect(await postTo(`http://127.0.0.1:${port}/`)).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 31_536_000_000_000,
    });
  });
});
