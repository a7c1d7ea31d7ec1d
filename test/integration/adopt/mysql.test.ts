import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shop } from '../../../src/adopt/shop.ts';
import { createMysqlDatabase, type MysqlDatabase } from '../../support/mysql.ts';
import { adoptFile } from '../../support/adopt.ts';
import { shopAnswer } from '../../support/adopt-parts.ts';
import {
  applyTo,
  drain,
  likeshopFile,
  likeshopTables,
  openShop,
  touchedOf,
} from '../../support/mysql-shop.ts';

let database: MysqlDatabase;
/** Of tables that tests make for themselves: a database has one file. */
let scratch: MysqlDatabase;
let shop: Shop;

beforeAll(async () => {
  database = await createMysqlDatabase();
  scratch = await createMysqlDatabase();
  const session = await database.connect();
  await session.query(likeshopTables());
  await session.end();
  shop = await applyTo(database.url, likeshopFile());
});
afterAll(async () => {
  await shop.close();
  await scratch.drop();
  await database.drop();
});

const dump = (): string => {
  const url = new URL(database.url);
  return execFileSync(
    'mariadb-dump',
    [
      '-h',
      url.hostname,
      '-P',
      url.port,
      '-u',
      'root',
      '--no-data',
      '--triggers',
      '--routines',
      '--skip-dump-date',
      database.name,
    ],
    { encoding: 'utf8' },
  );
};

/** A table of one test's own, with the file that watches it and asks for its keys. */
async function ownTable(
  create: string,
  file: (table: string) => string,
  db = scratch,
): Promise<{ table: string; shop: Shop; close: () => Promise<void> }> {
  const table = `t${Math.random().toString(36).slice(2, 10)}`;
  await db.query(create.replaceAll('TABLE_NAME', table));
  const opened = await applyTo(db.url, adoptFile(file(table)));
  return {
    table,
    shop: opened,
    close: async () => {
      await opened.close();
      for (const one of [`drop table ${table}`, 'delete from fahuo_touched', 'delete from fahuo_answer'])
        await db.query(one);
    },
  };
}
const plainFile = (table: string, extra = ''): string => `
name: likeshop
dialect: mysql
watch:
  - table: ${table}
    keys: { order_id: id }
parts: select id as order_id, t.* from ${table} t where id in (:order_id)
${extra}`;

describe('the triggers', () => {
  it('note the key of a watched change, and of nothing else', async () => {
    await drain(shop);
    await database.query('update ls_order set shipping_status = 1, order_status = 2 where id = 1');
    await database.query('update ls_order set update_time = update_time + 1 where id = 2');
    await database.query('update ls_order set shipping_status = 1 where id = 1');
    expect(await drain(shop)).toEqual(['order_id:1']);
  });

  it('note nothing of a transaction that was rolled back, and each row of a statement over many', async () => {
    const session = await database.connect();
    await session.query('start transaction; update ls_order set delivery_id = 9 where id = 3; rollback');
    await session.query('update ls_order set delivery_id = 8 where id in (3, 4)');
    await session.end();
    expect(await drain(shop)).toEqual(['order_id:3', 'order_id:4']);
  });

  it('see a parcel that is inserted, moved to another order, and deleted', async () => {
    await database.query(
      `insert into ls_delivery (id, order_id, user_id, invoice_no, create_time) values (900, 5, 1, 'yt1', 0)`,
    );
    expect(await drain(shop)).toEqual(['order_id:5']);
    await database.query('update ls_delivery set order_id = 6 where id = 900');
    expect(await drain(shop)).toEqual(['order_id:6', 'order_id:5']);
    await database.query('delete from ls_delivery where id = 900');
    expect(await drain(shop)).toEqual(['order_id:6']);
  });

  it('see a waybill whose letters change, though its collation calls both the same', async () => {
    await database.query(
      `insert into ls_delivery (id, order_id, user_id, invoice_no, create_time) values (901, 5, 1, 'yt1', 0)`,
    );
    await drain(shop);
    await database.query(`update ls_delivery set invoice_no = 'YT1' where id = 901`);
    expect(await drain(shop)).toEqual(['order_id:5']);
  });

  it('leave a key out that is NULL, and note it once there is one', async () => {
    await database.query('insert into ls_order_goods (id, order_id, goods_name) values (900, null, 0x41)');
    expect(await touchedOf(shop)).toEqual([]);
    await database.query('update ls_order_goods set order_id = 7 where id = 900');
    expect(await drain(shop)).toEqual(['order_id:7']);
    await database.query('delete from ls_order_goods where id = 900');
    await drain(shop);
  });

  it('are planned again only where the file changed, and are replaced without a gap', async () => {
    expect(await shop.planApply()).toEqual([]);
    expect(await shop.readApplied()).toBe('applied');
    const file = likeshopFile();
    const other = { ...file, watch: file.watch.filter(({ table }) => table !== 'ls_order_goods') };
    const changed = await openShop(database.url, other);
    expect(await changed.readApplied()).toBe('outdated');
    const plan = await changed.planApply();
    await changed.close();
    expect(plan.filter((text) => text.startsWith('DROP'))).toEqual([
      'DROP TRIGGER IF EXISTS `fahuo_ls_order_goods_ad`',
      'DROP TRIGGER IF EXISTS `fahuo_ls_order_goods_ai`',
      'DROP TRIGGER IF EXISTS `fahuo_ls_order_goods_au`',
    ]);
    expect(plan.filter((text) => text.startsWith('CREATE OR REPLACE TRIGGER'))).toHaveLength(9);
  });
});

describe('what was touched', () => {
  it('is read in its order beyond an id, counted, and forgotten by its ids', async () => {
    await drain(shop);
    await database.query('update ls_order set refund_status = 1 where id in (1, 2, 3)');
    const [first, second, third] = await shop.takeTouched(10, null);
    expect(await shop.takeTouched(1, first!.id)).toEqual([second]);
    expect((await shop.countTouched()).waiting).toBe(3);
    expect((await shop.countTouched()).oldestMs).toBe(first!.touchedAtMs);
    expect(Math.abs(first!.touchedAtMs - Date.now())).toBeLessThan(60_000);
    await shop.forgetTouched([first!.id, third!.id]);
    expect(await shop.takeTouched(10, null)).toEqual([second]);
    await shop.forgetTouched([second!.id]);
    expect(await shop.countTouched()).toEqual({ waiting: 0, oldestMs: null });
  });

  it('is on the disk after a flush, which leaves nothing behind', async () => {
    await drain(shop);
    await database.query('update ls_order set refund_status = 3 where id = 1');
    const [before] = await database.query('show engine innodb status');
    await shop.flush();
    const [after] = await database.query('show engine innodb status');
    const lsn = (row: Record<string, string | null> | undefined, name: string): number =>
      Number(new RegExp(`${name}\\s+(\\d+)`).exec(row?.['Status'] ?? '')?.[1]);
    expect(lsn(after, 'Log flushed up to')).toBeGreaterThanOrEqual(lsn(before, 'Log sequence number'));
    expect(await drain(shop)).toEqual(['order_id:1']);
  });

  it('waits for no open transaction of the shop, and holds none up', async () => {
    const session = await database.connect();
    await session.query('start transaction; update ls_order set refund_status = 2 where id = 8');
    await database.query('update ls_order set refund_status = 2 where id = 9');
    expect(await drain(shop)).toEqual(['order_id:9']);
    await session.query('commit');
    await session.end();
    expect(await drain(shop)).toEqual(['order_id:8']);
  });
});

describe('the parts query', () => {
  it("gives likeshop's parts for the keys that are asked for", async () => {
    const found = await shop.readParts([
      { kind: 'order_id', ref: '4' },
      { kind: 'recharge_id', ref: '1' },
    ]);
    expect(found).toMatchObject({
      kind: 'rows',
      rows: [
        { order_id: '4', recharge_id: null, part: '4', logistics_type: '4', item_desc: '鲜奶*2', skip: null },
        { order_id: null, recharge_id: '1', part: 'recharge-1', logistics_type: '3', state: 'open' },
      ],
    });
  });

  it('gives any type as the text that stands there, and no number rounded', async () => {
    const own = await ownTable(
      `create table TABLE_NAME (id bigint unsigned primary key, big bigint, money decimal(30, 10), bit1 bit(1), bit9 bit(9),
        zero datetime, day date, ms bigint, json json, words varchar(50) character set utf8mb3, latin varchar(20) character set latin1,
        bytes varbinary(20), emoji varchar(20) character set utf8mb4, yes tinyint(1)) default charset=utf8mb3`,
      plainFile,
    );
    const session = await scratch.connect();
    await session.query(`set session sql_mode = ''`);
    await session.query(
      `insert into ${own.table} values (18446744073709551615, -9007199254740993, 12345678901234567890.0123456789, b'1', b'100000001',
        '0000-00-00 00:00:00', '2026-09-01', 1788230000123, '{"a": 9007199254740993}', '保温杯', 'café', x'616263', '📦', 1)`,
    );
    await session.end();
    expect(await drain(own.shop)).toEqual(['order_id:18446744073709551615']);
    const found = await own.shop.readParts([{ kind: 'order_id', ref: '18446744073709551615' }]);
    await own.close();
    expect(found).toEqual({
      kind: 'rows',
      rows: [
        {
          order_id: '18446744073709551615',
          id: '18446744073709551615',
          big: '-9007199254740993',
          money: '12345678901234567890.0123456789',
          bit1: '1',
          bit9: '257',
          zero: '0000-00-00 00:00:00',
          day: '2026-09-01',
          ms: '1788230000123',
          json: '{"a": 9007199254740993}',
          words: '保温杯',
          latin: 'café',
          bytes: 'abc',
          emoji: '📦',
          yes: '1',
        },
      ],
    });
  });

  it.each([
    'bigint',
    'bigint unsigned',
    'varchar(40) character set latin1',
    'varchar(40) character set utf8mb3',
    'decimal(20)',
  ])('finds a key of %s beyond 2^53 exactly, by its index', async (type) => {
    const own = await ownTable(
      `create table TABLE_NAME (id ${type} primary key, word varchar(20))`,
      plainFile,
    );
    const near = ['9007199254740991', '9007199254740992', '9007199254740993', '9007199254740994'];
    await scratch.query(
      `insert into ${own.table} select seq, 'many' from seq_1_to_2000 union all select ${near.join(", 'n' union all select ")}, 'n'`,
    );
    await scratch.query(`analyze table ${own.table}`);
    const found = await own.shop.readParts([
      { kind: 'order_id', ref: '9007199254740993' },
      { kind: 'order_id', ref: '9007199254740991' },
    ]);
    const plan = await scratch.query(
      `explain select * from ${own.table} where id in ('9007199254740993', '9007199254740991')`,
    );
    const walked = await own.shop.walk({ kind: 'order_id', after: near[1]!, sinceMs: null, limit: 10 });
    await own.close();
    expect(found.kind === 'rows' && found.rows.map((row) => row['id']).toSorted()).toEqual([
      near[0],
      near[2],
    ]);
    expect(plan).toMatchObject([{ key: 'PRIMARY', type: 'range' }]);
    if (!type.startsWith('varchar')) expect(walked).toEqual([near[2], near[3]]);
  });

  it('is asked for keys of one kind without any of another, and whatever characters they have', async () => {
    const own = await ownTable(
      `create table TABLE_NAME (id varchar(40) primary key) default charset=utf8mb4`,
      plainFile,
    );
    const odd = [`a'b`, `a"b`, String.raw`a\b`, '订单-1', `' or 1=1 -- `, '📦', '%', '?'];
    const session = await scratch.connect();
    await session.query(`insert into ${own.table} values ${odd.map(() => '(?)').join(', ')}`, odd);
    await session.end();
    expect(await drain(own.shop)).toEqual(odd.map((ref) => `order_id:${ref}`));
    const found = await own.shop.readParts(odd.map((ref) => ({ kind: 'order_id', ref })));
    expect(found.kind === 'rows' && found.rows.map((row) => row['id']).toSorted()).toEqual(odd.toSorted());
    expect(await own.shop.readParts([])).toEqual({ kind: 'rows', rows: [] });
    await own.close();
  });

  it.each([
    [
      'a table that is missing',
      'select order_id from nowhere where id in (:order_id)',
      'broken',
      /doesn't exist/,
    ],
    ['a column that is missing', 'select nothing from ls_order where id in (:order_id)', 'broken', /nothing/],
    ['a word that is no SQL', 'selec id from ls_order where id in (:order_id)', 'broken', /syntax/],
    ['a query that writes', 'delete from ls_order where id in (:order_id)', 'broken', /READ ONLY/],
    ['a table that it drops', 'drop table ls_order -- in (:order_id)', 'broken', /READ ONLY/],
    [
      'two rows where one may be',
      'select (select id from ls_express) from ls_order where id in (:order_id)',
      'failed',
      /more than 1 row/,
    ],
    [
      'a query that takes too long',
      'select sleep(5) from ls_order where id in (:order_id)',
      'failed',
      /max_statement_time|interrupted/,
    ],
  ])('is %s: said, and what follows works', async (_name, parts, kind, message) => {
    const asking = await openShop(database.url, { ...likeshopFile(), parts }, 300);
    const found = await asking.readParts([{ kind: 'order_id', ref: '1' }]);
    expect(found).toMatchObject({ kind, message: expect.stringMatching(message) as string });
    expect((await asking.countTouched()).oldestMs).not.toBeUndefined();
    await asking.close();
  });
});

describe('walking', () => {
  it('goes by the key, in pages, and only over keys of that kind', async () => {
    const first = await shop.walk({ kind: 'order_id', after: null, sinceMs: null, limit: 4 });
    const rest = await shop.walk({ kind: 'order_id', after: first.at(-1)!, sinceMs: null, limit: 100 });
    expect([...first, ...rest]).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
    expect(
      await shop.walk({ kind: 'order_id', after: null, sinceMs: null, limit: 2, newestFirst: true }),
    ).toEqual(['10', '9']);
    expect(await shop.walk({ kind: 'recharge_id', after: null, sinceMs: null, limit: 100 })).toEqual(['1']);
  });

  const sinceMs = Date.UTC(2026, 8, 1);
  it.each([
    ['datetime', `'2026-08-31 23:59:59'`, `'2026-09-01 00:00:00'`],
    ['timestamp', `'2026-08-31 23:59:59'`, `'2026-09-01 00:00:00'`],
    ['date', `'2026-08-31'`, `'2026-09-01'`],
    ['int', String(sinceMs / 1000 - 1), String(sinceMs / 1000)],
    ['bigint', String(sinceMs - 1), String(sinceMs)],
  ])('leaves out what is older by a column of %s', async (type, before, at) => {
    const own = await ownTable(`create table TABLE_NAME (id int primary key, made ${type} null)`, (table) =>
      plainFile(table, `backfill: [{ table: ${table}, keys: { order_id: id }, since: made }]`),
    );
    const session = await scratch.connect();
    await session.query(`set time_zone = '+00:00'`);
    await session.query(`insert into ${own.table} values (1, ${before}), (2, ${at}), (3, null)`);
    await session.end();
    expect(await own.shop.walk({ kind: 'order_id', after: null, sinceMs, limit: 10 })).toEqual(['2']);
    await own.close();
  });
});

describe('answers', () => {
  it("stand in fahuo_answer and in likeshop's columns; an older one overwrites none", async () => {
    const atMs = 1_788_240_000_500;
    await shop.writeAnswers([
      shopAnswer({ ref: '1', version: 2, atMs }),
      shopAnswer({ ref: '2', state: 'rejected', errcode: 10060023, errmsg: '发货信息未更新', atMs }),
    ]);
    await shop.writeAnswers([shopAnswer({ ref: '1', version: 1, state: 'rejected', atMs: atMs - 1 })]);
    expect(
      await database.query(
        'select ref, version, state, errcode, errmsg, unix_timestamp(at) as at from fahuo_answer order by ref',
      ),
    ).toEqual([
      { ref: '1', version: '2', state: 'acknowledged', errcode: null, errmsg: null, at: '1788240000.500' },
      {
        ref: '2',
        version: '1',
        state: 'rejected',
        errcode: '10060023',
        errmsg: '发货信息未更新',
        at: '1788240000.500',
      },
    ]);
    expect(
      await database.query(
        'select id, wechat_mini_express_sync as s, wechat_mini_express_sync_time as t from ls_order where id < 4',
      ),
    ).toEqual([
      { id: '1', s: '1', t: '1788240000' },
      { id: '2', s: '2', t: '1788240000' },
      { id: '3', s: '0', t: '0' },
    ]);
  });

  it('write a column only where it changes, and words as the column can hold them', async () => {
    const own = await ownTable(
      `create table TABLE_NAME (id int primary key, told timestamp(3) null, local datetime(3), short varchar(4) not null default '', n int)`,
      (table) =>
        plainFile(
          table,
          `answers: [{ table: ${table}, keys: { order_id: id }, set: { told: { rejected: $now }, local: { rejected: $now }, short: { rejected: $errmsg }, n: { rejected: $errcode } } }]`,
        ),
    );
    await scratch.query(`insert into ${own.table} (id) values (1), (2)`);
    const answer = shopAnswer({
      state: 'rejected',
      errcode: 7,
      errmsg: 'far too long',
      atMs: 1_788_230_000_123,
    });
    await own.shop.writeAnswers([answer]);
    expect(
      await scratch.query(
        `select unix_timestamp(told) as told, unix_timestamp(local) as local, short, n from ${own.table} order by id`,
      ),
    ).toEqual([
      { told: '1788230000.123', local: '1788230000.123', short: 'far ', n: '7' },
      { told: null, local: null, short: '', n: null },
    ]);
    await drain(own.shop);
    await own.shop.writeAnswers([{ ...answer, errmsg: 'far ' }]);
    expect(await touchedOf(own.shop)).toEqual([]);
    await own.close();
  });

  it('come to the other orders while somebody holds a lock on one, and to that one afterwards', async () => {
    const atMs = 1_788_250_000_000;
    const session = await database.connect();
    await session.query(
      'start transaction; update ls_order set consignee = consignee where id = 3; select 1 from ls_order where id = 3 for update',
    );
    const answers = ['3', '4'].map((ref) => shopAnswer({ ref, atMs }));
    expect(await shop.writeAnswers(answers)).toEqual([{ kind: 'order_id', ref: '3' }]);
    const told = 'select id from ls_order where wechat_mini_express_sync_time = 1788250000';
    expect(await database.query(told)).toEqual([{ id: '4' }]);
    await session.query('rollback');
    await session.end();
    expect(await shop.writeAnswers(answers)).toEqual([]);
    expect(await database.query(told)).toEqual([{ id: '3' }, { id: '4' }]);
  });
});

describe('undo', () => {
  it("leaves the dump of the shop's schema as it was before apply", async () => {
    const planned = await shop.planApply();
    expect(planned).toEqual([]);
    await shop.run(await shop.planUndo());
    const before = dump();
    expect(await shop.readApplied()).toBe('absent');
    await shop.run(await shop.planApply());
    expect(dump()).not.toBe(before);
    expect(await shop.readApplied()).toBe('applied');
    await shop.run(await shop.planUndo());
    expect(dump()).toBe(before);
    expect(before).not.toMatch(/fahuo_(touched|answer|ls_)/);
    await shop.run(await shop.planApply());
  });
});
