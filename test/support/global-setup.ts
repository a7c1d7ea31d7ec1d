import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { startEach, startParts, type LocalServices, type StartedParts } from '../../src/parts/start.ts';

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- vitest extends by merging
  interface ProvidedContext {
    databaseUrl: string;
    kafkaBrokers: string;
    redisUrl: string;
    /** Answers with the URL of a MySQL, which the first question starts: see test/support/mysql.ts. */
    mysqlDoor: string;
  }
}

const given = (name: string): string | undefined => process.env[name] ?? undefined;
/** The suite against another Kafka: `TEST_KAFKA_VERSION=3.9.1 npm test`, see docs/operations.md. */
const kafkaVersion = given('TEST_KAFKA_VERSION');
let parts: Promise<LocalServices> | undefined;
let mysql: Promise<StartedParts> | undefined;
let door: Promise<Server> | undefined;
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
  door ??= openMysqlDoor();
  const { port } = (await door).address() as AddressInfo;
  project.provide('mysqlDoor', `http://127.0.0.1:${port}`);
  return async () => {
    if (--users > 0) return;
    (await door)?.close();
    await Promise.all([running.stop(), (await mysql)?.stop()]);
  };
}

/** Few tests want a MySQL, and a run without them does not wait for one. */
async function openMysqlDoor(): Promise<Server> {
  const server = createServer((_request, response) => {
    void mysqlUrl().then(
      (url) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function mysqlUrl(): Promise<string> {
  const url = given('MYSQL_URL');
  if (url !== undefined) return url;
  mysql ??= startEach(['MYSQL_URL']);
  const { services, failures } = await mysql;
  if (services.MYSQL_URL === undefined) throw failures.MYSQL_URL;
  return services.MYSQL_URL.url;
}
