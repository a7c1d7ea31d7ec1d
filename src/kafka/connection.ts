import { Kafka, logLevel, type LogEntry, type RetryOptions, type SASLOptions } from 'kafkajs';
import type { Log } from '../log.ts';
import { patchKafkajs } from './kafkajs-patches.ts';

/** How to reach the brokers; both client libraries are built from it. */
export type KafkaConnection = {
  /** `host:port`. */
  brokers: readonly string[];
  clientId: string;
  /** The longest wait for one answer of a broker; 10 s unless set. */
  requestTimeoutMs?: number;
  ssl?: { ca?: string; cert?: string; key?: string };
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string };
};

const connectTimeoutMs = 3_000;
const defaultRequestTimeoutMs = 10_000;

/** kafkajs, for consumer groups and admin. It calls every hiccup an error: its lines are warnings of ours at most. */
export function createKafkajs(connection: KafkaConnection, log: Log, retry?: RetryOptions): Kafka {
  patchKafkajs();
  return new Kafka({
    clientId: connection.clientId,
    brokers: [...connection.brokers],
    connectionTimeout: connectTimeoutMs,
    requestTimeout: connection.requestTimeoutMs ?? defaultRequestTimeoutMs,
    ...(retry === undefined ? {} : { retry }),
    ...(connection.ssl === undefined ? {} : { ssl: connection.ssl }),
    ...(connection.sasl === undefined ? {} : { sasl: connection.sasl as SASLOptions }),
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => writeLine(log, entry),
  });
}

function writeLine(log: Log, { level, log: line }: LogEntry): void {
  const { message, error } = line as { message: string; error?: unknown };
  const write = level <= logLevel.ERROR ? log.warn : log.debug;
  write.call(log, { kafka: message, err: error }, 'kafka.client_said');
}

const mechanisms = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
} as const;

/** @platformatic/kafka, for the relay's producer: library retries off, every phase with a limit. */
export function platformaticOptions({ brokers, clientId, requestTimeoutMs, ssl, sasl }: KafkaConnection) {
  const timeoutMs = requestTimeoutMs ?? defaultRequestTimeoutMs;
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: connectTimeoutMs,
    requestTimeout: timeoutMs,
    timeout: timeoutMs,
    retries: 0,
    autocreateTopics: false,
    ...(ssl === undefined ? {} : { tls: ssl }),
    ...(sasl === undefined ? {} : { sasl: { ...sasl, mechanism: mechanisms[sasl.mechanism] } }),
  };
}
