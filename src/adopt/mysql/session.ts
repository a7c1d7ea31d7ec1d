import {
  createConnection,
  type Connection,
  type ConnectionOptions,
  type TypeCastField,
} from 'mysql2/promise';
import { withTimeout } from '../../clock.ts';
import { FahuoError } from '../../errors.ts';
import { endsSession } from './fault.ts';

/** A row of any query of ours: texts, whatever the columns' types. */
export type Row = Record<string, string | null>;

export type Server = {
  isMariadb: boolean;
  /** 10.11 is 10_011. */
  version: number;
  versionText: string;
  database: string;
  /** A server that logs statements refuses writes in READ COMMITTED. */
  logsStatements: boolean;
};

/** One connection, opened when it is first needed, and anew when it was lost. What it is asked for waits in line. */
export type Session = {
  server: () => Promise<Server>;
  query: (statement: string) => Promise<Row[]>;
  /** Ends it; the next query opens another. */
  drop: () => void;
  close: () => Promise<void>;
};

export type SessionOptions = {
  connection: ConnectionOptions;
  /** Statements of its beginning. */
  setUp: (server: Server) => string[];
  /** Of one statement; beyond that the connection is taken for dead. */
  answerWithinMs: number;
};

const connectWithinMs = 10_000;
type Open = { connection: Connection; server: Server };

export function createSession({ connection: options, setUp, answerWithinMs }: SessionOptions): Session {
  let open: Promise<Open> | undefined;
  const drop = (): void => {
    const dropped = open;
    open = undefined;
    dropped?.then(({ connection }) => connection.destroy()).catch(() => undefined);
  };
  const opened = (): Promise<Open> => {
    if (open !== undefined) return open;
    const own = connect(options, setUp, () => {
      if (open === own) open = undefined;
    });
    open = own;
    own.catch(() => {
      if (open === own) open = undefined;
    });
    return own;
  };
  const query = async (statement: string): Promise<Row[]> => {
    const { connection } = await opened();
    try {
      return await ask(connection, statement, answerWithinMs);
    } catch (error) {
      if (error instanceof FahuoError || endsSession(error)) drop();
      throw error;
    }
  };
  let line: Promise<unknown> = Promise.resolve();
  return {
    server: async () => (await opened()).server,
    query: (statement) => {
      const turn = line.then(() => query(statement));
      line = turn.catch(() => undefined);
      return turn;
    },
    drop,
    close: async () => {
      const closed = open;
      open = undefined;
      await closed?.then(({ connection }) => connection.end()).catch(() => undefined);
    },
  };
}

async function connect(
  options: ConnectionOptions,
  setUp: SessionOptions['setUp'],
  onLost: () => void,
): Promise<Open> {
  const connection = await createConnection({
    ...options,
    charset: 'utf8mb4_general_ci',
    connectTimeout: connectWithinMs,
    enableKeepAlive: true,
    keepAliveInitialDelay: 10_000,
    typeCast: asText,
  });
  connection.on('error', onLost);
  connection.on('end', onLost);
  try {
    const server = await readServer(connection);
    for (const statement of setUp(server)) await ask(connection, statement, connectWithinMs);
    return { connection, server };
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

async function ask(connection: Connection, statement: string, withinMs: number): Promise<Row[]> {
  const [rows] = await withTimeout(withinMs, connection.query(statement));
  return Array.isArray(rows) ? (rows as Row[]) : [];
}

async function readServer(connection: Connection): Promise<Server> {
  const [row] = await ask(
    connection,
    `SELECT VERSION() AS version, DATABASE() AS db, @@global.log_bin AS log_bin, @@session.binlog_format AS format`,
    connectWithinMs,
  );
  const versionText = row?.['version'] ?? '';
  const [major, minor] = versionText.split('.');
  return {
    isMariadb: /mariadb/i.test(versionText),
    version: Number(major) * 1_000 + Number(minor),
    versionText,
    database: row?.['db'] ?? '',
    logsStatements: row?.['log_bin'] === '1' && row['format'] === 'STATEMENT',
  };
}

/** Numbers stay exact, `0000-00-00` stays what it is, and a bit is `0` or `1`. */
function asText(field: TypeCastField): string | null {
  const bytes = field.buffer();
  if (bytes === null) return null;
  if (field.type === 'BIT') return BigInt(`0x${bytes.toString('hex') || '0'}`).toString();
  return bytes.toString('utf8');
}
