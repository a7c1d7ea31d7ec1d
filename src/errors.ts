/**
 * Thrown errors are for misconfiguration and bugs; expected failures are values.
 * Every code has a remedy that an operator can carry out.
 */
const catalogue = {
  CONFIG_INVALID: 'Correct the named environment variable; `fahuo doctor` prints what was read.',
  DATABASE_UNREACHABLE: 'Check DATABASE_URL and that Postgres accepts connections from this host.',
  SCHEMA_MISSING: 'Run `fahuo migrate` against this DATABASE_URL.',
  SCHEMA_OUTDATED: 'Run `fahuo migrate` as the owner of the schema, then start again.',
  SCHEMA_NEWER: 'Start the fahuo that migrated this database, or a newer one.',
  SCHEMA_FOREIGN:
    'Use the build that made it, or a new database: builds from before 0.1.0 have no way up to this one.',
  RIGHTS_MISSING: 'Grant this login what "Roles" in docs/operations.md says.',
  MIGRATION_BLOCKED:
    'Wait for that session or end it (`select pg_terminate_backend(PID)`), then migrate again.',
  POOLED_CONNECTION: 'Let DATABASE_URL name Postgres itself: fahuo keeps sessions of its own.',
  KAFKA_UNREACHABLE: 'Check KAFKA_BROKERS and that the brokers advertise an address this host can reach.',
  TOPIC_MISSING: 'Create the topic, or set FAHUO_CREATE_TOPICS=true.',
  HTTP_UNAVAILABLE:
    'Set FAHUO_HTTP_PORT to a free port (0 takes any), or FAHUO_HTTP_HOST to an address of this host.',
  TRANSACTION_INVALID: 'Pass the open transaction that writes the order; nothing was written.',
  EVENT_INVALID: 'Correct the named field and enqueue again; nothing was written.',
  PART_MISSING: 'Install the named program, or set the URL of a running service.',
  PART_FAILED: 'Read the log file that the message names.',
  GROUP_OF_ANOTHER_DATABASE:
    'Give this deployment a KAFKA_GROUP of its own; if that database is gone for good, run `fahuo database take-group --execute`.',
  CONSUMER_CRASHED: 'Read the cause; restart the process when it is mended. No offset was lost.',
  CHECK_FAILED: 'Do what the line says, then run `fahuo doctor` again.',
  USAGE: 'Run the command with --help.',
  INVARIANT: 'This is a bug in fahuo: please report it with the message.',
} as const;

export type ErrorCode = keyof typeof catalogue;
export const errorCodes = Object.keys(catalogue) as ErrorCode[];
export const remedyOf = (code: ErrorCode): string => catalogue[code];

export class FahuoError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; remedy?: string }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FahuoError';
    this.code = code;
    this.remedy = options?.remedy ?? catalogue[code];
  }
}

/** The command that makes a topic, for whoever misses it. */
export const topicRemedy = (topic: string): string =>
  `Run \`kafka-topics.sh --bootstrap-server HOST:PORT --create --topic ${topic} --partitions 8\`, or start with FAHUO_CREATE_TOPICS=true.`;

export const topicMissing = (topic: string): FahuoError =>
  new FahuoError('TOPIC_MISSING', `the topic ${topic} does not exist`, { remedy: topicRemedy(topic) });

/** The text of anything thrown, for logs and reasons. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
