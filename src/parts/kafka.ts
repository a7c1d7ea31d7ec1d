import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FahuoError, messageOf } from '../errors.ts';
import { cacheFolder } from './cache.ts';
import { freePort, runToEnd, startProgram, type LocalService } from './process.ts';

/** Started unless another version is asked for. */
export const kafkaVersion = '4.3.1';
const POM = fileURLToPath(new URL('./kafka-pom.xml', import.meta.url));
/** Any 16 bytes in base64url: one cluster a folder, so it need not be random. */
const CLUSTER_ID = 'ZmFodW8tZmFodW8tZmFodQ';

async function requireJava(): Promise<void> {
  const missing = (found: string, cause?: unknown) =>
    new FahuoError('PART_MISSING', `Java 17 or newer is needed to start Kafka; found ${found}`, {
      cause,
      remedy:
        'Run `apt-get install openjdk-17-jre-headless` (macOS: `brew install openjdk`), or set KAFKA_BROKERS.',
    });
  const said = await runToEnd('java', ['-version']).catch((error: unknown) => {
    throw missing('none', error);
  });
  const major = Number(/version "(\d+)/.exec(said)?.[1] ?? 0);
  if (major < 17) throw missing(`Java ${major}`);
}

/** Kafka's jars, fetched once by Maven; several processes may fill the cache at the same time. */
export async function kafkaJars(version = kafkaVersion): Promise<string> {
  const cache = cacheFolder();
  const folder = join(cache, `kafka-${version}`);
  const present = await readdir(folder).catch(() => []);
  if (present.length > 0) return folder;
  const fresh = await freshFolder(cache, folder);
  await runToEnd('mvn', [
    '-q',
    '-B',
    '-f',
    POM,
    `-Dkafka.version=${version}`,
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    `-DoutputDirectory=${fresh}`,
  ]).catch((cause: unknown) => {
    throw new FahuoError('PART_MISSING', "Maven did not bring Kafka's jars", {
      cause,
      remedy:
        'Run `apt-get install maven` (macOS: `brew install maven`) and check its network, or set KAFKA_BROKERS.',
    });
  });
  await rename(fresh, folder).catch(() => rm(fresh, { recursive: true, force: true }));
  return folder;
}

const freshFolder = (cache: string, folder: string): Promise<string> =>
  mkdir(cache, { recursive: true })
    .then(() => mkdtemp(`${folder}-`))
    .catch((cause: unknown) => {
      throw new FahuoError('PART_MISSING', `no place for Kafka's jars: ${messageOf(cause)}`, {
        cause,
        remedy: 'Let XDG_CACHE_HOME name a folder that may be written, or set KAFKA_BROKERS.',
      });
    });

const LOGGING = `status = error
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c)%n
`;

type Node = { id: number; port: number; controllerPort: number };

export type KafkaOptions = {
  /** Of Apache Kafka, as Maven names it: 3.3 and newer start. */
  version?: string;
  /** Added to the broker's own, or instead of them: an authorizer, a limit. Listeners are added to its own. */
  properties?: Readonly<Record<string, string>>;
};

const isList = (key: string): boolean =>
  key.includes('listeners') || key === 'listener.security.protocol.map';

const propertiesText = (
  node: Node,
  nodes: Node[],
  home: string,
  own: KafkaOptions['properties'] = {},
): string =>
  Object.entries({
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': nodes.map((n) => `${n.id}@127.0.0.1:${n.controllerPort}`).join(','),
    listeners: `PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${node.port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(home, 'logs'),
    'num.partitions': 8,
    'auto.create.topics.enable': false,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 500,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': nodes.length,
    'transaction.state.log.num.partitions': 4,
    'transaction.state.log.replication.factor': nodes.length,
    'transaction.state.log.min.isr': 1,
    'default.replication.factor': nodes.length,
    'min.insync.replicas': nodes.length > 1 ? 2 : 1,
    'broker.session.timeout.ms': 6_000,
    ...Object.fromEntries(Object.entries(own).filter(([key]) => !isList(key))),
  })
    .map(([key, value]) => `${key}=${value}${isList(key) && key in own ? `,${own[key]}` : ''}`)
    .join('\n');

const listening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });

/** The tool has another name in older Kafkas. */
async function format(java: readonly string[], config: string): Promise<void> {
  const args = ['format', '-t', CLUSTER_ID, '-c', config, '--ignore-formatted'];
  await runToEnd('java', [...java, 'org.apache.kafka.tools.StorageTool', ...args]).catch(() =>
    runToEnd('java', [...java, 'kafka.tools.StorageTool', ...args]),
  );
}

type Setup = { dir: string; lib: string; nodes: Node[]; properties: KafkaOptions['properties'] };

async function startNode(node: Node, { dir, lib, nodes, properties }: Setup): Promise<LocalService> {
  const home = await mkdtemp(join(dir, `kafka-${node.id}-`));
  const config = join(home, 'server.properties');
  const logging = join(home, 'log4j2.properties');
  await writeFile(config, propertiesText(node, nodes, home, properties));
  await writeFile(logging, LOGGING);
  const java = [
    '-Xms256m',
    '-Xmx512m',
    // In a heap this small G1 takes a produce request of a megabyte for humongous, and marks without end.
    '-XX:+UseParallelGC',
    `-Dlog4j2.configurationFile=${logging}`,
    '-cp',
    join(lib, '*'),
  ];
  await format(java, config);
  return startProgram(
    {
      name: 'Kafka',
      command: 'java',
      args: [...java, 'kafka.Kafka', config],
      cwd: home,
      logFile: join(dir, `kafka-${node.id}.log`),
      stopSignal: 'SIGTERM',
      // A broker opens its listener only after it has been unfenced by the controller.
      ready: () => listening(node.port),
      readyWithinMs: 90_000,
    },
    `127.0.0.1:${node.port}`,
  );
}

/** Kafka (KRaft) on free loopback ports: one node, or a small cluster with min.insync.replicas 2. */
export async function startKafkaCluster(
  dir: string,
  brokers: number,
  { version, properties }: KafkaOptions = {},
): Promise<LocalService[]> {
  await requireJava();
  const lib = await kafkaJars(version);
  const nodes: Node[] = [];
  for (let id = 1; id <= brokers; id++)
    nodes.push({ id, port: await freePort(), controllerPort: await freePort() });
  return Promise.all(nodes.map((node) => startNode(node, { dir, lib, nodes, properties })));
}

export async function startKafka(dir: string, options: KafkaOptions = {}): Promise<LocalService> {
  const [part] = await startKafkaCluster(dir, 1, options);
  if (part === undefined) throw new FahuoError('INVARIANT', 'a cluster of one has one broker');
  return part;
}
