import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, startProgram, type LocalService } from '../../src/parts/process.ts';
import { appid } from '../support/events.ts';
import type { Bench } from './bench-parts.ts';

const jars = new URL('../../.cache/debezium-3.3.1/', import.meta.url).pathname;
export const debeziumTopic = 'debezium';

/** Debezium's table: what its outbox event router asks for, and our attributes as columns that become headers. */
const table = `create table public.debezium_outbox (
  id bigserial primary key, event_id text not null, aggregatetype text not null, aggregateid text not null,
  type text not null, source text not null, event_time text not null, appid text not null, version text not null,
  payload text not null)`;

/** Of event ids `e` and payments `p`; `$1` is the data's template. */
export const debeziumInsert = `insert into public.debezium_outbox
  (event_id, aggregatetype, aggregateid, type, source, event_time, appid, version, payload)
  select e, 'shipments', '${appid}/' || p, 'fahuo.shipment.shipped.v1', '/orders', '2026-11-23T10:00:00+08:00',
    '${appid}', '1', replace($1, 'PAYMENT', p)`;

export type Connect = LocalService & { rest: string };

/** Connect 4.1 standalone with Debezium 3.3, jars from Maven Central, on the bench's Postgres and Kafka. */
export async function startConnect(bench: Bench): Promise<Connect> {
  await fetchJars(new URL('./debezium/pom.xml', import.meta.url).pathname, jars);
  await bench.pool.query('alter system set wal_level = logical');
  await bench.postgres.restart();
  await bench.pool.query(table);
  await bench.admin.createTopic(debeziumTopic, 8);
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
    [`${router}.route.topic.replacement`]: debeziumTopic,
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

/** What a pom names, from Maven Central or from the cache. */
export async function fetchJars(pom: string, directory: string): Promise<void> {
  if (existsSync(directory)) return;
  await promisify(execFile)('mvn', [
    ...['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime'],
    `-DoutputDirectory=${directory}`,
  ]);
}

export const turn = async ({ rest }: Connect, to: 'pause' | 'resume'): Promise<void> => {
  await fetch(`${rest}/connectors/outbox/${to}`, { method: 'PUT' });
};
