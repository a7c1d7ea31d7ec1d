import type { TestProject } from 'vitest/node';
import { startParts, type LocalServices } from '../../src/parts/start.ts';

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- vitest extends by merging
  interface ProvidedContext {
    databaseUrl: string;
    kafkaBrokers: string;
    redisUrl: string;
  }
}

const given = (name: string): string | undefined => process.env[name] ?? undefined;
/** The suite against another Kafka: `TEST_KAFKA_VERSION=3.9.1 npm test`, see docs/operations.md. */
const kafkaVersion = given('TEST_KAFKA_VERSION');
let parts: Promise<LocalServices> | undefined;
let users = 0;

/** One set of services a run, shared by the integration and the e2e project; what a URL names is not started. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  users++;
  parts ??= startParts({
    databaseUrl: given('DATABASE_URL'),
    kafkaBrokers: given('KAFKA_BROKERS'),
    redisUrl: given('REDIS_URL'),
    needRedis: true,
    kafka: kafkaVersion === undefined ? {} : { version: kafkaVersion },
  });
  const running = await parts;
  project.provide('databaseUrl', running.databaseUrl);
  project.provide('kafkaBrokers', running.kafkaBrokers);
  project.provide('redisUrl', running.redisUrl ?? '');
  return async () => {
    if (--users === 0) await running.stop();
  };
}
