import { randomBytes } from 'node:crypto';
import { createConnection, type Connection } from 'mysql2/promise';
import { inject } from 'vitest';

export type MysqlDatabase = {
  url: string;
  name: string;
  /** As `root`, in this database; what it answers is text, as our own sessions read it. */
  query: (statement: string) => Promise<Record<string, string | null>[]>;
  /** Another session of `root`, which the caller ends. */
  connect: () => Promise<Connection>;
  drop: () => Promise<void>;
};

/** The run's MySQL: `MYSQL_URL`, or a MariaDB that the first question starts. */
export async function mysqlServer(): Promise<string> {
  const answer = await fetch(inject('mysqlDoor'));
  const text = await answer.text();
  if (!answer.ok) throw new TypeError(text);
  return text;
}

/** A database of the test's own. */
export async function createMysqlDatabase(server?: string, options = ''): Promise<MysqlDatabase> {
  const at = server ?? (await mysqlServer());
  const name = `fahuo_test_${randomBytes(5).toString('hex')}`;
  const url = Object.assign(new URL(at), { pathname: `/${name}` }).toString();
  const root = await createConnection(at);
  await root.query(`create database ${name} ${options}`);
  await root.query(`use ${name}`);
  return {
    url,
    name,
    query: async (statement) => {
      const [rows] = await root.query({ sql: statement, typeCast: (field) => field.string('utf8') });
      return rows as Record<string, string | null>[];
    },
    connect: () => createConnection({ uri: url, multipleStatements: true }),
    drop: async () => {
      await root.query(`drop database ${name}`);
      await root.end();
    },
  };
}

/** The same URL with another login. */
export const withLogin = (url: string, user: string, password: string): string =>
  Object.assign(new URL(url), { username: user, password }).toString();

/** A session in a test's database, as a shop's own code has one; the caller ends it. */
export const mysqlConnection = (
  url: string,
  options: { multipleStatements?: boolean } = {},
): Promise<Connection> => createConnection({ uri: url, charset: 'utf8mb4', ...options });
