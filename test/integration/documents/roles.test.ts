import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectAlone } from '../../../db/client.ts';
import { migrate } from '../../../db/migrate.ts';
import { blocksOf, readText } from '../../support/documents.ts';
import { shippedEvent } from '../../support/events.ts';

const suffix = randomBytes(4).toString('hex');
const name = (role: string): string => `${role}_${suffix}`;
/** Names of the documents that a cluster of many tests must not share. */
const own = ['fahuo_owner', 'fahuo_run', 'your_order_service', 'shop'];

/** One statement after the other, of the documents' one block. */
const statements = blocksOf(readText('docs/operations.md'))
  .filter(({ info }) => info === 'sql roles')
  .flatMap(({ text }) => text.replaceAll(/--.*$/gm, '').split(';'))
  .map((statement) => statement.trim())
  .filter((statement) => statement !== '')
  .map((statement) => own.reduce((text, role) => text.replaceAll(role, name(role)), statement));

async function run(login: string | null, database: string, ...texts: string[]): Promise<unknown[]> {
  const url = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${database}` });
  if (login !== null) Object.assign(url, { username: login, password: '…' });
  const client = await connectAlone(url.toString(), 'fahuo-test');
  try {
    const results = [];
    for (const text of texts) results.push((await client.query(text)).rows as unknown[]);
    return results.at(-1) ?? [];
  } finally {
    await client.end();
  }
}

/** The two roles belong to the cluster: another test's database made them, perhaps. */
const isMade = (statement: string, error: unknown): boolean =>
  /^create role fahuo_(writer|service) /.test(statement) && (error as { code?: string }).code === '42710';

const server = new URL(inject('databaseUrl')).pathname.slice(1);

beforeAll(async () => {
  await run(
    null,
    server,
    `create database ${name('shop')}`,
    `create role ${name('your_order_service')} login`,
  );
  for (const statement of statements)
    await run(null, server, statement).catch((error: unknown) => {
      if (!isMade(statement, error)) throw error;
    });
});
afterAll(async () => {
  await run(null, server, `drop database ${name('shop')} with (force)`);
  for (const role of own.slice(0, 3)) await run(null, server, `drop role ${name(role)}`);
});

describe('the roles of the documents', () => {
  it('are enough to migrate, to write and to run, and for nothing else', async () => {
    expect(statements.length).toBe(8);
    const url = Object.assign(new URL(inject('databaseUrl')), {
      pathname: `/${name('shop')}`,
      username: name('fahuo_owner'),
      password: '…',
    });
    await migrate(url.toString());
    const event = JSON.stringify(shippedEvent({ payment: 'roles1' })).replaceAll("'", "''");
    const writer = name('your_order_service');
    const shop = name('shop');
    expect(await run(writer, shop, `select fahuo.enqueue('${event}')`)).toHaveLength(1);
    expect(await run(writer, shop, 'select * from fahuo.acknowledgements')).toEqual([]);
    await expect(run(writer, shop, 'select * from fahuo.upload')).rejects.toThrow('permission denied');
    expect(await run(name('fahuo_run'), shop, 'select * from fahuo.upload')).toEqual([]);
    await expect(run(name('fahuo_run'), shop, 'delete from fahuo.migrations')).rejects.toThrow(
      'permission denied',
    );
  });
});
