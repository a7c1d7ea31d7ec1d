import { describe, expect, it } from 'vitest';
import { recognise } from '../../../src/outbox/transaction.ts';

const method = (): undefined => undefined;
class MysqlConnection {
  query = method;
  execute = method;
}
class MySqlTransaction {
  execute = method;
}
Object.assign(MySqlTransaction, { [Symbol.for('drizzle:entityKind')]: 'MySqlTransaction' });

describe('what enqueue does not know', () => {
  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['postgres://localhost', 'string'],
    [{}, 'an object'],
    [{ query: method }, 'an object'],
    [Object.create(null), 'an object'],
    [method, 'a function'],
    [new MysqlConnection(), 'an object of class MysqlConnection'],
    [new MySqlTransaction(), 'an object of class MySqlTransaction'],
  ])('is refused by a sentence that lists what is taken: %j', (tx, what) => {
    const refused = recognise(tx);
    if (refused.kind !== 'refused') expect.unreachable();
    expect(refused.message).toMatch(new RegExp(`^tx is ${what}, no transaction that enqueue knows: `));
    for (const driver of ['pg', 'drizzle', 'postgres.js', 'PGlite', 'Kysely', 'Knex', 'TypeORM', 'Prisma'])
      expect(refused.message).toContain(driver);
    expect(refused.remedy).toContain('select fahuo.enqueue($1)');
  });
});

describe('a pg client', () => {
  const client = (status?: string | null) => ({
    query: method,
    escapeLiteral: method,
    ...(status === undefined ? {} : { getTransactionStatus: () => status }),
  });

  it('is refused while it is idle, and believed where pg does not tell', () => {
    expect(recognise(client('I'))).toMatchObject({
      kind: 'refused',
      remedy: expect.stringContaining('begin') as string,
    });
    for (const status of ['T', 'E', null, undefined])
      expect(recognise(client(status)).kind).toBe('transaction');
  });
});
