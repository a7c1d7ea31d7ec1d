import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startKafkaCluster } from '../../src/parts/kafka.ts';
import type { LocalService } from '../../src/parts/process.ts';
import { eventually } from '../support/eventually.ts';
import { createRelayStack, type RelayStack } from '../support/relay-stack.ts';

let dir: string;
let brokers: LocalService[];
let stack: RelayStack;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fahuo-cluster-'));
  await chmod(dir, 0o755);
  brokers = await startKafkaCluster(dir, 3);
  stack = await createRelayStack({ brokers: brokers.map(({ url }) => url).join(','), partitions: 3 });
}, 240_000);
afterAll(async () => {
  await stack.close();
  await Promise.all(brokers.map((broker) => broker.kill()));
  await rm(dir, { recursive: true, force: true });
});

async function leaderOf(partition: number): Promise<LocalService> {
  const kafka = new Kafka({ brokers: brokers.map(({ url }) => url), logLevel: logLevel.NOTHING }).admin();
  await kafka.connect();
  const { topics } = await kafka.fetchTopicMetadata({ topics: [stack.topic] });
  await kafka.disconnect();
  const leader = topics[0]!.partitions.find(({ partitionId }) => partitionId === partition)!.leader;
  return brokers[leader - 1]!;
}

/** Writes one version of thirty payments; returns what the topic has to hold after it. */
let version = 0;
async function writeRound(): Promise<void> {
  version += 1;
  await stack.enqueue(...Array.from({ length: 30 }, (_, index) => ({ payment: `p${index}`, version })));
}

const untilPassed = (): Promise<void> =>
  eventually(async () => {
    const { cursor, last } = await stack.cursor();
    expect(cursor).toBe(last);
  }, 90_000);

it('a cluster of three whose leader is killed, with two replicas in sync: nothing is lost, order holds', async () => {
  stack.start();
  await writeRound();
  await untilPassed();
  const victim = await leaderOf(0);
  const writing = (async () => {
    for (let round = 0; round < 40; round++) await writeRound();
  })();
  await victim.kill();
  await writing;
  await untilPassed(); // the other two are enough
  await victim.restart();
  await writeRound();
  await untilPassed();
  const published = await stack.published();
  const first = [...new Set(published)];
  expect(first).toHaveLength(30 * version);
  for (let index = 0; index < 30; index++)
    expect(first.filter((name) => name.startsWith(`p${index} `))).toEqual(
      Array.from({ length: version }, (_, before) => `p${index} v${before + 1}`),
    );
  console.log(`${published.length} messages for ${first.length} events`);
});
