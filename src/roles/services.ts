import { commandQueryTimeoutMs, createPool, trustedPath, type Pool } from '../../db/client.ts';
import { findPooler, signOf } from '../../db/pooler.ts';
import { readSchemaState, type SchemaState } from '../../db/version.ts';
import { faultError, faultOf } from '../connection-fault.ts';
import { FahuoError, messageOf, topicMissing } from '../errors.ts';
import { createAdmin, type Admin } from '../kafka/admin.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import { kafkaSettings } from '../kafka/settings.ts';
import { createLog, type Log } from '../log.ts';
import { required, type Config } from './config.ts';
import { databaseRemedies, databaseUrlOf } from './postgres.ts';
import { tlsOptions } from './tls-settings.ts';

/** Writes what reading the configuration had to say first. */
export function openLog({ log: { level }, notices }: Config): Log {
  const log = createLog({ level });
  for (const { level: severity, text } of notices) log[severity]({ text }, 'settings.noticed');
  return log;
}

/**
 * A pool on a database that this program can work with.
 * @throws FahuoError DATABASE_UNREACHABLE, TLS_FAILED, LOGIN_REFUSED, SCHEMA_…, RIGHTS_MISSING or POOLED_CONNECTION, so
 * that a command fails with its remedy at once.
 */
export async function openPool(
  config: Config,
  log: Log,
  options: { max?: number; keyLookups?: boolean; queryTimeoutMs?: number } = {},
): Promise<Pool> {
  const databaseUrl = databaseUrlOf(config);
  const pool = createPool({
    databaseUrl,
    max: 10,
    // Only the roles that run ask for key look-ups; a person's command may read whole tables.
    queryTimeoutMs: options.keyLookups === true ? config.database.queryTimeoutMs : commandQueryTimeoutMs,
    ...options,
    settings: trustedPath,
    applicationName: 'fahuo',
    onError: (error) => log.warn({ err: messageOf(error) }, 'database.connection_lost'),
  });
  try {
    const sign = await findPooler(databaseUrl);
    if (sign !== null) throw pooled(sign);
    const refusal = refusalOf(await readSchemaState(pool));
    if (refusal !== null) throw refusal;
    return pool;
  } catch (error) {
    await pool.end().catch(() => undefined);
    throw databaseError(error);
  }
}

export const pooled = (sign: string): FahuoError =>
  new FahuoError('POOLED_CONNECTION', `DATABASE_URL leads through a pooler: ${sign}`);

function refusalOf(state: SchemaState): FahuoError | null {
  switch (state.kind) {
    case 'current':
      return null;
    case 'missing':
      return new FahuoError('SCHEMA_MISSING', 'this database has no schema fahuo');
    case 'behind':
      return new FahuoError(
        'SCHEMA_OUTDATED',
        `this database is ${migrations(state.pending.length)} behind this fahuo: run fahuo migrate`,
      );
    case 'ahead':
      return new FahuoError('SCHEMA_NEWER', `this database is ${migrations(state.by)} ahead of this fahuo`);
    case 'foreign':
      return new FahuoError(
        'SCHEMA_FOREIGN',
        'this database was made by a build of fahuo that was never released',
      );
  }
}

const migrations = (count: number): string => `${count} ${count === 1 ? 'migration' : 'migrations'}`;

/** What Postgres or the way to it said, with the remedy that fits. */
export function databaseError(error: unknown, server = 'Postgres'): FahuoError {
  if (error instanceof FahuoError) return error;
  const found = faultOf(error);
  if (found !== null) return faultError(server, found, databaseRemedies, error);
  const sign = signOf(error);
  if (sign !== null) return pooled(sign);
  const denied = (error as { code?: string }).code === '42501';
  const code = denied ? 'RIGHTS_MISSING' : 'DATABASE_UNREACHABLE';
  return new FahuoError(code, `${server}: ${messageOf(error)}`, { cause: error });
}

export function kafkaConnection({ kafka }: Config): KafkaConnection {
  const { saslMechanism: mechanism, requestTimeoutMs } = kafka;
  const sasl =
    mechanism === undefined
      ? {}
      : {
          sasl: { mechanism, username: kafka.saslUsername ?? '', password: kafka.saslPassword ?? '' },
        };
  return {
    brokers: required(kafka.brokers, kafkaSettings.brokers),
    clientId: 'fahuo',
    requestTimeoutMs,
    ...(kafka.ssl ? { ssl: tlsOptions('KAFKA', kafka) } : {}),
    ...sasl,
  };
}

export const openAdmin = (config: Config, log: Log): Admin => createAdmin(kafkaConnection(config), log);

export const topicsOf = ({ kafka: { topic } }: Config) => ({
  events: topic,
  acks: `${topic}.acks`,
  deadLetters: `${topic}.dead-letters`,
});

/** The webhook reads the ack topic in a group of its own. */
export const webhookGroupOf = ({ consumer }: Config): string => `${consumer.group}.webhook`;

/** Makes the topics that are missing, where that is allowed. */
export async function ensureTopics(config: Config, admin: Admin, log: Log): Promise<void> {
  for (const topic of Object.values(topicsOf(config))) {
    if ((await admin.partitionCount(topic)) !== null) continue;
    const { createTopics, topicPartitions: partitions } = config.kafka;
    if (!createTopics) throw topicMissing(topic);
    await admin.createTopic(topic, partitions);
    log.info({ topic, partitions }, 'topic.created');
  }
}
