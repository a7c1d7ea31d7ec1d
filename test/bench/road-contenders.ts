import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { uploadPath } from '../../src/wechat/client.ts';
import { appid } from '../support/events.ts';
import type { Bench } from './bench-parts.ts';
import { usageOf } from './child.ts';
import { debeziumTopic, fetchJars, type Connect } from './debezium-connect.ts';
import { paymentOf } from './outbox-rows.ts';
import type { Answered, Pids } from './road-load.ts';

/** What carries the events from the outbox to the API. */
export type Contender = {
  name: string;
  outbox: 'fahuo' | 'debezium';
  /** Beside Postgres, Kafka and the sandbox. */
  pids: Pids;
  /** Of the payments with these numbers, those that have their answer. */
  answered: (first: number, count: number) => Promise<Answered[]>;
  peakMb: () => number;
  stop: () => Promise<void>;
};

/** All roles in one process, as `fahuo run` has them. */
export async function startOurs(bench: Bench, sandbox: string, topic: string): Promise<Contender> {
  const env = await bench.topic(topic);
  const fahuo = await bench.fahuo('relay,consume,upload', {
    ...env,
    FAHUO_LOG_LEVEL: 'error',
    WECHAT_BASE_URL: sandbox,
    WECHAT_APPID: appid,
    WECHAT_SECRET: 'secret',
  });
  return {
    name: 'fahuo',
    outbox: 'fahuo',
    pids: { fahuo: fahuo.pid },
    answered: async (first, count) => {
      const { rows } = await bench.pool.query<Answered>(
        `select u.payment, (date_part('epoch', u.finished_at) * 1000)::float8 as "atMs", a.duration_ms as "tookMs"
         from fahuo.upload u join fahuo.attempt a on a.upload_id = u.id and a.outcome = 'accepted'
         where u.payment between $1 and $2 and u.state = 'acknowledged'`,
        [paymentOf(first), paymentOf(first + count - 1)],
      );
      return rows;
    },
    peakMb: () => usageOf(fahuo.pid).peakMb,
    stop: async () => {
      await fahuo.stop();
    },
  };
}

const poster = new URL('./parallel-consumer/', import.meta.url).pathname;
const jars = new URL('../../.cache/parallel-consumer-0.5.3.3/', import.meta.url).pathname;

/** Debezium's outbox router on Connect, and Confluent's parallel consumer that posts; nothing is recorded. */
export async function startPeers(bench: Bench, sandbox: string, connect: Connect): Promise<Contender> {
  await fetchJars(join(poster, 'pom.xml'), jars);
  const classes = join(bench.dir, 'poster');
  await promisify(execFile)('javac', ['-cp', join(jars, '*'), '-d', classes, join(poster, 'Poster.java')]);
  const child = spawn(
    'java',
    [
      '-cp',
      `${classes}:${join(jars, '*')}`,
      'Poster',
      bench.brokers,
      debeziumTopic,
      sandbox,
      uploadPath,
      '256',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const answers = new Map<string, Answered>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [atMs, tookMs, key] = line.split(' ');
    const payment = key?.slice(key.indexOf('/') + 1) ?? '';
    answers.set(payment, { payment, atMs: Number(atMs), tookMs: Number(tookMs) });
  });
  await once(child.stderr, 'data');
  return {
    name: 'Debezium and parallel-consumer',
    outbox: 'debezium',
    pids: { connect: connect.pid(), poster: child.pid ?? 0 },
    answered: (first, count) =>
      Promise.resolve(
        Array.from({ length: count }, (_, index) => answers.get(paymentOf(first + index))).filter(
          (one) => one !== undefined,
        ),
      ),
    peakMb: () => usageOf(connect.pid()).peakMb + usageOf(child.pid ?? 0).peakMb,
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}
