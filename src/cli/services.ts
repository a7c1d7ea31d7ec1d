import { createPool, type Pool } from '../../db/client.ts';
import { required, type Config } from '../config.ts';
import { hasSchema } from '../console/status-store.ts';
import { FahuoError, messageOf, topicMissing } from '../errors.ts';
import { createAdmin, type Admin } from '../kafka/admin.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import { createLog, type Log } from '../log.ts';
import { readFileSync } from 'node:fs';

export const openLog = (config: Config): Log => createLog({ level: config.logLevel });

/** @throws FahuoError DATABASE_UNREACHABLE or SCHEMA_MISSING, so that a command fails with its remedy at once. */
export async function openPool(
  config: Config,
  log: Log,
  options: { max?: number; keyLookups?: boolean } = {},
): Promise<Pool> {
  const pool = createPool({
    databaseUrl: required(config, 'databaseUrl'),
    max: 10,
    ...options,
    applicationName: 'fahuo',
    onError: (error) => log.warn({ err: messageOf(error) }, 'database.connection_lost'),
  });
  try {
    if (!(await hasSchema(pool))) throw new FahuoError('SCHEMA_MISSING', 'this database has no schema fahuo');
    return pool;
  } catch (error) {
    await pool.end().catch(() => undefined);
    if (error instanceof FahuoError) throw error;
    throw new FahuoError('DATABASE_UNREACHABLE', `Postgres: ${messageOf(error)}`, { cause: error });
  }
}

function fileText(name: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FahuoError('CONFIG_INVALID', `${name} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

export function kafkaConnection(config: Config): KafkaConnection {
  const { kafkaSaslMechanism: mechanism } = config;
  return {
    brokers: required(config, 'kafkaBrokers'),
    clientId: 'fahuo',
    requestTimeoutMs: config.kafkaRequestTimeoutMs,
    ...(config.kafkaSsl ? { ssl: sslOf(config) } : {}),
    ...(mechanism === undefined
      ? {}
      : {
          sasl: {
            mechanism,
            username: config.kafkaSaslUsername ?? '',
            password: config.kafkaSaslPassword ?? '',
          },
        }),
  };
}

function sslOf(config: Config): { ca?: string; cert?: string; key?: string } {
  const ca = fileText('KAFKA_SSL_CA_FILE', config.kafkaSslCaFile);
  const cert = fileText('KAFKA_SSL_CERT_FILE', config.kafkaSslCertFile);
  const key = fileText('KAFKA_SSL_KEY_FILE', config.kafkaSslKeyFile);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

export const openAdmin = (config: Config, log: Log): Admin => createAdmin(kafkaConnection(config), log);

export const topicsOf = (config: Config) => ({
  events: config.kafkaTopic,
  acks: `${config.kafkaTopic}.acks`,
  deadLetters: `${config.kafkaTopic}.dead-letters`,
});

/** Makes the topics that are missing, where that is allowed. */
export async function ensureTopics(config: Config, admin: Admin, log: Log): Promise<void> {
  for (const topic of Object.values(topicsOf(config))) {
    if ((await admin.partitionCount(topic)) !== null) continue;
    if (!config.createTopics) throw topicMissing(topic);
    await admin.createTopic(topic, config.topicPartitions);
    log.info({ topic, partitions: config.topicPartitions }, 'topic.created');
  }
}
