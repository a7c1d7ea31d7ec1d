import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { connectAlone, createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';

/** A database as a careful administrator makes it: its owner is no superuser and may make no roles. */
export type OwnedDatabase = {
  /** The URL of a login of its own, which has the roles named and nothing else. */
  login: (...roles: string[]) => Promise<string>;
  owner: string;
  ownerUrl: string;
  adminUrl: string;
  /** As the administrator. */
  admin: Pool;
  drop: () => Promise<void>;
};

export async function createOwnedDatabase(options: { migrated?: boolean; server?: string } = {}) {
  const server = options.server ?? inject('databaseUrl');
  const suffix = randomBytes(4).toString('hex');
  const [name, owner] = [`fahuo_owned_${suffix}`, `owner_${suffix}`];
  const roles = [owner];
  const onServer = async (statement: string): Promise<void> => {
    const client = await connectAlone(server, 'fahuo-test');
    await client.query(statement).finally(() => client.end());
  };
  const urlOf = (username: string): string =>
    Object.assign(new URL(server), { pathname: `/${name}`, username }).toString();
  for (const role of options.migrated === false ? [] : ['fahuo_writer', 'fahuo_service'])
    await onServer(`create role ${role} nologin`).catch(() => undefined); // another test's database made it
  await onServer(`create role ${owner} login nosuperuser nocreaterole`);
  await onServer(`create database ${name} owner ${owner}`);
  if (options.migrated !== false) await migrate(urlOf(owner));
  const adminUrl = urlOf(new URL(server).username);
  const admin = createPool({
    databaseUrl: adminUrl,
    max: 3,
    applicationName: 'fahuo-test',
    onError: () => undefined,
  });
  const database: OwnedDatabase = {
    owner,
    ownerUrl: urlOf(owner),
    adminUrl,
    admin,
    login: async (...granted) => {
      const login = `login_${suffix}_${roles.length}`;
      roles.push(login);
      await onServer(`create role ${login} login nosuperuser`);
      for (const role of granted) await onServer(`grant ${role} to ${login}`);
      return urlOf(login);
    },
    drop: async () => {
      await admin.end();
      await onServer(`drop database ${name} with (force)`);
      for (const role of roles.reverse()) await onServer(`drop role ${role}`);
    },
  };
  return database;
}
