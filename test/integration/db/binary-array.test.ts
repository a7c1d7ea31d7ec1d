import { afterAll, beforeAll, expect, it } from 'vitest';
import { byteaArray, int4Array, int8Array, textArray } from '../../../db/binary-array.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

it('gives Postgres the same arrays as text does: nulls, empty texts, quotes, braces, emoji, and none at all', async () => {
  const texts = ['a', null, '', '"{\\},', '🍌 苹果', 'null', 'x'.repeat(100_000)];
  const { rows } = await database.pool.query<Record<string, unknown>>(
    'select $1::text[] as texts, $2::int4[] as small, $3::int8[] as large, $4::text[] as none',
    [
      textArray(texts),
      int4Array([0, -1, 2_147_483_647]),
      int8Array([9_007_199_254_740_991, -2]),
      textArray([]),
    ],
  );
  expect(rows).toEqual([
    { texts, small: [0, -1, 2_147_483_647], large: ['9007199254740991', '-2'], none: [] },
  ]);
});

it('gives Postgres bytes as they are: nulls, none, and every byte', async () => {
  const bytes = [
    Buffer.from('a'),
    null,
    Buffer.alloc(0),
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  ];
  const { rows } = await database.pool.query<{ bytes: Buffer | null }>(
    'select unnest($1::bytea[]) as bytes',
    [byteaArray(bytes)],
  );
  expect(rows.map((row) => row.bytes)).toEqual(bytes);
});
