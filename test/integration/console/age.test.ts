import { afterAll, beforeAll, expect, it } from 'vitest';
import { readOldestRows } from '../../../src/console/age-store.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { receivedEvent } from '../../support/events.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

it('the oldest row of a table is told by its age, those of receipts too', async () => {
  const ageOf = async (name: string): Promise<number | undefined> =>
    (await readOldestRows(database.pool)).find(({ table }) => table === name)?.ageSeconds;
  expect([await ageOf('receipt_event'), await ageOf('receipt_call'), await ageOf('trace')]).toEqual([
    0, 0, 0,
  ]);
  await acceptEvents(database.pool, [receivedEvent()]);
  await database.pool.query("update fahuo.receipt_event set arrived_at = now() - interval '1 day'");
  expect(await ageOf('receipt_event')).toBeCloseTo(86_400, -2);
});
