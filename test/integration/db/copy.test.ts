import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { connectAlone } from '../../../db/client.ts';
import { copyOut } from '../../../db/copy.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  client = await connectAlone(database.url, 'test');
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** First column of every row, as text. */
async function copy(query: string): Promise<(string | null)[]> {
  const texts: (string | null)[] = [];
  await copyOut(client, `copy (${query}) to stdout (format binary)`, (bytes, start) => {
    const length = bytes.readInt32BE(start + 2);
    texts.push(length < 0 ? null : bytes.toString('utf8', start + 6, start + 6 + length));
  });
  return texts;
}

describe('a binary copy', () => {
  it('brings every row whole, nulls too, however the network cuts them', async () => {
    const wanted = Array.from({ length: 3_000 }, (_, n) => (n % 10 === 3 ? null : '苹'.repeat(n % 500)));
    const query = `select case when n % 10 <> 3 then repeat('苹', n % 500) end from generate_series(0, 2999) n order by n`;
    expect(await copy(query)).toEqual(wanted);
  });

  it('brings nothing of nothing', async () => {
    expect(await copy(`select 'a' where false`)).toEqual([]);
  });

  it('rejects as a query does, and leaves the session fit for the next', async () => {
    await expect(copy('select 1 from nowhere')).rejects.toThrow('"nowhere" does not exist');
    await expect(copy(`select (10 / (5 - n))::text from generate_series(1, 9) n`)).rejects.toThrow(
      'division by zero',
    );
    await expect(
      copyOut(client, `copy (select 'a') to stdout (format binary)`, () => {
        throw new Error('the reader failed');
      }),
    ).rejects.toThrow('the reader failed');
    expect(await copy(`select 'a'`)).toEqual(['a']);
  });
});
