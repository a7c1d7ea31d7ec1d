import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAlone } from '../../../db/client.ts';
import { readAdoptFile, type AdoptFile } from '../../../src/adopt/file.ts';
import { openPostgresShop } from '../../../src/adopt/postgres/shop.ts';
import type { Shop, ShopAnswer } from '../../../src/adopt/shop.ts';
import { createOwnedDatabase, type OwnedDatabase } from '../../support/roles.ts';
import { schemaText } from '../../support/schema-text.ts';

/** The shop's database: its owner is no superuser, and applies. */
let database: OwnedDatabase;
let owner: Awaited<ReturnType<typeof connectAlone>>;
const shops: Shop[] = [];
beforeAll(async () => {
  database = await createOwnedDatabase({ migrated: false });
  owner = await connectAlone(database.ownerUrl, 'the-shop');
  await owner.query(readFileSync('test/support/shops/yudao.sql', 'utf8'));
});
afterAll(async () => {
  for (const shop of shops) await shop.close();
  await owner.end();
  await database.drop();
});

const silent = pino({ level: 'silent' });
const yudao = readFileSync('test/support/shops/yudao.yaml', 'utf8');

function fileOf(text: string): AdoptFile {
  const read = readAdoptFile(text);
  if (read.kind === 'problems') throw new Error(JSON.stringify(read.problems));
  return read.file;
}

async function open(
  text: string,
  options: { databaseUrl?: string; lockTimeoutMs?: number } = {},
): Promise<Shop> {
  const shop = await openPostgresShop({
    databaseUrl: database.ownerUrl,
    file: fileOf(text),
    log: silent,
    ...options,
  });
  shops.push(shop);
  return shop;
}

/** A file over tables of a test's own. */
const watching = (watch: string, more = ''): string =>
  `dialect: postgres\nwatch:\n${watch}\nparts: "select 1 where '1' in (:k)"\n${more}`;

async function applied(text: string, options: { databaseUrl?: string } = {}): Promise<Shop> {
  const shop = await open(text, options);
  await shop.run(await shop.planApply());
  expect(await shop.readApplied()).toBe('applied');
  return shop;
}

/** Takes everything that was touched: kind and key, in order. */
async function taken(shop: Shop): Promise<string[]> {
  const touched = await shop.takeTouched(10_000, null);
  await shop.forgetTouched(touched.map(({ id }) => id));
  return touched.map(({ kind, ref }) => `${kind} ${ref}`);
}

/** What the statements of the shop's owner touch. */
async function touchedBy(shop: Shop, ...statements: string[]): Promise<string[]> {
  await taken(shop);
  for (const statement of statements) await owner.query(statement);
  return taken(shop);
}

it('is on the disk after a flush, whatever the shop’s commits wait for', async () => {
  await owner.query('create table flushed (id int primary key, n int); insert into flushed values (1, 0)');
  const shop = await applied(watching('  - { table: flushed, keys: { k: id } }'));
  await owner.query('set synchronous_commit = off'); // each by itself: together they would be one transaction
  await owner.query('update flushed set n = 1');
  const { rows } = await owner.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn');
  await owner.query('reset synchronous_commit');
  await shop.flush();
  const flushed = await owner.query<{ done: boolean }>(
    'select pg_current_wal_flush_lsn() >= $1::pg_lsn as done',
    [rows[0]!.lsn],
  );
  expect(flushed.rows[0]!.done).toBe(true);
  expect(await taken(shop)).toEqual(['k 1']);
  await shop.run(await shop.planUndo());
});

describe('a trigger', () => {
  let shop: Shop;
  beforeAll(async () => {
    await owner.query(
      `create table t (id bigint primary key, other text, status int, note text, doc json, at point,
      page xml, docs json[], pair pairs, up int generated always as (status * 2) stored)`.replace(
        'pair pairs, ',
        '',
      ),
    );
    shop = await applied(
      watching(
        '  - { table: t, keys: { k: id, other: other }, columns: [status, doc, at, page, docs, up] }',
      ).replace('(:k)', "(:k) or '2' in (:other)"),
    );
  });

  it('notes each key of a row that is inserted, changed or deleted, with the time', async () => {
    const before = Date.now() - 60_000;
    await taken(shop);
    await owner.query(`insert into t (id, other) values (9007199254740993, 'ünï ''"\\')`);
    const touched = await shop.takeTouched(10, null);
    expect(touched.map(({ kind, ref }) => [kind, ref])).toEqual([
      ['k', '9007199254740993'],
      ['other', `ünï '"\\`],
    ]);
    for (const { touchedAtMs } of touched) expect(touchedAtMs).toBeGreaterThan(before);
    expect(await shop.takeTouched(10, touched[0]!.id)).toEqual([touched[1]]);
    expect(await shop.takeTouched(1, null)).toEqual([touched[0]]);
    expect(await shop.countTouched()).toEqual({ waiting: 2, oldestMs: touched[0]!.touchedAtMs });
    await shop.forgetTouched(touched.map(({ id }) => id));
    expect(await shop.countTouched()).toEqual({ waiting: 0, oldestMs: null });
    expect(await touchedBy(shop, `update t set status = 1`)).toHaveLength(2);
    expect(await touchedBy(shop, `delete from t`)).toHaveLength(2);
  });

  it('notes nothing where no watched value really changed, whatever columns the statement names', async () => {
    await owner.query(
      `insert into t values (1, null, 1, 'x', '{"a":1}', '(1,2)', '<a/>', array['{}'::json])`,
    );
    expect(
      await touchedBy(
        shop,
        `update t set note = 'y', status = 1, doc = '{"a":1}', at = '(1,2)', page = '<a/>', docs = array['{}'::json], id = 1`,
      ),
    ).toEqual([]);
  });

  it.each([
    `status = null`,
    `doc = '{"a":2}'`,
    `at = null`,
    `at = '(1,3)'`,
    `page = '<b/>'`,
    `docs = array['1'::json]`,
  ])('notes the key where a watched value changed: %s', async (change) => {
    expect(await touchedBy(shop, `update t set ${change} where id = 1`)).toEqual(['k 1']);
  });

  it('notes both keys where the key itself changed', async () => {
    expect(await touchedBy(shop, `update t set id = 2, other = 'o' where id = 1`)).toEqual([
      'k 2',
      'k 1',
      'other o',
    ]);
    expect(await touchedBy(shop, `update t set other = null where id = 2`)).toEqual(['k 2', 'other o']);
    expect(await touchedBy(shop, `update t set note = 'z' where id = 2`)).toEqual([]);
  });

  it('sees each row of a statement of many, of a conflict and of a copy, and none that was rolled back', async () => {
    await owner.query('delete from t');
    expect(await touchedBy(shop, `insert into t (id) select generate_series(1, 300)`)).toHaveLength(300);
    expect(await touchedBy(shop, `update t set status = id where id <= 200`)).toHaveLength(200);
    const upsert = 'on conflict (id) do update set status = excluded.status';
    expect(
      await touchedBy(shop, `insert into t (id, status) values (1, 1), (2, 7), (999, 1) ${upsert}`),
    ).toEqual(['k 2', 'k 999']);
    expect(await touchedBy(shop, `insert into t (id) values (1) on conflict do nothing`)).toEqual([]);
    expect(await touchedBy(shop, 'begin', 'update t set status = -1', 'rollback')).toEqual([]);
    expect(await touchedBy(shop, 'begin', 'update t set status = -1 where id = 5', 'commit')).toEqual([
      'k 5',
    ]);
    await taken(shop);
    await database.admin.query(`copy t (id) from program 'seq 5001 5003'`);
    expect(await taken(shop)).toEqual(['k 5001', 'k 5002', 'k 5003']);
  });

  it('fires in a session that replays rows as a replica', async () => {
    await taken(shop);
    const replica = await connectAlone(database.adminUrl, 'the-shop', {
      session_replication_role: 'replica',
    });
    await replica.query(
      `insert into t (id) values (7000); update t set status = 3 where id = 7000; delete from t where id = 7000`,
    );
    await replica.end();
    expect(await taken(shop)).toEqual(['k 7000', 'k 7000', 'k 7000']);
  });

  it('fires for a login without a right on the schema, beside row security, and gives it none', async () => {
    const url = await database.login();
    const login = new URL(url).username;
    await owner.query(`grant select, insert, update on t to ${login}; alter table t enable row level security;
      create policy own on t for all to ${login} using (id < 1000)`);
    await taken(shop);
    const client = await connectAlone(url, 'the-shop');
    await client.query('update t set status = 4 where id = 6');
    const tries = [
      'select * from fahuo_adopt.touched',
      `insert into fahuo_adopt.touched (kind, ref) values ('k', '1')`,
      'select * from fahuo_adopt.answer',
      'select fahuo_adopt.touch_1()',
      `create temp table mine (id int); create trigger x after insert on mine for each row execute function fahuo_adopt.touch_1()`,
    ];
    for (const one of tries) await expect(client.query(one)).rejects.toThrow(/permission denied/);
    await client.end();
    await owner.query('alter table t disable row level security; drop policy own on t');
    expect(await taken(shop)).toEqual(['k 6']);
  });

  it('stops no statement of the shop over content: a key of a megabyte, and one of every odd character', async () => {
    const odd = `'a' || chr(10) || chr(9) || '\\%$1''";--' || chr(128512)`;
    expect(
      await touchedBy(
        shop,
        `insert into t (id, other) values (-1, repeat('x', 1000000)), (-2, ${odd}), (-3, ''); delete from t where id < 0`,
      ),
    ).toHaveLength(12);
  });
});

describe('a watched table', () => {
  it('may be partitioned, and gets partitions later, also as a replica', async () => {
    await owner.query(`create table part (id bigint, region text, status int) partition by list (region);
      create table part_a partition of part for values in ('a')`);
    const shop = await applied(watching('  - { table: part, keys: { k: id }, columns: [status] }'));
    await owner.query(`create table part_b partition of part for values in ('b');
      create table part_c (id bigint, region text, status int);
      alter table part attach partition part_c for values in ('c')`);
    await taken(shop);
    const replica = await connectAlone(database.adminUrl, 'the-shop', {
      session_replication_role: 'replica',
    });
    await replica.query(`insert into part values (1, 'a', 1), (2, 'b', 1), (3, 'c', 1)`);
    await replica.query('update part set status = 2');
    await replica.query('update part_b set status = 3');
    await replica.query(`update part set region = 'a' where id = 3`);
    await replica.end();
    expect(await taken(shop)).toEqual(['k 1', 'k 2', 'k 3', 'k 1', 'k 2', 'k 3', 'k 2', 'k 3', 'k 3']);
    await owner.query('alter table part_b enable trigger fahuo_adopt_1_update');
    expect(await shop.readApplied()).toBe('outdated');
  });

  it('may have names in two cases, of another schema, or spelled in capitals', async () => {
    await owner.query(`create schema "My"; create table "My"."Orders" ("Id" text primary key, "Status" int, "x$Y" int);
      create table plain (id int primary key, status int)`);
    const shop = await applied(
      watching(`  - { table: My.Orders, keys: { k: Id }, columns: [Status, x$Y] }
  - { table: PLAIN, keys: { k: ID }, columns: [STATUS] }`),
    );
    expect(
      await touchedBy(
        shop,
        `insert into "My"."Orders" values ('a"b', 1); update "My"."Orders" set "Status" = 2; update "My"."Orders" set "x$Y" = 2;
         insert into plain values (1, 1); update plain set status = 2`,
      ),
    ).toEqual(['k a"b', 'k a"b', 'k a"b', 'k 1', 'k 1']);
    const shapes = await shop.readShapes(['My.Orders', 'PLAIN', 'none']);
    expect(shapes.get('My.Orders')).toEqual({
      columns: {
        Id: { type: 'text', nullable: false },
        Status: { type: 'integer', nullable: true },
        x$Y: { type: 'integer', nullable: true },
      },
      primaryKey: ['Id'],
    });
    expect(shapes.get('PLAIN')?.primaryKey).toEqual(['id']);
    expect(shapes.get('none')).toBeNull();
  });

  it('may have keys and columns of any type', async () => {
    await owner.query(`create type mood as enum ('sad', 'happy'); create type pair as (a int, b json);
      create domain price as numeric(10, 2) check (value >= 0);
      create table typed (n numeric, c char(8), v varchar(8), u uuid, m mood, p price, pr pair, ps pair[], r int4range, f tsvector)`);
    const shop = await applied(
      watching(`  - { table: typed, keys: { n: n, c: c, v: v, u: u, m: m, p: p } }\n`).replace(
        `"select 1 where '1' in (:k)"`,
        `"select 1 where ''||1 in (:n) or '' in (:c) or '' in (:v) or '' in (:u) or '' in (:m) or '' in (:p)"`,
      ),
    );
    expect(
      await touchedBy(
        shop,
        `insert into typed values (1.50, 'ab', 'cd', '00000000-0000-0000-0000-00000000000A', 'sad', 3, '(1,{})', array['(1,{})'::pair], '[1,2)', 'a')`,
      ),
    ).toEqual(['n 1.50', 'c ab', 'v cd', 'u 00000000-0000-0000-0000-00000000000a', 'm sad', 'p 3.00']);
    expect(
      await touchedBy(shop, `update typed set pr = '(1,{})', ps = array['(1,{})'::pair], r = '[1,1]'`),
    ).toEqual([]);
    expect(await touchedBy(shop, `update typed set ps = array['(2,{})'::pair]`)).toHaveLength(6);
    expect(await touchedBy(shop, `update typed set f = 'b'`)).toHaveLength(6);
  });

  it('of the shop runs nothing of its owner’s with the rights of who applied', async () => {
    await owner.query(`create table evil (id int primary key, status int)`);
    await database.admin.query('create table stolen (as_who text)');
    await database.admin.query('grant insert on stolen to public');
    const shop = await applied(watching('  - { table: evil, keys: { k: id }, columns: [status] }'), {
      databaseUrl: database.adminUrl,
    });
    await owner.query(`alter table evil rename column id to former;
      create type ugly as enum ('x');
      create function steal(ugly) returns text language plpgsql as $f$ begin insert into stolen values (current_user); return 'x'; end $f$;
      create cast (ugly as text) with function steal(ugly) as implicit;
      create function same(ugly, ugly) returns bool language plpgsql as $f$ begin insert into stolen values (current_user); return true; end $f$;
      create operator = (leftarg = ugly, rightarg = ugly, function = same);
      create operator <> (leftarg = ugly, rightarg = ugly, function = same);
      alter table evil add column id ugly`);
    await owner.query(`create domain pg_temp.text as pg_catalog.text`);
    await owner.query(`set search_path = pg_temp, public, pg_catalog`);
    await owner.query(`insert into evil values (1, 1, 'x'); update evil set status = 2; delete from evil`);
    await owner.query('reset search_path; drop domain pg_temp.text');
    expect((await database.admin.query('select as_who from stolen')).rows).toEqual([]);
    expect(await taken(shop)).toEqual(['k x', 'k x', 'k x']);
    const { rows } = await database.admin.query<{ config: string[]; acl: string }>(
      `select proconfig as config, array_to_string(proacl, ',') as acl from pg_proc where pronamespace = 'fahuo_adopt'::regnamespace`,
    );
    expect(rows).not.toEqual([]);
    for (const { config, acl } of rows) {
      expect(config).toEqual(['search_path=pg_catalog, pg_temp']);
      expect(acl).not.toMatch(/(^|,)=X/);
    }
    await shop.run(await shop.planUndo());
    await owner.query('drop table evil; drop type ugly cascade');
  });
});

describe('apply and undo', () => {
  it('leave the shop’s schema as it was, and can be run again', async () => {
    const shop = await open(yudao);
    await shop.run(await shop.planUndo());
    await database.admin.query('grant usage on schema public to public');
    const before = await schemaText(database.admin);
    expect(await shop.readApplied()).toBe('absent');
    expect(await shop.planUndo()).toEqual([]);
    await shop.run(await shop.planApply());
    await shop.run(await shop.planApply());
    expect(await shop.readApplied()).toBe('applied');
    expect(await schemaText(database.admin)).not.toBe(before);
    const undo = await shop.planUndo();
    await shop.run(undo);
    await shop.run(undo.filter((one) => !one.includes('trigger')));
    expect(await schemaText(database.admin)).toBe(before);
    expect(await shop.readApplied()).toBe('absent');
  });

  it('take back what an earlier file asked for, and say what no longer fits', async () => {
    await owner.query(
      'create table one (id int primary key, a int); create table two (id int primary key, a int)',
    );
    const first = await applied(
      watching('  - { table: one, keys: { k: id } }\n  - { table: two, keys: { k: id } }'),
    );
    const second = await open(watching('  - { table: two, keys: { k: id } }'));
    expect(await second.readApplied()).toBe('outdated');
    await second.run(await second.planApply());
    expect(await second.readApplied()).toBe('applied');
    expect(await first.readApplied()).toBe('outdated');
    expect(await touchedBy(second, 'insert into one values (1, 1); insert into two values (2, 1)')).toEqual([
      'k 2',
    ]);
    await owner.query('alter table two add column b int');
    expect(await second.readApplied()).toBe('outdated');
    await second.run(await second.planApply());
    expect(await touchedBy(second, 'update two set b = 1')).toEqual(['k 2']);
    await owner.query('alter table two disable trigger fahuo_adopt_1_update');
    expect(await second.readApplied()).toBe('outdated');
    await second.run(await second.planApply());
    await owner.query('drop trigger fahuo_adopt_1_delete on two');
    expect(await second.readApplied()).toBe('outdated');
    await second.run(await second.planUndo());
  });

  it('change nothing where a table is missing, or where something else stands in the schema', async () => {
    const shop = await open(
      watching('  - { table: trade_order, keys: { k: id } }\n  - { table: nowhere, keys: { k: id } }'),
    );
    await expect(shop.run(await shop.planApply())).rejects.toThrow(/"nowhere" does not exist/);
    expect(await shop.readApplied()).toBe('absent');
    const fine = await applied(yudao);
    await owner.query('create view fahuo_adopt.mine as select ref from fahuo_adopt.answer');
    await expect(fine.run(await fine.planUndo())).rejects.toThrow(/depend/);
    expect(await fine.readApplied()).toBe('applied');
    await owner.query('drop view fahuo_adopt.mine');
  });

  it('give up soon at a busy table, change nothing, and say who holds it', async () => {
    const shop = await open(yudao, { lockTimeoutMs: 300 });
    await shop.run(await shop.planUndo());
    await owner.query(`begin; update trade_order set updater = 'a buyer' where id = 101`);
    await expect(shop.run(await shop.planApply())).rejects.toMatchObject({
      code: 'ADOPT_BLOCKED',
      message: expect.stringMatching(
        /held by pid \d+ .*application the-shop.*update trade_order set updater = '…'/,
      ) as string,
    });
    await owner.query('rollback');
    expect(await shop.readApplied()).toBe('absent');
  });

  it('say in one line which right is missing', async () => {
    const shop = await open(yudao, { databaseUrl: await database.login() });
    await expect(shop.run(await shop.planApply())).rejects.toMatchObject({ code: 'RIGHTS_MISSING' });
  });
});

describe('the parts query', () => {
  const parts = (text: string, more = ''): string =>
    `dialect: postgres\nwatch:\n  - { table: trade_order, keys: { k: id } }\nparts: ${JSON.stringify(text)}\n${more}`;
  const k = (...refs: string[]) => refs.map((ref) => ({ kind: 'k', ref }));

  it('gives the rows of the keys alone, of a kind without a key none', async () => {
    const shop = await open(yudao);
    const read = await shop.readParts([
      { kind: 'order_id', ref: '101' },
      { kind: 'order_id', ref: '999999' },
    ]);
    expect(read).toMatchObject({
      kind: 'rows',
      rows: [
        {
          order_id: '101',
          recharge_id: null,
          appid: 'wxfa00000000000001',
          transaction_id: '4200000000202609010000000101',
          logistics_type: '3',
        },
      ],
    });
    expect(await shop.readParts([{ kind: 'recharge_id', ref: '31' }])).toMatchObject({
      rows: [{ recharge_id: '31', order_id: null, item_desc: expect.stringMatching(/\*1$/) as string }],
    });
    expect(await shop.readParts([])).toEqual({ kind: 'rows', rows: [] });
  });

  it('gives every value as text, exactly', async () => {
    const shop = await open(
      parts(`select 9007199254740993 as a, 1.10::numeric as b, true as c, false as d, '2026-09-01 10:00:01'::timestamp as e,
        '{"a": 1}'::json as f, null::int as g, array[1,2] as h, 'x'::char(3) as i from trade_order where id in (:k)`),
    );
    expect(await shop.readParts(k('101'))).toEqual({
      kind: 'rows',
      rows: [
        {
          a: '9007199254740993',
          b: '1.10',
          c: 'true',
          d: 'false',
          e: '2026-09-01 10:00:01',
          f: '{"a": 1}',
          g: null,
          h: '{1,2}',
          i: 'x  ',
        },
      ],
    });
  });

  it('may compare one kind to columns of several types', async () => {
    const shop = await open(
      parts(`select t.id as k from trade_order t where t.id in (:k)
        union all select p.id from pay_order p where p.merchant_order_id in (:k) order by 1`),
    );
    expect(await shop.readParts(k('101'))).toEqual({ kind: 'rows', rows: [{ k: '101' }, { k: '201' }] });
  });

  it('uses the index of the key for hundreds of keys', async () => {
    const shop = await open(parts('select id as k from trade_order where id in (:k)'));
    const refs = Array.from({ length: 500 }, (_, index) => String(index));
    expect(await shop.readParts(k(...refs))).toMatchObject({ kind: 'rows' });
  });

  it('fails over a key that is none, and over what stands in the rows of some', async () => {
    const shop = await open(parts(`select 1 / (id - 102) as a from trade_order where id in (:k)`));
    expect(await shop.readParts(k('101', 'x'))).toEqual({
      kind: 'failed',
      message: 'invalid input syntax for type bigint: "x"',
    });
    expect(await shop.readParts(k('101', '102'))).toEqual({ kind: 'failed', message: 'division by zero' });
    expect(await shop.readParts(k('101'))).toEqual({ kind: 'rows', rows: [{ a: '-1' }] });
    const many = await open(
      parts('select (select id from pay_order) as a from trade_order where id in (:k)'),
    );
    expect(await many.readParts(k('101'))).toMatchObject({ kind: 'failed' });
  });

  it('fails when it takes longer than the file allows', async () => {
    const shop = await open(
      parts('select pg_sleep(30) from trade_order where id in (:k)', 'timeout_ms: 100\n'),
    );
    expect(await shop.readParts(k('101'))).toEqual({
      kind: 'failed',
      message: 'the parts query took longer than timeout_ms: 100',
    });
  });

  it.each([
    ['selec 1 where 1 in (:k)', /syntax error/],
    ['select 1 from nowhere where id in (:k)', /"nowhere" does not exist/],
    ['select statu from trade_order where id in (:k)', /"statu" does not exist \(.*status/],
    [`insert into pay_channel (id) select id from trade_order where id in (:k)`, /read-only transaction/],
    ['select 1 from trade_order where id in (:k) for update', /read-only transaction/],
  ])('is broken whatever the keys are: %s', async (text, message) => {
    const shop = await open(parts(text));
    for (const keys of [k('101'), []])
      expect(await shop.readParts(keys)).toEqual({
        kind: 'broken',
        message: expect.stringMatching(message) as string,
      });
  });

  it('is broken for a login that may not read', async () => {
    const shop = await open(parts('select id from trade_order where id in (:k)'), {
      databaseUrl: await database.login(),
    });
    expect(await shop.readParts(k('101'))).toMatchObject({ kind: 'broken', message: /permission denied/ });
  });

  it('looks for its tables where the login does, and leaves nothing behind', async () => {
    await owner.query(
      `create schema elsewhere; create table elsewhere.only_here (id int); insert into elsewhere.only_here values (1)`,
    );
    const url = `${database.ownerUrl}?options=${encodeURIComponent('-c search_path=elsewhere')}`;
    const shop = await open(parts('select id from only_here where id in (:k)'), { databaseUrl: url });
    expect(await shop.readParts(k('1'))).toEqual({ kind: 'rows', rows: [{ id: '1' }] });
    expect((await shop.readShapes(['only_here'])).get('only_here')?.columns).toHaveProperty('id');
  });

  it('rejects where the database is away', async () => {
    const away = Object.assign(new URL(database.ownerUrl), { port: '1' }).toString();
    const shop = await open(parts('select 1 where 1 in (:k)'), { databaseUrl: away });
    await expect(shop.readParts(k('1'))).rejects.toThrow(/ECONNREFUSED/);
    await expect(shop.takeTouched(1, null)).rejects.toThrow(/ECONNREFUSED/);
  });
});

describe('a walk', () => {
  const over = (table: string, since: string): string =>
    watching(
      `  - { table: ${table}, keys: { k: id } }`,
      `backfill:\n  - { table: ${table}, keys: { k: id }, since: ${since} }\n`,
    );
  const all = { kind: 'k', after: null, sinceMs: null, limit: 100 };

  it('goes in the order of the column, each key once, from where it stood', async () => {
    await owner.query(`create table parcels (id bigint, no int primary key, at bigint);
      insert into parcels values (10, 1, 0), (9, 2, 0), (100, 3, 0), (10, 4, 0), (null, 5, 0)`);
    const shop = await open(over('parcels', 'at'));
    expect(await shop.walk(all)).toEqual(['9', '10', '100']);
    expect(await shop.walk({ ...all, limit: 2 })).toEqual(['9', '10']);
    expect(await shop.walk({ ...all, after: '10' })).toEqual(['100']);
    expect(await shop.walk({ ...all, after: '100' })).toEqual([]);
  });

  it('is refused for a kind, a column or a table that the file or the shop does not have', async () => {
    const shop = await open(over('parcels', 'nothing'));
    for (const [options, message] of [
      [{ ...all, kind: 'x' }, /no table for x/],
      [{ ...all, sinceMs: 1 }, /no column nothing/],
    ] as const)
      await expect(shop.walk(options)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message });
  });

  it.each([
    ['timestamptz', `to_timestamp(1.7e9 + i)`],
    ['timestamp', `to_timestamp(1.7e9 + i)::timestamp`],
    ['int', `1700000000 + i`],
    ['bigint', `(1700000000 + i) * 1000::bigint`],
    ['numeric', `1700000000 + i`],
  ])('begins at a moment of a %s', async (type, value) => {
    await owner.query(`drop table if exists timed; create table timed (id text collate "C" primary key, at ${type});
      insert into timed select 'o' || i, ${value} from generate_series(1, 5) i; insert into timed values ('p', null)`);
    const shop = await open(over('timed', 'at'));
    expect(await shop.walk({ ...all, sinceMs: 1_700_000_004_000 })).toEqual(['o4', 'o5']);
    expect(await shop.walk({ ...all, sinceMs: 1_700_000_004_000, after: 'o4' })).toEqual(['o5']);
    expect(await shop.walk({ ...all, after: 'o4' })).toEqual(['o5', 'p']);
  });

  it('begins at a day', async () => {
    await owner.query(
      `create table dated (id int primary key, at date); insert into dated values (1, '2023-11-13'), (2, '2023-11-14')`,
    );
    const shop = await open(over('dated', 'at'));
    expect(await shop.walk({ ...all, sinceMs: Date.UTC(2023, 10, 14, 12) })).toEqual(['2']);
  });
});

describe('answers', () => {
  const file = watching(
    '  - { table: orders, keys: { k: id } }',
    `answers:
  - table: orders
    keys: { k: id }
    set:
      synced: { acknowledged: 1, rejected: 2 }
      synced_at: { acknowledged: $unix, rejected: $unix_ms }
      seen: { acknowledged: $now }
      said: { rejected: $errmsg, held: $reason, acknowledged: null }
      code: { rejected: $errcode }
      more: { rejected: $rid, acknowledged: $version, superseded: $state }
`,
  );
  const answer = (more: Partial<ShopAnswer>): ShopAnswer => ({
    kind: 'k',
    ref: '1',
    appid: 'wx1',
    payment: 'p1',
    version: 1,
    state: 'waiting',
    errcode: null,
    errmsg: null,
    rid: null,
    reason: null,
    atMs: 1_700_000_000_000,
    ...more,
  });
  let shop: Shop;
  beforeAll(async () => {
    await owner.query(`create table orders (id bigint primary key, synced int2 default 0, synced_at bigint, seen timestamptz,
      said varchar(8), code int, more text, note text)`);
    await owner.query(
      'create trigger slow before update on orders for each row execute function suppress_redundant_updates_trigger()',
    );
    await owner.query('drop trigger slow on orders');
    shop = await applied(file);
  });
  const order = async (id: number | string): Promise<unknown> =>
    (
      await owner.query<Record<string, unknown>>(
        'select synced, synced_at, seen, said, code, more from orders where id = $1',
        [id],
      )
    ).rows[0];
  const standing = async (ref: string): Promise<unknown> =>
    (
      await owner.query<Record<string, unknown>>(
        'select version, state, reason from fahuo_adopt.answer where ref = $1',
        [ref],
      )
    ).rows[0];
  const versionOf = async (id: number): Promise<unknown> =>
    (await owner.query<{ xmin: string }>('select xmin::text from orders where id = $1', [id])).rows[0]?.xmin;

  it('stand in fahuo_adopt.answer, and in the columns that the file names, of the states that it names', async () => {
    await owner.query('insert into orders (id) select generate_series(1, 5)');
    const atMs = 1_700_000_000_123;
    expect(
      await shop.writeAnswers([
        answer({ ref: '1' }),
        answer({ ref: '2', state: 'acknowledged', version: 3, atMs }),
        answer({ ref: '3', state: 'rejected', errcode: 10060002, errmsg: "it's too long", rid: 'r-1', atMs }),
        answer({ ref: '4', state: 'held', version: null, reason: 'no waybill\u0000' }),
        answer({ ref: '5', state: 'superseded' }),
        answer({ ref: '999', state: 'acknowledged' }),
      ]),
    ).toEqual([]);
    const none = { synced: 0, synced_at: null, seen: null, said: null, code: null, more: null };
    expect(await order(1)).toEqual(none);
    expect(await order(2)).toEqual({
      ...none,
      synced: 1,
      synced_at: 1_700_000_000,
      seen: new Date(atMs),
      more: '3',
    });
    expect(await order(3)).toEqual({
      ...none,
      synced: 2,
      synced_at: atMs,
      said: "it's too",
      code: 10060002,
      more: 'r-1',
    });
    expect(await order(4)).toEqual({ ...none, said: 'no wayb' + 'i' });
    expect(await order(5)).toEqual({ ...none, more: 'superseded' });
    expect(await standing('4')).toEqual({ version: null, state: 'held', reason: 'no waybill\uFFFD' });
    expect(await standing('999')).toMatchObject({ state: 'acknowledged' });
  });

  it('are the newest: an older one changes nothing, whatever the order in which they come', async () => {
    await owner.query('insert into orders (id) values (10)');
    const write = (more: Partial<ShopAnswer>) => shop.writeAnswers([answer({ ref: '10', ...more })]);
    await write({ version: 2, state: 'waiting', atMs: 2_000 });
    await write({ version: 1, state: 'acknowledged', atMs: 3_000 });
    expect(await standing('10')).toMatchObject({ version: 2, state: 'waiting' });
    expect(await order(10)).toMatchObject({ synced: 0 });
    await write({ version: 2, state: 'acknowledged', atMs: 4_000 });
    expect(await order(10)).toMatchObject({ synced: 1 });
    await write({ version: 2, state: 'rejected', atMs: 3_500 });
    expect(await standing('10')).toMatchObject({ state: 'acknowledged' });
    await write({ version: null, state: 'held', reason: 'x', atMs: 5_000 });
    expect(await standing('10')).toMatchObject({ state: 'held' });
    await write({ payment: 'p2', version: 1, state: 'rejected', atMs: 6_000 });
    expect(await standing('10')).toMatchObject({ state: 'rejected', version: 1 });
    await shop.writeAnswers([
      answer({ ref: '10', payment: 'p2', version: 3, state: 'acknowledged', atMs: 7_000 }),
      answer({ ref: '10', payment: 'p2', version: 2, state: 'rejected', atMs: 8_000 }),
    ]);
    expect(await standing('10')).toMatchObject({ state: 'acknowledged', version: 3 });
    expect(await order(10)).toMatchObject({ synced: 1 });
  });

  it('are not written again where nothing changed', async () => {
    await owner.query('insert into orders (id) values (20)');
    const one = answer({ ref: '20', state: 'acknowledged' });
    await shop.writeAnswers([one]);
    const before = await versionOf(20);
    await shop.writeAnswers([one]);
    expect(await versionOf(20)).toBe(before);
  });

  it('touch nothing: a table that is watched as a whole is not watched where answers are written', async () => {
    await owner.query('insert into orders (id) values (25)');
    await taken(shop);
    await shop.writeAnswers([answer({ ref: '25', state: 'acknowledged' })]);
    expect(await taken(shop)).toEqual([]);
    expect(await touchedBy(shop, `update orders set note = 'x' where id = 25`)).toEqual(['k 25']);
  });

  it('of many keys are one round of statements', async () => {
    await owner.query('insert into orders (id) select generate_series(1001, 3000)');
    const many = Array.from({ length: 2_000 }, (_, index) =>
      answer({ ref: String(1_001 + index), state: 'acknowledged' }),
    );
    expect(await shop.writeAnswers(many)).toEqual([]);
    const { rows } = await owner.query('select from orders where id > 1000 and synced = 1');
    expect(rows).toHaveLength(2_000);
  });

  it('wait for no row that the shop has locked, and say which it was', async () => {
    await owner.query('insert into orders (id) values (30), (31)');
    const blocker = await connectAlone(database.ownerUrl, 'the-shop');
    await blocker.query('begin; update orders set note = note where id = 30');
    const both = ['30', '31'].map((ref) => answer({ ref, state: 'acknowledged' }));
    expect(await shop.writeAnswers(both)).toEqual([{ kind: 'k', ref: '30' }]);
    expect(await order(31)).toMatchObject({ synced: 1 });
    await blocker.query('commit');
    await blocker.end();
    expect(await shop.writeAnswers(both)).toEqual([]);
    expect(await order(30)).toMatchObject({ synced: 1 });
  });

  it('that a column does not take hold up no other, and stand in fahuo_adopt.answer', async () => {
    await owner.query(
      `insert into orders (id) values (40), (41); alter table orders add constraint c check (code <> 7)`,
    );
    await shop.writeAnswers([
      answer({ ref: '40', state: 'rejected', errcode: 7 }),
      answer({ ref: '41', state: 'rejected', errcode: 8 }),
      answer({ ref: 'no number', state: 'rejected', errcode: 8 }),
    ]);
    expect(await order(40)).toMatchObject({ synced: 0 });
    expect(await order(41)).toMatchObject({ synced: 2 });
    expect(await standing('40')).toMatchObject({ state: 'rejected' });
    expect(await standing('no number')).toMatchObject({ state: 'rejected' });
  });
});

describe('findings', () => {
  const whats = async (shop: Shop): Promise<string[]> =>
    (await shop.findings()).map(({ level, what }) => `${level}: ${what}`);

  it('are none where all is well, before apply and after it', async () => {
    const shop = await open(yudao);
    await shop.run(await shop.planUndo());
    expect(await whats(shop)).toEqual([]);
    await shop.run(await shop.planApply());
    expect(await whats(shop)).toEqual([]);
  });

  it('name what is missing and what will be slow', async () => {
    await owner.query(`create table heap (order_id int, at text, gone int); create view looks as select * from heap;
      create table child () inherits (heap)`);
    const shop = await open(
      `dialect: postgres
watch:
  - { table: heap, keys: { k: order_id }, columns: [at, stat] }
  - { table: looks, keys: { k: order_id } }
  - { table: nowhere, keys: { k: id } }
parts: select nothing from heap where order_id in (:k)
answers:
  - { table: heap, keys: { k: order_id }, set: { sync: { acknowledged: 1 } } }
backfill:
  - { table: heap, keys: { k: order_id }, since: at }
`,
    );
    await shop.run(await shop.planUndo());
    expect(await whats(shop)).toEqual([
      'problem: heap has no column stat',
      expect.stringMatching(/^warning: no index of heap begins with order_id/),
      'warning: other tables inherit from heap: no trigger of heap sees their rows',
      'problem: heap has no column sync',
      expect.stringMatching(/^warning: no index of heap begins with order_id/),
      expect.stringMatching(/^warning: no index of heap begins with order_id/),
      'warning: heap has no primary key: backfill goes by order_id alone',
      'problem: heap.at is text: backfill cannot tell times by it',
      expect.stringMatching(/^warning: no index of looks begins with order_id/),
      'problem: looks is no table that can have row triggers',
      'problem: there is no table nowhere, or this login may not see it',
      'problem: the parts query does not run: column "nothing" does not exist',
    ]);
  });

  it('name the rights that a login lacks, and row security', async () => {
    const url = await database.login();
    const login = new URL(url).username;
    await owner.query(
      `create table secure (id int primary key, sync int); alter table secure enable row level security`,
    );
    const text = watching(
      '  - { table: secure, keys: { k: id } }',
      'answers:\n  - { table: secure, keys: { k: id }, set: { sync: { acknowledged: 1 } } }\n',
    ).replace("select 1 where '1' in (:k)", 'select id from secure where id in (:k)');
    const shop = await open(text, { databaseUrl: url });
    const all = await whats(shop);
    expect(all).toEqual([
      `problem: ${login} may make no schema in ${new URL(url).pathname.slice(1)}`,
      'problem: this login may not read secure',
      'warning: row security hides rows of secure from this login, unless a policy shows them',
      'problem: this login does not own secure: it may not set a trigger that always fires',
      'problem: this login may not write secure.sync',
      'problem: the parts query does not run: permission denied for table secure',
    ]);
    await applied(text);
    await owner.query(`grant select, update on secure to ${login}`);
    expect(await whats(shop)).toEqual([
      'warning: row security hides rows of secure from this login, unless a policy shows them',
      expect.stringMatching(
        /^problem: this login lacks SELECT on fahuo_adopt.touched, .*UPDATE on fahuo_adopt.answer$/,
      ),
    ]);
    await owner.query(`grant usage on schema fahuo_adopt to ${login}; grant select, delete on fahuo_adopt.touched to ${login};
      grant select, insert, update on fahuo_adopt.answer to ${login}`);
    expect(await whats(shop)).toHaveLength(1);
    await owner.query('insert into secure values (1)');
    expect(await taken(shop)).toEqual(['k 1']);
    await owner.query('alter table secure disable row level security');
  });

  it('say who else has adopted this database, and that nobody takes what is touched', async () => {
    const shop = await applied(`name: first\n${watching('  - { table: one, keys: { k: id } }')}`);
    await owner.query(
      `insert into fahuo_adopt.touched (kind, ref, touched_at) values ('k', '1', '2026-01-01 00:00:00Z')`,
    );
    expect(await whats(shop)).toEqual([
      'warning: 1 changes wait to be looked at since 2026-01-01T00:00:00.000Z',
    ]);
    await taken(shop);
    const other = await open(`name: second\n${watching('  - { table: one, keys: { k: id } }')}`);
    expect(await whats(other)).toEqual([
      'problem: this database was adopted by a file of another name: first',
    ]);
    await owner.query(`comment on schema fahuo_adopt is 'mine'`);
    expect(await whats(shop)).toEqual([
      expect.stringMatching(/^problem: there is a schema fahuo_adopt that/),
    ]);
  });

  it('say that sessions are read-only', async () => {
    const url = `${database.ownerUrl}?options=${encodeURIComponent('-c default_transaction_read_only=on')}`;
    const shop = await open(yudao, { databaseUrl: url });
    expect(await whats(shop)).toContainEqual(`problem: sessions of ${database.owner} are read-only`);
  });
});
