import { randomBytes } from 'node:crypto';
import { connectAlone, createPool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { monotonicMs, sleep, systemClock } from '../../src/clock.ts';
import { createAdmin } from '../../src/kafka/admin.ts';
import { createLog } from '../../src/log.ts';
import { createSandbox } from '../../src/sandbox/run.ts';
import { appid, shippedEvent } from './events.ts';
import { eventually } from './eventually.ts';
import { startFahuo } from './fahuo-process.ts';
import { createTcpProxy } from './proxy.ts';

export type Silence = {
  /** The loops that /livez named while it answered 503; empty when it never did. */
  named: string[];
  /** From the silence until events of after it were acknowledged by WeChat; null when they never were. */
  worksAgainMs: number | null;
  /** From the silence until /livez was content again; null when it never was. */
  aliveAgainMs: number | null;
};

const events = 20;
const patienceMs = 90_000;

/**
 * All roles in one process, at work, when the host of Postgres falls silent without a reset and new connections work at
 * once. More is enqueued; says how long it took until that was at WeChat.
 */
export async function fallSilent(
  services: { databaseUrl: string; kafkaBrokers: string },
  env: Record<string, string> = {},
): Promise<Silence> {
  const name = `fahuo_silence_${randomBytes(4).toString('hex')}`;
  const onServer = async (statement: string): Promise<void> => {
    const client = await connectAlone(services.databaseUrl, 'fahuo-test');
    await client.query(statement).finally(() => client.end());
  };
  await onServer(`create database ${name}`);
  const direct = Object.assign(new URL(services.databaseUrl), { pathname: `/${name}` });
  await migrate(direct.toString());
  const proxy = await createTcpProxy({ host: direct.hostname, port: Number(direct.port) });
  const through = Object.assign(new URL(direct), { hostname: '127.0.0.1', port: String(proxy.port) });
  const pool = createPool({
    databaseUrl: direct.toString(),
    max: 2,
    applicationName: 'order-service',
    onError: () => undefined,
  });
  const admin = createAdmin(
    { brokers: services.kafkaBrokers.split(','), clientId: 'test' },
    createLog({ level: 'silent' }),
  );
  for (const topic of [name, `${name}.acks`, `${name}.dead-letters`]) await admin.createTopic(topic, 4);
  await admin.close();
  const sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  const fahuo = await startFahuo(['run'], {
    DATABASE_URL: through.toString(),
    KAFKA_BROKERS: services.kafkaBrokers,
    KAFKA_TOPIC: name,
    KAFKA_GROUP: name,
    WECHAT_BASE_URL: sandbox.url,
    WECHAT_APPID: appid,
    WECHAT_SECRET: 'secret',
    FAHUO_HTTP_PORT: '0',
    FAHUO_LOG_LEVEL: 'warn',
    ...env,
  });
  const enqueue = (batch: string): Promise<unknown> => {
    const texts = Array.from({ length: events }, (_, i) =>
      JSON.stringify(shippedEvent({ payment: `${batch}${i}` })),
    );
    return pool.query('select fahuo.enqueue(text) from unnest($1::text[]) as text', [texts]);
  };
  const untilAcknowledged = (batch: string): Promise<void> =>
    eventually(async () => {
      const { rows } = await pool.query<{ n: number }>(
        `select count(*) as n from fahuo.upload where state = 'acknowledged' and payment like $1`,
        [`${batch}%`],
      );
      if (rows[0]?.n !== events) throw new Error(`${rows[0]?.n} of ${events} are acknowledged`);
    }, patienceMs);
  try {
    await enqueue('before');
    await untilAcknowledged('before');
    const fromMs = monotonicMs();
    proxy.silence();
    await enqueue('after');
    const sinceMs = (): number => Math.round(monotonicMs() - fromMs);
    const [alive, worksAgainMs] = await Promise.all([
      watchLiveness(`${fahuo.http}/livez`, sinceMs),
      untilAcknowledged('after').then(sinceMs, () => null),
    ]);
    return { ...alive, worksAgainMs };
  } finally {
    proxy.close();
    await fahuo.kill();
    await sandbox.stop();
    await pool.end();
    await onServer(`drop database ${name} with (force)`);
  }
}

/** Until /livez was stale and is content again. */
async function watchLiveness(
  url: string,
  sinceMs: () => number,
): Promise<{ named: string[]; aliveAgainMs: number | null }> {
  const named = new Set<string>();
  while (sinceMs() < patienceMs) {
    const answer = await fetch(url);
    const { stale } = (await answer.json()) as { stale: { loop: string }[] };
    if (answer.status === 503) for (const { loop } of stale) named.add(loop);
    else if (named.size > 0) return { named: [...named].sort(), aliveAgainMs: sinceMs() };
    await sleep(100);
  }
  return { named: [...named].sort(), aliveAgainMs: null };
}
