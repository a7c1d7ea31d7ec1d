import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approve } from '../../../src/adopt/approve.ts';
import { backfill, kindsOf } from '../../../src/adopt/backfill.ts';
import { openShop } from '../../../src/adopt/open-shop.ts';
import { readPiecemeal } from '../../../src/adopt/sample.ts';
import type { Key, Shop } from '../../../src/adopt/shop.ts';
import { readAdoptStatus } from '../../../src/adopt/status-store.ts';
import { createLog } from '../../../src/log.ts';
import { adoptDeps, adoptFileOf, shopCases, untilIdle, writtenEvents } from '../../support/adopt.ts';
import { expectedLines, lineOf, waitingLines } from '../../support/adopt-lines.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { readText } from '../../support/documents.ts';
import { createMysqlDatabase, type MysqlDatabase } from '../../support/mysql.ts';

/** shops.test.ts has these, with whole events. */
const elsewhere = ['yudao', 'likeshop'];
const pages = readdirSync(new URL('../../../docs/adopting', import.meta.url))
  .map((name) => name.replace(/\.md$/, ''))
  .filter((name) => !elsewhere.includes(name));

/** Each shop is a source of its own. */
let ours: TestDatabase;
let fresh: TestDatabase;
beforeAll(async () => {
  ours = await createDatabase();
  fresh = await createDatabase();
});
afterAll(async () => {
  await ours.drop();
  await fresh.drop();
});

describe.each(pages)('the page of %s', (name) => {
  const shipFile = readText(`test/support/shops/${name}.ship.sql`);
  const cases = shopCases(shipFile);
  const expected = expectedLines(shipFile);
  const file = adoptFileOf(name);
  let database: MysqlDatabase;
  let session: Connection;
  let shop: Shop;

  beforeAll(async () => {
    database = await createMysqlDatabase();
    session = await database.connect();
    await session.query(readText(`test/support/shops/${name}.sql`));
    shop = await openShop({
      databaseUrl: database.url,
      file,
      log: createLog({ level: 'silent' }),
      queryTimeoutMs: 20_000,
    });
    await shop.run(await shop.planApply());
  });
  afterAll(async () => {
    await shop.close();
    await session.end();
    await database.drop();
  });

  it('finds its tables, columns and indexes, and its query runs', async () => {
    expect(await shop.findings()).toEqual([]);
    expect(await shop.readApplied()).toBe('applied');
  });

  /** Corrections that wait are approved; what is newly held is a line as well. */
  async function linesAfter(events: number, heldBefore: readonly string[]): Promise<string[]> {
    for (const proposed of await waitingLines(ours.pool, file.name, 'proposed'))
      await approve(ours.pool, {
        payment: proposed.replace('proposed ', ''),
        approvedBy: 'a person',
        reason: null,
        nowMs: Date.now(),
        newId: randomUUID,
      });
    const held = await waitingLines(ours.pool, file.name, 'held');
    const all = await writtenEvents(ours.pool);
    return [...all.slice(events).map(lineOf), ...held.filter((line) => !heldBefore.includes(line))].sort();
  }

  it('leads to the events that the shop’s own statements ask for, and to no other', async () => {
    const deps = adoptDeps(ours.pool, { shop, file });
    const table: string[] = [];
    const got = new Map<string, string[]>();
    for (const { name: block, mode, statements } of cases) {
      const events = (await writtenEvents(ours.pool)).length;
      const held = await waitingLines(ours.pool, file.name, 'held');
      for (const statement of statements) {
        await session.query(statement);
        if (mode === 'auto') await untilIdle(deps);
      }
      await untilIdle(deps);
      const lines = await linesAfter(events, held);
      const wanted = (expected.cases.get(block) ?? []).toSorted();
      got.set(block, lines);
      table.push(
        `  ${block.padEnd(44)} ${mode.padEnd(5)} expected ${wanted.length}, got ${lines.length}: ${lines.join() === wanted.join() ? 'equal' : 'DIFFERENT'}`,
      );
    }
    console.log([`${name}: ${cases.length} blocks`, ...table].join('\n'));
    expect(Object.fromEntries(got)).toEqual(
      Object.fromEntries([...expected.cases].map(([block, lines]) => [block, lines.toSorted()])),
    );
  });

  it('leaves no order behind that is said and gone, or that fails', async () => {
    const [status] = await readAdoptStatus(ours.pool, file.name);
    expect(status?.keys.filter(({ state }) => state === 'gone' || state === 'failed')).toEqual([]);
    const skipped = status?.reasons.filter(({ state }) => state === 'skipped') ?? [];
    expect(skipped.length, 'an order that WeChat has no part in, with the reason').toBeGreaterThan(0);
    console.log(skipped.map((one) => `  skipped ${one.count}: ${one.reason} (${one.example})`).join('\n'));
  });

  it('gives every part of a payment, whichever of its orders is asked for', async () => {
    const keys: Key[] = [];
    for (const kind of kindsOf(file))
      for (const ref of await shop.walk({ kind, after: null, sinceMs: null, limit: 1_000 }))
        keys.push({ kind, ref });
    expect(keys.length).toBeGreaterThan(3);
    expect(await readPiecemeal(adoptDeps(ours.pool, { shop, file }), keys)).toEqual([]);
  });

  it('gives a backfill one event a payment', async () => {
    const deps = adoptDeps(fresh.pool, { shop, file });
    const options = { sinceMs: null, rate: null, readFirst: false };
    const before = (await writtenEvents(fresh.pool)).length;
    const dry = await backfill(deps, { ...options, execute: false }, new AbortController().signal);
    expect((await writtenEvents(fresh.pool)).length).toBe(before);
    expect(await backfill(deps, { ...options, execute: true }, new AbortController().signal)).toEqual(dry);
    const lines = (await writtenEvents(fresh.pool)).slice(before).map(lineOf).sort();
    expect(lines).toEqual(expected.backfill.toSorted());
  });

  it('has nothing of ours after undo', async () => {
    await shop.run(await shop.planUndo());
    expect(await shop.readApplied()).toBe('absent');
  });
});
