import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import type { Pool } from '../../db/client.ts';
import { monotonicMs, sleep } from '../../src/clock.ts';
import { startFahuo } from '../support/fahuo-process.ts';
import { pushAppid, pushEncodingKey, pushToken } from '../support/pushes.ts';
import { createRandom } from '../support/random.ts';
import type { Stack } from '../support/stack.ts';
import { bodyHash, genuine, hostile, wireOf, type Wire } from './push-requests.ts';

export type PushCampaign = { hostile: number; genuine: number; seed: number; loaders: number; slow: number };

export type PushReport = {
  hostile: number;
  /** Hostile requests that were answered with anything but a refusal, by kind. */
  taken: Record<string, number>;
  /** Slow senders that were not cut off. */
  slowLeft: number;
  genuine: number;
  sent: number;
  /** Genuine ones that were not answered success. */
  failed: string[];
  notStoredOnce: number;
  storedBesides: number;
  slowestMs: number;
  medianMs: number;
  /** Resident memory of the receiver, after each tenth of the requests. */
  memoryMb: number[];
  statementsOfLoad: number;
  seconds: number;
};

const inFlight = 24;

/**
 * A receiver in a process of its own, hostile requests of every kind with genuine pushes among them, some of them sent up
 * to three times, while others write to its Postgres. Resolves with what must be zero, and with figures.
 */
export async function runPushCampaign(stack: Stack, options: PushCampaign): Promise<PushReport> {
  const started = monotonicMs();
  const keys = { WECHAT_PUSH_TOKEN: pushToken, WECHAT_PUSH_AES_KEY: pushEncodingKey };
  const fahuo = await startFahuo(['run', '--roles', 'push'], {
    ...stack.env,
    ...keys,
    FAHUO_LOG_LEVEL: 'error',
  });
  const base = fahuo.push!;
  const load = new AbortController();
  const loading = loadPostgres(stack.database.pool, options.loaders, load.signal);
  const slow = slowSenders(base, options.slow);
  const agent = new Agent({ connections: 64 });
  const report = await sendAll({ base, agent, pid: fahuo.child.pid! }, options);
  load.abort();
  const statementsOfLoad = await loading;
  const slowLeft = await slow;
  await agent.close();
  const stored = await checkInbox(stack.database.pool, report.messages);
  await fahuo.stop();
  const { latencies, messages, ...rest } = report;
  return {
    ...rest,
    ...stored,
    slowLeft,
    statementsOfLoad,
    slowestMs: Math.round(Math.max(...latencies)),
    medianMs: Math.round(latencies.toSorted((a, b) => a - b)[Math.floor(latencies.length / 2)] ?? 0),
    seconds: Math.round((monotonicMs() - started) / 1_000),
  };
}

type To = { base: string; agent: Agent; pid: number };

async function sendAll({ base, agent, pid }: To, options: PushCampaign) {
  const draw = createRandom(options.seed);
  const report = {
    hostile: 0,
    taken: {} as Record<string, number>,
    genuine: options.genuine,
    sent: 0,
    failed: [] as string[],
    latencies: [] as number[],
    messages: [] as string[],
    memoryMb: [] as number[],
  };
  const seconds = (): number => Math.floor(Date.now() / 1_000);
  const attack = async (number: number): Promise<void> => {
    const sent = hostile(number, draw, seconds());
    report.hostile += 1;
    if (!(await isRefused({ base, agent }, sent)))
      report.taken[sent.kind] = (report.taken[sent.kind] ?? 0) + 1;
  };
  const push = async (message: string): Promise<void> => {
    const from = monotonicMs();
    const { status, text } = await post({ base, agent }, wireOf(message, seconds()));
    report.latencies.push(monotonicMs() - from);
    report.sent += 1;
    if (status !== 200 || text !== 'success') report.failed.push(`${status} ${text}`);
  };
  const perGenuine = options.hostile / options.genuine;
  let [attacks, pushes] = [0, 0];
  const worker = async (): Promise<void> => {
    while (attacks < options.hostile || pushes < options.genuine) {
      if (pushes * perGenuine <= attacks && pushes < options.genuine) {
        const { message } = genuine(pushes++, seconds());
        report.messages.push(message);
        // Some doubled at once, some once more after the answer.
        const times = 1 + Math.floor(draw() * 3);
        await Promise.all(Array.from({ length: Math.min(2, times) }, () => push(message)));
        if (times === 3) await push(message);
      } else if (attacks < options.hostile) await attack(attacks++);
      if (attacks >= ((report.memoryMb.length + 1) * options.hostile) / 10)
        report.memoryMb.push(residentMb(pid));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return report;
}

type Answered = { status: number; text: string };

async function post({ base, agent }: Omit<To, 'pid'>, sent: Wire): Promise<Answered> {
  const answer = await request(`${base}/wechat/push/${sent.appid}?${sent.search}`, {
    method: sent.method as 'POST',
    dispatcher: agent,
    ...(sent.method === 'GET' || sent.method === 'HEAD'
      ? {}
      : { body: sent.chunked === true ? Readable.from(inChunks(sent.body)) : sent.body }),
  });
  return { status: answer.statusCode, text: await answer.body.text() };
}

async function* inChunks(body: string | Buffer): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(body as string);
  for (let at = 0; at < bytes.length; at += 16_384) {
    yield bytes.subarray(at, at + 16_384);
    await sleep(0);
  }
}

/** A connection that is cut amid a body beyond the cap is a refusal as well. */
const isRefused = (to: Omit<To, 'pid'>, sent: Wire): Promise<boolean> =>
  post(to, sent).then(
    ({ status }) => status >= 400 && status < 500,
    () => sent.kind === 'two_megabytes',
  );

/** Begin a body and never end it. Resolves with how many still stand open 20 s after they began. */
async function slowSenders(base: string, count: number): Promise<number> {
  const { port, hostname } = new URL(base);
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(Number(port), hostname).resume();
    socket.on('error', () => undefined);
    socket.write(
      `POST /wechat/push/${pushAppid} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{"a":"`,
    );
    return socket;
  });
  if (count > 0) await sleep(20_000);
  const left = sockets.filter((socket) => !socket.closed).length;
  for (const socket of sockets) socket.destroy();
  return left;
}

/** Writes, rewrites and sorts in the receiver's own database; resolves with how many statements there were. */
async function loadPostgres(pool: Pool, loaders: number, signal: AbortSignal): Promise<number> {
  await pool.query('create table load (id bigserial primary key, worker int, text text)');
  let statements = 0;
  const worker = async (number: number): Promise<void> => {
    while (!signal.aborted) {
      await pool.query(
        'insert into load (worker, text) select $1, md5(n::text) from generate_series(1, 2000) n',
        [number],
      );
      await pool.query('update load set text = md5(text) where worker = $1 and id % 3 = 0', [number]);
      await pool.query('select count(*) from (select text from load order by text limit 20000) t');
      await pool.query('delete from load where worker = $1 and id % 2 = 0', [number]);
      statements += 4;
    }
  };
  await Promise.all(Array.from({ length: loaders }, (_, number) => worker(number)));
  return statements;
}

async function checkInbox(pool: Pool, messages: readonly string[]) {
  const { rows } = await pool.query<{ body: string }>('select body from fahuo.push_event');
  const counts = new Map<string, number>();
  for (const { body } of rows) counts.set(bodyHash(body), (counts.get(bodyHash(body)) ?? 0) + 1);
  const expected = new Set(messages.map(bodyHash));
  return {
    notStoredOnce: [...expected].filter((hash) => counts.get(hash) !== 1).length,
    storedBesides: [...counts.keys()].filter((hash) => !expected.has(hash)).length,
  };
}

const residentMb = (pid: number): number =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_024);
