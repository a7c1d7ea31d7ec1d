import { isIP } from 'node:net';
import { Kafka, logLevel, type LogEntry, type RetryOptions, type SASLOptions } from 'kafkajs';
import type { Log } from '../log.ts';
import type { TlsOptions } from '../tls.ts';
import { patchKafkajs } from './kafkajs-patches.ts';

/** How to reach the brokers; both client libraries are built from it. */
export type KafkaConnection = {
  /** `host:port`. */
  brokers: readonly string[];
  clientId: string;
  /** The longest wait for one answer of a broker; 10 s unless set. */
  requestTimeoutMs?: number;
  ssl?: TlsOptions;
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string };
};

const connectTimeoutMs = 3_000;
const defaultRequestTimeoutMs = 10_000;

/**
 * kafkajs, for consumer groups and admin. It calls every hiccup an error: its lines are warnings of ours at most, and
 * `quiet` is for a client whose every failure is told by a rejection.
 */
export function createKafkajs(
  connection: KafkaConnection,
  log: Log,
  { retry, quiet = false }: { retry?: RetryOptions; quiet?: boolean } = {},
): Kafka {
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
    logCreator: () => (entry) => writeLine(log, entry, quiet),
  });
}

function writeLine(log: Log, { level, log: line }: LogEntry, quiet: boolean): void {
  const { message, error } = line as { message: string; error?: unknown };
  const write = level <= logLevel.ERROR && !quiet ? log.warn : log.debug;
  write.call(log, { kafka: message, err: error }, 'kafka.client_said');
}

export const mechanisms = {
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
    ...(ssl === undefined ? {} : tlsOf(ssl, brokers)),
    ...(sasl === undefined ? {} : { sasl: { ...sasl, mechanism: mechanisms[sasl.mechanism] } }),
  };
}

/**
 * A copy, so that all connections of one client show one certificate. The library tells the server no name unless asked;
 * proxies that route by it need one, and an address is none.
 */
const tlsOf = (ssl: TlsOptions, brokers: readonly string[]) => ({
  tls: { ...ssl },
  tlsServerName: ssl.servername ?? brokers.every((broker) => isIP(broker.replace(/:\d+$/, '')) === 0),
});
