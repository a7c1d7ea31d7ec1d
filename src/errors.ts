/**
 * Thrown errors are for misconfiguration and bugs; expected failures are values.
 * Every code has a remedy that an operator can carry out. docs/errors.md is generated from this list.
 */
const catalogue = {
  CONFIG_INVALID: {
    says: 'FAHUO_WINDOW is "many": must be a number',
    cause: 'A setting is missing, cannot be parsed, or bears a name that is none.',
    remedy: 'Correct the named environment variable; docs/settings.md lists them all.',
  },
  FILE_NOT_WRITTEN: {
    says: '.env is not written: EEXIST: file already exists',
    cause: '`fahuo init` overwrites nothing, or may not write into the folder.',
    remedy: 'Move the file away or edit it, or use a folder that this user may write to.',
  },
  DATABASE_UNREACHABLE: {
    says: 'Postgres: connect ECONNREFUSED 127.0.0.1:5432',
    cause: 'Postgres, or the database or login that DATABASE_URL names, is not there.',
    remedy: 'Check DATABASE_URL and that Postgres accepts connections from this host.',
  },
  SCHEMA_MISSING: {
    says: 'this database has no schema fahuo',
    cause: 'The database was never migrated.',
    remedy: 'Run `fahuo migrate` against this DATABASE_URL.',
  },
  SCHEMA_OUTDATED: {
    says: 'this database is 2 migrations behind this fahuo: run fahuo migrate',
    cause: 'A newer fahuo starts on a database that an older one migrated.',
    remedy: 'Run `fahuo migrate` as the owner of the schema, then start again.',
  },
  SCHEMA_NEWER: {
    says: 'this database is 1 migration ahead of this fahuo',
    cause: 'An older fahuo starts on a database that a newer one migrated.',
    remedy: 'Start the fahuo that migrated this database, or a newer one.',
  },
  SCHEMA_FOREIGN: {
    says: 'this database was made by a build of fahuo that was never released',
    cause: 'The migrations that the database has on record are not those of any release.',
    remedy:
      'Use the build that made it, or a new database: builds from before 0.1.0 have no way up to this one.',
  },
  RIGHTS_MISSING: {
    says: 'Postgres: permission denied for table upload',
    cause: 'The login of DATABASE_URL lacks rights that the command needs.',
    remedy: 'Grant this login what "Roles" in docs/operations.md says.',
  },
  MIGRATION_BLOCKED: {
    says: 'migrate: gave up waiting for a lock; nothing was changed. It is held by pid 4711 (user app, …): select …',
    cause: 'A session of somebody else holds a lock on a table that is to be changed.',
    remedy: 'Wait for that session or end it (`select pg_terminate_backend(PID)`), then migrate again.',
  },
  ADOPT_BLOCKED: {
    says: 'adopt: gave up waiting for a lock; nothing was changed. It is held by pid 4711 (user app, …): select …',
    cause: "A session of the shop holds a lock on a table that is to get, or to lose, fahuo's triggers.",
    remedy: 'Wait for that session or end it, then run the command again, at a quieter hour if need be.',
  },
  POOLED_CONNECTION: {
    says: 'DATABASE_URL leads through a pooler: two clients were given one session of Postgres (pid 4711)',
    cause: 'A pooler such as PgBouncer stands between fahuo and Postgres.',
    remedy: 'Let DATABASE_URL name Postgres itself: fahuo keeps sessions of its own.',
  },
  KAFKA_UNREACHABLE: {
    says: 'Kafka at kafka:9092: Connection timeout',
    cause: 'No broker of KAFKA_BROKERS answers, or they advertise an address that leads nowhere from here.',
    remedy: 'Check KAFKA_BROKERS and that the brokers advertise an address this host can reach.',
  },
  TLS_FAILED: {
    says: 'Kafka at kafka:9093: no authority that is trusted here signed its certificate (it is signed by our-ca)',
    cause: 'Postgres, Kafka or Redis is there, but no TLS connection with it comes about as it is set.',
    remedy:
      'Correct the setting that the line names; docs/operations.md, "Secure connections", has all of them.',
  },
  LOGIN_REFUSED: {
    says: 'Kafka at kafka:9093: it refuses the login (Invalid username or password)',
    cause: 'Postgres, Kafka or Redis is there, and does not take the user, the password or the mechanism.',
    remedy: 'Correct the user, the password or the mechanism that the line names.',
  },
  TOPIC_MISSING: {
    says: 'the topic fahuo.shipments does not exist',
    cause: 'The topic, its .acks or its .dead-letters was never made.',
    remedy: 'Create the topic, or set FAHUO_CREATE_TOPICS=true.',
  },
  HTTP_UNAVAILABLE: {
    says: 'cannot listen on 127.0.0.1:9470: EADDRINUSE',
    cause:
      'Another process has the port, another instance most of the time, or the address is not of this host.',
    remedy:
      'Set FAHUO_HTTP_PORT to a free port (0 takes any), or FAHUO_HTTP_HOST to an address of this host.',
  },
  TRANSACTION_INVALID: {
    says: 'this is a Pool of pg: it stands outside of a transaction, so the event would commit without the order',
    cause: '`enqueue` was given something else than the open transaction that writes the order.',
    remedy: 'Pass the open transaction that writes the order; nothing was written.',
  },
  EVENT_INVALID: {
    says: 'data.shipping_list.0.express_company is "sf": no carrier has this id',
    cause: 'An event breaks a rule of the contract.',
    remedy: 'Correct the named field and enqueue again; nothing was written.',
  },
  ADOPT_FILE_INVALID: {
    says: 'adopt.yaml line 12, watch[0].keys: must name at least one key: keys: { order_id: id }',
    cause: 'The adopt file is no YAML, or breaks a rule of docs/adopting.md.',
    remedy: 'Correct the named line; `fahuo adopt check FILE` says the same without changing anything.',
  },
  ADOPT_QUERY_BROKEN: {
    says: 'the parts query of my_shop fails: column t.delivery_tim does not exist',
    cause: 'The parts query of the adopt file fails whatever the orders are: a name or a right is missing.',
    remedy: 'Correct the query, or grant SELECT on what it reads; touched orders wait meanwhile.',
  },
  ADOPT_NOT_APPLIED: {
    says: 'the shop my_shop has no triggers of this file: run fahuo adopt apply adopt.yaml',
    cause: 'The role adopt runs on a shop whose triggers were never made, or are those of another file.',
    remedy: 'Run `fahuo adopt plan FILE`, have it reviewed, then `fahuo adopt apply FILE`.',
  },
  ADOPT_BUSY: {
    says: 'others wrote of the same payments of the shop my_shop ten times while this look went on',
    cause: 'A backfill and the role adopt, or two backfills, work on the same payments.',
    remedy: 'None is needed: nothing was written, and the next look tries again.',
  },
  SHOP_UNREACHABLE: {
    says: 'the shop at 127.0.0.1:3306: connect ECONNREFUSED 127.0.0.1:3306',
    cause: 'The order database of SHOP_DATABASE_URL is not there, or refuses the login.',
    remedy: 'Check SHOP_DATABASE_URL, and that the database accepts this login from this host.',
  },
  PART_MISSING: {
    says: 'redis-server is not on the PATH',
    cause: 'The demo or the tests start a service whose program is not on this machine.',
    remedy: 'Install the named program, or set the URL of a running service.',
  },
  PART_FAILED: {
    says: 'kafka was not ready: see /tmp/fahuo-parts-Xy12/kafka.log',
    cause: 'A service did not start, or did not answer in time.',
    remedy: 'Read the log file that the message names.',
  },
  GROUP_OF_ANOTHER_DATABASE: {
    says: 'the consumer group fahuo of fahuo.shipments belongs to the database 3f2a…, and this one is 90cd…',
    cause: 'Two databases would take events from one another in one consumer group.',
    remedy:
      'Give this deployment a KAFKA_GROUP of its own; if that database is gone for good, run `fahuo database take-group --execute`.',
  },
  CHECK_FAILED: {
    says: 'this login lacks INSERT on fahuo.upload',
    cause: 'A check of `fahuo doctor` found something.',
    remedy: 'Do what the line says, then run `fahuo doctor` again.',
  },
  USAGE: {
    says: "unknown option '--jsno'",
    cause: 'A command, an option or a value of the command line is wrong.',
    remedy: 'Run the command with --help.',
  },
  INVARIANT: {
    says: 'fahuo.deployment has no row: this database has no name',
    cause: 'Something is not as fahuo itself left it.',
    remedy: 'This is a bug in fahuo: please report it with the message.',
  },
} as const satisfies Record<string, { says: string; cause: string; remedy: string }>;

export type ErrorCode = keyof typeof catalogue;
export const errorCodes = Object.keys(catalogue) as ErrorCode[];
/** What an operator sees, for example; why; and what to do. */
export const explanationOf = (code: ErrorCode): { says: string; cause: string; remedy: string } =>
  catalogue[code];
export const remedyOf = (code: ErrorCode): string => catalogue[code].remedy;

export class FahuoError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; remedy?: string }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FahuoError';
    this.code = code;
    this.remedy = options?.remedy ?? remedyOf(code);
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
