import { parseArgs } from 'node:util';
import { createPool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { sleep, systemClock } from '../../src/clock.ts';
import { startParts } from '../../src/parts/start.ts';
import { createAdmin } from '../../src/kafka/admin.ts';
import { createLog } from '../../src/log.ts';
import { createSandbox } from '../../src/sandbox/run.ts';
import { appid, shippedEvent } from '../support/events.ts';
import { startFahuo } from '../support/fahuo-process.ts';

/**
 * A lone event on an idle system: from the return of its commit to its acknowledgement, less what WeChat's answer
 * took. All roles in one process, as `fahuo run` has them. `npm run bench:lone -- --events 200`
 */
const { values: flags } = parseArgs({
  options: { events: { type: 'string', default: '200' }, latency: { type: 'string', default: '50' } },
});
const topic = 'bench-lone';
const given = (name: string): string | undefined => process.env[name];
const parts = await startParts({
  databaseUrl: given('DATABASE_URL'),
  kafkaBrokers: given('KAFKA_BROKERS'),
  needRedis: false,
});
await migrate(parts.databaseUrl);
const log = createLog({ level: 'silent' });
const admin = createAdmin({ brokers: parts.kafkaBrokers.split(','), clientId: 'bench' }, log);
for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`]) await admin.createTopic(name, 8);
const sandbox = await createSandbox(
  { latencyMs: Number(flags.latency), autoCreatePayments: true },
  systemClock,
);
const fahuo = await startFahuo(['run'], {
  DATABASE_URL: parts.databaseUrl,
  KAFKA_BROKERS: parts.kafkaBrokers,
  KAFKA_TOPIC: topic,
  KAFKA_GROUP: topic,
  WECHAT_BASE_URL: sandbox.url,
  WECHAT_APPID: appid,
  WECHAT_SECRET: 'secret',
  FAHUO_HTTP_PORT: '0',
  FAHUO_LOG_LEVEL: 'error',
});
const pool = createPool({
  databaseUrl: parts.databaseUrl,
  max: 1,
  applicationName: 'bench',
  onError: () => undefined,
});

type Done = { finishedAtMs: number; answeredInMs: number };

async function acknowledged(payment: string): Promise<Done> {
  for (;;) {
    const { rows } = await pool.query<Done>(
      `select (date_part('epoch', u.finished_at) * 1000)::bigint as "finishedAtMs", a.duration_ms as "answeredInMs"
       from fahuo.upload u join fahuo.attempt a on a.upload_id = u.id and a.outcome = 'accepted'
       where u.payment = $1 and u.state = 'acknowledged'`,
      [payment],
    );
    if (rows[0] !== undefined) return rows[0];
    await sleep(20);
  }
}

const above: number[] = [];
const count = Number(flags.events);
const warmUp = 20;
for (let number = 0; number < count + warmUp; number++) {
  await sleep(150 + (number % 7) * 31); // idle again, and in no step with anybody's timer
  const payment = `42${systemClock().getTime()}${String(number).padStart(13, '0')}`;
  await pool.query('select fahuo.enqueue($1)', [JSON.stringify(shippedEvent({ payment, appid }))]);
  const committedAtMs = systemClock().getTime();
  const { finishedAtMs, answeredInMs } = await acknowledged(payment);
  if (number >= warmUp) above.push(finishedAtMs - committedAtMs - answeredInMs);
}
above.sort((left, right) => left - right);
const at = (part: number): number => above[Math.floor(part * (above.length - 1))] ?? 0;
process.stdout.write(
  `commit to acknowledgement of ${count} lone events, above the API's own answer: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms\n`,
);
await fahuo.stop();
await pool.end();
await admin.close();
await sandbox.stop();
await parts.stop();
