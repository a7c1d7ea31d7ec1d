import { execFile } from 'node:child_process';
import { mkdtempSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sleep } from '../../src/clock.ts';
import { freePort, startProgram, type LocalService } from '../../src/parts/process.ts';
import { appid } from '../support/events.ts';
import type { Bench } from './bench-parts.ts';
import { startHelper, usageOf } from './child.ts';
import { head, row, say } from './numbers.ts';
import { dataTemplate } from './outbox-rows.ts';
import type { Drained } from './relay-drain.ts';
import {
  latencyCells,
  loads,
  measureLatency,
  untilCounted,
  type Latency,
  type Write,
} from './relay-latency.ts';

const pom = new URL('./debezium/pom.xml', import.meta.url).pathname;
const jars = new URL('../../.cache/debezium-3.3.1/', import.meta.url).pathname;
const topic = 'debezium';

/** Debezium's table: what its outbox event router asks for, and our attributes as columns that become headers. */
const table = `create table public.debezium_outbox (
  id bigserial primary key, event_id text not null, aggregatetype text not null, aggregateid text not null,
  type text not null, source text not null, event_time text not null, appid text not null, version text not null,
  payload text not null)`;

const insert = `insert into public.debezium_outbox
  (event_id, aggregatetype, aggregateid, type, source, event_time, appid, version, payload)
  select e, 'shipments', '${appid}/' || p, 'fahuo.shipment.shipped.v1', '/orders', '2026-11-23T10:00:00+08:00',
    '${appid}', '1', replace($1, 'PAYMENT', p)`;

type Connect = LocalService & { rest: string };

/** Connect 4.1 standalone with Debezium 3.3, jars from Maven Central, on the bench's Postgres and Kafka. */
async function startConnect(bench: Bench): Promise<Connect> {
  if (!existsSync(jars))
    await promisify(execFile)('mvn', [
      ...['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime'],
      `-DoutputDirectory=${jars}`,
    ]);
  await bench.pool.query('alter system set wal_level = logical');
  await bench.postgres.restart();
  await bench.pool.query(table);
  await bench.admin.createTopic(topic, 8);
  const home = mkdtempSync(join(bench.dir, 'connect-'));
  const port = await freePort();
  const rest = `http://127.0.0.1:${port}`;
  const write = (name: string, settings: Record<string, string | number | boolean>): string => {
    const file = join(home, name);
    writeFileSync(
      file,
      Object.entries(settings)
        .map(([key, value]) => `${key}=${value}`)
        .join('\n'),
    );
    return file;
  };
  const worker = write('worker.properties', {
    'bootstrap.servers': bench.brokers,
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'offset.storage.file.filename': join(home, 'offsets'),
    listeners: rest,
    'producer.acks': 'all',
  });
  const database = new URL(bench.databaseUrl);
  const router = 'transforms.outbox';
  const headers = ['type', 'source', 'event_time', 'appid', 'version'];
  const connector = write('connector.properties', {
    name: 'outbox',
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'plugin.name': 'pgoutput',
    'database.hostname': database.hostname,
    'database.port': database.port,
    'database.user': 'postgres',
    'database.password': 'none',
    'database.dbname': 'postgres',
    'topic.prefix': 'bench',
    'table.include.list': 'public.debezium_outbox',
    'publication.autocreate.mode': 'filtered',
    'snapshot.mode': 'no_data',
    'tombstones.on.delete': false,
    'poll.interval.ms': 10, // 500 unless set: a lone event would wait that long
    transforms: 'outbox',
    [`${router}.type`]: 'io.debezium.transforms.outbox.EventRouter',
    [`${router}.table.field.event.id`]: 'event_id',
    [`${router}.table.field.event.key`]: 'aggregateid',
    [`${router}.route.topic.replacement`]: topic,
    [`${router}.table.fields.additional.placement`]: headers
      .map((name) => `${name}:header:ce_${name}`)
      .join(','),
  });
  const part = await startProgram(
    {
      name: 'Kafka Connect',
      command: 'java',
      // What connect-standalone.sh sets by itself.
      args: [
        '-Xms256M',
        '-Xmx2G',
        '-cp',
        join(jars, '*'),
        'org.apache.kafka.connect.cli.ConnectStandalone',
        worker,
        connector,
      ],
      cwd: home,
      logFile: join(bench.dir, 'connect.log'),
      stopSignal: 'SIGTERM',
      ready: () =>
        fetch(`${rest}/connectors/outbox/status`)
          .then((answer) => answer.json() as Promise<{ tasks: { state: string }[] }>)
          .then(({ tasks }) => tasks[0]?.state === 'RUNNING'),
      readyWithinMs: 90_000,
    },
    rest,
  );
  return { ...part, rest };
}

const inTopic = async (bench: Bench): Promise<number> =>
  (await bench.admin.topicOffsets(topic)).reduce((sum, { high }) => sum + high, 0);

const turn = async ({ rest }: Connect, to: 'pause' | 'resume'): Promise<void> => {
  await fetch(`${rest}/connectors/outbox/${to}`, { method: 'PUT' });
};

/**
 * The rows wait in the WAL while the connector is paused, which it is before and after; counted from a tenth of them to
 * the end.
 */
async function drain(bench: Bench, connect: Connect, events: number): Promise<Drained> {
  const before = await inTopic(bench);
  for (let from = 0; from < events; from += 1_000)
    await bench.pool.query(
      `${insert} from generate_series($2::int, $3::int - 1) n,
       lateral (select 'd' || n as e, '4200001234' || lpad(n::text, 14, '0') as p) x`,
      [dataTemplate, from, Math.min(events, from + 1_000)],
    );
  await bench.pool.query('checkpoint');
  await turn(connect, 'resume');
  let first: { atMs: number; count: number; cpuUs: number } | undefined;
  for (;;) {
    const count = (await inTopic(bench)) - before;
    const { cpuUs, peakMb } = usageOf(connect.pid());
    const atMs = performance.now();
    if (first === undefined && count >= events / 10) first = { atMs, count, cpuUs };
    if (first !== undefined && count >= events) {
      await turn(connect, 'pause');
      const done = count - first.count;
      return {
        rate: (done / (atMs - first.atMs)) * 1_000,
        cpuUs: (cpuUs - first.cpuUs) / done,
        rssMb: peakMb,
      };
    }
    await sleep(20);
  }
}

async function latenciesOf(bench: Bench, connect: Connect, seconds: number): Promise<Latency[]> {
  await turn(connect, 'resume');
  const counter = await startHelper('./relay-counter.ts', {
    brokers: bench.brokers,
    topic,
    group: 'debezium',
  });
  await untilCounted(bench, counter, topic);
  const write: Write = async (ids) => {
    await bench.pool.query({
      name: 'debezium',
      text: `${insert} from unnest($2::text[], $3::text[]) x(e, p)`,
      values: [dataTemplate, ids.map(({ eventId }) => eventId), ids.map(({ payment }) => payment)],
    });
  };
  const latencies: Latency[] = [];
  head('commit → consumed', 'p50', 'p99', 'commit alone (p50)', 'CPU an event');
  for (const load of loads) {
    const one = await measureLatency({ counter, pid: connect.pid(), write, seconds }, load);
    latencies.push(one);
    say(row(`Debezium, ${load.perSecond}/s in commits of ${load.perCommit}`, ...latencyCells(one)));
  }
  await counter.stop();
  await turn(connect, 'pause');
  return latencies;
}

/** Debezium's outbox event router, paused but for what is asked of it. */
export type Debezium = {
  drain: (events: number) => Promise<Drained>;
  /** Under the loads of the relay. */
  latencies: (seconds: number) => Promise<Latency[]>;
  stop: () => Promise<void>;
};

export async function startDebezium(bench: Bench): Promise<Debezium> {
  const connect = await startConnect(bench);
  await sleep(2_000);
  await turn(connect, 'pause');
  return {
    drain: (events) => drain(bench, connect, events),
    latencies: (seconds) => latenciesOf(bench, connect, seconds),
    stop: () => connect.stop(),
  };
}
