import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tellShop } from '../../../src/adopt/answers.ts';
import { approve } from '../../../src/adopt/approve.ts';
import { backfill } from '../../../src/adopt/backfill.ts';
import { openShop } from '../../../src/adopt/open-shop.ts';
import type { Shop } from '../../../src/adopt/shop.ts';
import { readUnanswered, tellAgain } from '../../../src/adopt/store.ts';
import { readAdoptStatus } from '../../../src/adopt/status-store.ts';
import { CORRECTED } from '../../../src/shipment/events.ts';
import { createLog } from '../../../src/log.ts';
import { randomUUID } from 'node:crypto';
import {
  adoptDeps,
  adoptFileOf,
  expectedOf,
  shopCases,
  untilIdle,
  writtenEvents,
  type ShopCase,
  type WrittenEvent,
} from '../../support/adopt.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { readText } from '../../support/documents.ts';
import { createMysqlDatabase, mysqlConnection } from '../../support/mysql.ts';

/** A shop's own database: what runs its statements, one after the other in one session. */
type ShopDatabase = { url: string; run: (statement: string) => Promise<unknown>; close: () => Promise<void> };

async function postgresShop(tables: string): Promise<ShopDatabase> {
  const database = await createDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(tables);
  return {
    url: database.url,
    run: (statement) => client.query(statement),
    close: async () => {
      await client.end();
      await database.drop();
    },
  };
}

async function mysqlShop(tables: string): Promise<ShopDatabase> {
  const database = await createMysqlDatabase();
  const connection = await mysqlConnection(database.url, { multipleStatements: true });
  await connection.query(tables);
  return {
    url: database.url,
    run: (statement) => connection.query(statement),
    close: async () => {
      await connection.end();
      await database.drop();
    },
  };
}

const shops = [
  { name: 'yudao', open: postgresShop },
  { name: 'likeshop', open: mysqlShop },
];

/** Runs a block of the shop's own statements; `@auto` commits each by itself, so a look may come between them. */
async function play(
  { mode, statements }: ShopCase,
  { run, settle }: { run: (statement: string) => Promise<unknown>; settle: () => Promise<void> },
): Promise<void> {
  for (const statement of statements) {
    await run(statement);
    if (mode === 'auto') await settle();
  }
  await settle();
}

const lineOf = ({ name, mode }: ShopCase, of: { wanted: number; got: number; equal: boolean }): string =>
  `  ${name.padEnd(34)} ${mode.padEnd(5)} expected ${of.wanted}, got ${of.got}: ${of.equal ? 'equal' : 'DIFFERENT'}`;

describe.each(shops)('the shop $name', ({ name, open }) => {
  const cases = shopCases(readText(`test/support/shops/${name}.ship.sql`));
  const expected = expectedOf(name);
  const file = adoptFileOf(name);
  let ours: TestDatabase;
  let database: ShopDatabase;
  let shop: Shop;

  beforeAll(async () => {
    ours = await createDatabase();
    database = await open(readText(`test/support/shops/${name}.sql`));
    shop = await openShop({
      databaseUrl: database.url,
      file,
      log: createLog({ level: 'silent' }),
      queryTimeoutMs: 20_000,
    });
  });
  afterAll(async () => {
    await shop.close();
    await database.close();
    await ours.drop();
  });

  it('has nothing in the way, and takes the triggers', async () => {
    expect((await shop.findings()).filter(({ level }) => level === 'problem')).toEqual([]);
    await shop.run(await shop.planApply());
    expect(await shop.readApplied()).toBe('applied');
  });

  it('leads to the events that each of its own statements asks for, and to no other', async () => {
    const deps = adoptDeps(ours.pool, { shop, file });
    const lines: string[] = [];
    const wrong: unknown[] = [];
    for (const block of cases) {
      const before = (await writtenEvents(ours.pool)).length;
      await play(block, { run: database.run, settle: () => untilIdle(deps) });
      const wanted = wantedOf(block.name);
      await approveWanted(wanted, before);
      const got = (await writtenEvents(ours.pool)).slice(before);
      const equal = JSON.stringify(sorted(got)) === JSON.stringify(sorted(wanted));
      if (!equal) wrong.push({ block: block.name, got, wanted });
      lines.push(lineOf(block, { wanted: wanted.length, got: got.length, equal }));
    }
    console.log([`${name}: ${cases.length} blocks`, ...lines].join('\n'));
    expect(wrong).toEqual([]);
    expect(cases.map((one) => one.name)).toEqual(expected.cases.map((one) => one.case));
  });

  const wantedOf = (block: string): WrittenEvent[] =>
    expected.cases.find((one) => one.case === block)?.events ?? [];

  /** A correction waits for a person: nothing is written before somebody approves it. */
  async function approveWanted(wanted: readonly WrittenEvent[], before: number): Promise<void> {
    const correction = wanted.find(({ type }) => type === CORRECTED);
    if (correction === undefined) return;
    expect((await writtenEvents(ours.pool)).length, 'a correction waits for a person').toBe(before);
    await approve(ours.pool, {
      payment: (correction.data as { order_key: { transaction_id: string } }).order_key.transaction_id,
      approvedBy: correction.approved_by ?? '',
      reason: correction.reason ?? null,
      nowMs: Date.now(),
      newId: randomUUID,
    });
    const [status] = await readAdoptStatus(ours.pool, name);
    expect(status?.keys.filter(({ state }) => state === 'proposed')).toEqual([]);
  }

  it('counts what WeChat has no part in, with the reason', async () => {
    const [status] = await readAdoptStatus(ours.pool, name);
    const skipped = status?.reasons.filter(({ state }) => state === 'skipped') ?? [];
    expect(skipped.length).toBeGreaterThan(0);
    console.log(
      skipped.map(({ reason, count, example }) => `  skipped ${count}: ${reason} (${example})`).join('\n'),
    );
  });

  it('gives a backfill one event a payment, without what was refunded or uploaded by the shop', async () => {
    const fresh = await createDatabase();
    try {
      const deps = adoptDeps(fresh.pool, { shop, file });
      const options = { sinceMs: null, rate: null, readFirst: false };
      const dry = await backfill(deps, { ...options, execute: false }, new AbortController().signal);
      expect(await writtenEvents(fresh.pool)).toEqual([]);
      const run = await backfill(deps, { ...options, execute: true }, new AbortController().signal);
      expect(run).toEqual(dry);
      expect(sorted(await writtenEvents(fresh.pool))).toEqual(sorted(expected.backfill.events));
      const again = await backfill(deps, { ...options, execute: true }, new AbortController().signal);
      expect(again.events).toBe(0);
    } finally {
      await fresh.drop();
    }
  });

  it('tells every answer again to a shop that lost them with an undo', async () => {
    const tell = tellShop({ pool: ours.pool, shop, file });
    const unanswered = async (): Promise<number> =>
      (await readUnanswered(ours.pool, name, { afterId: 0, page: 1_000, limit: 1_000 })).rows.length;
    while ((await tell()) === 'busy');
    expect(await unanswered()).toBe(0);
    await tellAgain(ours.pool, name);
    expect(await unanswered()).toBeGreaterThan(0);
  });

  it('has nothing of ours after undo', async () => {
    await shop.run(await shop.planUndo());
    expect(await shop.readApplied()).toBe('absent');
  });
});

const sortKeys = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sortKeys)
    : typeof value === 'object' && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, one]) => [key, sortKeys(one)]),
        )
      : value;
const sorted = (events: readonly WrittenEvent[]): unknown[] =>
  events.map(sortKeys).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
