import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shop } from '../../../src/adopt/shop.ts';
import { startMariadb } from '../../../src/parts/mariadb.ts';
import type { LocalService } from '../../../src/parts/process.ts';
import { eventually } from '../../support/eventually.ts';
import { createMysqlDatabase, withLogin, type MysqlDatabase } from '../../support/mysql.ts';
import { adoptFile } from '../../support/adopt.ts';
import { shopAnswer } from '../../support/adopt-parts.ts';
import { applyTo, drain, openShop } from '../../support/mysql-shop.ts';

/** Servers of these tests' own: they are stopped, made read-only, and set as old shops have them. */
let dir: string;
let server: LocalService;
let root: MysqlDatabase;
let database: MysqlDatabase;

const file = adoptFile(`
name: old_shop
dialect: mysql
watch:
  - table: orders
    keys: { order_id: id }
    columns: [status, waybill]
parts: select id as order_id, status as state, waybill as tracking_no from orders where id in (:order_id)
answers:
  - table: orders
    keys: { order_id: id }
    set: { told: { acknowledged: $now } }
`);
const orders = `create table orders (id bigint unsigned not null primary key, status int not null default 0,
  waybill varchar(40) not null default '', told datetime null) engine=InnoDB default charset=utf8mb3`;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fahuo-adopt-mysql-'));
  chmodSync(dir, 0o755);
  server = await startMariadb(dir, {
    binlogFormat: 'MIXED',
    args: [
      '--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES',
      '--group-concat-max-len=1024',
      '--log-bin-trust-function-creators=1',
    ],
  });
  database = await createMysqlDatabase(server.url);
  root = database;
  await database.query(orders);
  await database.query(`create user shop@'%' identified by 'p@ss:w/rd'`);
  await database.query(`grant all privileges on ${database.name}.* to shop@'%'`);
});
afterAll(async () => {
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

const asShop = (): string => withLogin(database.url, 'shop', encodeURIComponent('p@ss:w/rd'));

async function withShop(work: (shop: Shop) => Promise<void>): Promise<void> {
  const shop = await applyTo(asShop(), file);
  try {
    await work(shop);
  } finally {
    await shop.close();
  }
}

describe('a MySQL that goes away and comes back', () => {
  it('rejects each call while it is away, and nothing is lost', async () => {
    await withShop(async (shop) => {
      await database.query(`insert into orders (id) values (9007199254740993)`);
      await server.kill();
      for (let turn = 0; turn < 3; turn++) {
        await expect(shop.takeTouched(10, null)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
        await expect(shop.readParts([{ kind: 'order_id', ref: '1' }])).rejects.toMatchObject({
          code: 'DATABASE_UNREACHABLE',
        });
        await expect(shop.writeAnswers([shopAnswer({})])).rejects.toMatchObject({
          code: 'DATABASE_UNREACHABLE',
        });
      }
      await server.restart();
      expect(await eventually(() => drain(shop))).toEqual(['order_id:9007199254740993']);
      database = await reopened();
    });
  });

  it('cannot be opened with a wrong login, whose password no message shows', async () => {
    const shop = await openShop(withLogin(database.url, 'nobody', 'topsecret'), file);
    const refused = await shop.countTouched().catch((error: unknown) => error as Error);
    expect(refused).toMatchObject({ code: 'LOGIN_REFUSED' });
    expect((refused as Error).message).not.toContain('topsecret');
    await shop.close();
  });
});

/** The root session of before has gone with the server. */
async function reopened(): Promise<MysqlDatabase> {
  const { createConnection } = await import('mysql2/promise');
  const connection = await createConnection(root.url);
  return {
    ...root,
    query: async (statement) => {
      const [rows] = await connection.query({ sql: statement, typeCast: (field) => field.string('utf8') });
      return rows as Record<string, string | null>[];
    },
  };
}

describe('a MySQL that is read-only for a while', () => {
  it('is read meanwhile, refuses what is written, and takes it afterwards', async () => {
    await withShop(async (shop) => {
      await database.query(`insert into orders (id) values (20), (21)`);
      await database.query('set global read_only = 1');
      const taken = await shop.takeTouched(10, null);
      expect(taken.map(({ ref }) => ref)).toEqual(['20', '21']);
      expect(await shop.readParts(taken)).toMatchObject({ kind: 'rows', rows: [{}, {}] });
      await expect(shop.forgetTouched(taken.map(({ id }) => id))).rejects.toThrow(/read-only/);
      await expect(shop.writeAnswers([shopAnswer({ ref: '20' })])).rejects.toThrow(/read-only/);
      expect(await shop.findings()).toContainEqual(
        expect.objectContaining({ level: 'problem', what: 'the server is read-only' }),
      );
      await database.query('set global read_only = 0');
      await shop.forgetTouched(taken.map(({ id }) => id));
      await shop.writeAnswers([shopAnswer({ ref: '20' })]);
      expect(await database.query('select count(*) as n from orders where told is not null')).toEqual([
        { n: '1' },
      ]);
    });
  });
});

describe("a server with an old shop's settings", () => {
  it('takes keys and values with quotes under ANSI_QUOTES and NO_BACKSLASH_ESCAPES', async () => {
    await withShop(async (shop) => {
      const told = shopAnswer({
        ref: '30',
        state: 'rejected',
        errmsg: `it's "so" \\ 未知`,
        reason: `\\'; --`,
      });
      await shop.writeAnswers([told]);
      expect(await database.query(`select errmsg, reason from fahuo_answer where ref = '30'`)).toEqual([
        { errmsg: told.errmsg, reason: told.reason },
      ]);
    });
  });

  it("keeps what the mode means in the file's own query, and gives GROUP_CONCAT room", async () => {
    const parts = `select "id" as order_id, (select group_concat(repeat('x', 100)) from orders a, orders b, orders c) as item_desc
      from orders where id in (:order_id)`;
    const shop = await openShop(asShop(), { ...file, parts });
    await database.query(`insert into orders (id) values (31), (32), (33)`);
    const found = await shop.readParts([{ kind: 'order_id', ref: '31' }]);
    await shop.close();
    expect(found.kind).toBe('rows');
    expect(found.kind === 'rows' && found.rows[0]?.['item_desc']?.length).toBeGreaterThan(1_024);
  });

  it('fires beside triggers that the shop has already, and never fails its statement over a value', async () => {
    await database.query(`create table journal (id bigint unsigned, was int) engine=InnoDB`);
    await database.query(
      `create trigger own_update after update on orders for each row insert into journal values (new.id, old.status)`,
    );
    await database.query(
      `create table named (id varchar(400) primary key, d datetime, word varchar(10)) engine=InnoDB default charset=latin1`,
    );
    const wide = adoptFile(`
name: old_shop
dialect: mysql
watch:
  - { table: orders, keys: { order_id: id } }
  - { table: named, keys: { name_id: id, day: d } }
parts: select 1 as order_id from orders where id in (:order_id) or id in (:name_id) or id in (:day)`);
    const shop = await applyTo(asShop(), wide);
    await drain(shop);
    await database.query(`insert into orders (id) values (40)`);
    await database.query(`update orders set status = 1 where id = 40`);
    expect(await database.query('select * from journal')).toEqual([{ id: '40', was: '0' }]);
    const session = await database.connect();
    for (const mode of ['', 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'])
      await session.query(
        `set sql_mode = '${mode}'; insert into named values (repeat('${mode === '' ? 'é' : 'z'}', 300), null, 'w')`,
      );
    await session.query(`set sql_mode = ''; update named set d = '0000-00-00' where id like 'z%'`);
    await session.end();
    const refs = await drain(shop);
    expect(refs.map((ref) => ref.slice(0, 14))).toEqual([
      'order_id:40',
      'order_id:40',
      'name_id:éééééé',
      'name_id:zzzzzz',
      'name_id:zzzzzz',
      'day:0000-00-00',
    ]);
    expect(refs[2]).toHaveLength('name_id:'.length + 255);
    await shop.close();
  });
});

describe('before apply, a shop is told', () => {
  it('what is missing, what is not transactional, what is slow, and what would surprise', async () => {
    await database.query(
      `create table parcels (id int primary key, order_no varchar(300), status int) engine=MyISAM`,
    );
    await database.query(`create table parents (id int primary key) engine=InnoDB`);
    await database.query(
      `create table children (id int primary key, parent_id int, foreign key (parent_id) references parents (id) on delete cascade) engine=InnoDB`,
    );
    const shop = await openShop(
      asShop(),
      adoptFile(`
name: another
dialect: mysql
watch:
  - { table: parcels, keys: { order_no: order_no }, columns: [status, gone] }
  - { table: nowhere, keys: { order_no: id } }
  - { table: children, keys: { child: id } }
parts: select 1 as order_no from parcels where order_no in (:order_no) or id in (:child)
backfill: [{ table: parcels, keys: { order_no: order_no } }]`),
    );
    const found = await shop.findings();
    await shop.close();
    expect(found.map(({ level, what }) => `${level}: ${what}`)).toEqual([
      'problem: watch[0] names the column gone, which parcels does not have',
      'problem: watch[1] names the table nowhere, which is not there',
      'problem: parcels is kept by MyISAM, without transactions: a rolled-back change could be sent',
      expect.stringMatching(/^warning: the foreign key \S+ changes children without firing its triggers$/),
      'warning: no index begins with parcels.order_no: each look at it reads the whole table',
      'warning: the key parcels.order_no may be longer than 255 characters, and would be cut',
      'problem: this database was adopted by the file named old_shop',
      ...['orders', 'orders', 'orders', 'named', 'named', 'named']
        .toSorted()
        .map(
          (table) => expect.stringContaining(`warning: ${table} has the trigger fahuo_${table}_`) as string,
        ),
    ]);
  });

  it('which rights its login lacks, and what the binary log asks for', async () => {
    await database.query('set global log_bin_trust_function_creators = 0');
    await database.query(`create user reader@'%'`);
    await database.query(`grant select, trigger on ${database.name}.orders to reader@'%'`);
    const shop = await openShop(withLogin(database.url, 'reader', ''), file);
    const problems = (await shop.findings())
      .filter(({ level }) => level === 'problem')
      .map(({ what }) => what);
    const owner = await openShop(asShop(), file);
    await expect(
      owner.run(['create trigger x after insert on orders for each row set @a = 1']),
    ).rejects.toMatchObject({
      code: 'RIGHTS_MISSING',
      remedy: expect.stringContaining('SET GLOBAL log_bin_trust_function_creators = 1') as string,
    });
    await database.query('set global log_bin_trust_function_creators = 1');
    await shop.close();
    await owner.close();
    expect(problems).toEqual([
      'the server writes a binary log and lets only SUPER create triggers',
      'this login lacks UPDATE on orders',
      ...['CREATE', 'SELECT', 'INSERT', 'UPDATE', 'DELETE'].map(
        (right) => `this login lacks ${right} on fahuo_touched`,
      ),
    ]);
  });

  it('that the parts query reads a whole table for each batch of keys', async () => {
    await database.query(`create table goods (id int primary key, order_id bigint unsigned) engine=InnoDB`);
    await database.query('insert into goods select seq, seq from seq_1_to_30000');
    await database.query('analyze table goods');
    const parts = `select o.id as order_id, (select count(*) from goods g where g.order_id = o.id) as n from orders o where o.id in (:order_id)`;
    const shop = await openShop(asShop(), { ...file, parts });
    const found = await shop.findings();
    await shop.close();
    expect(found.map(({ what }) => what)).toContainEqual(
      expect.stringMatching(/reads all of g \(about \d+ rows\)/),
    );
  });
});

describe.each(['STATEMENT', 'ROW', 'MIXED'] as const)('a binary log of %s', (format) => {
  it('keeps the triggers, the keys and the answers working', async () => {
    await database.query(`set global binlog_format = '${format}'`);
    await withShop(async (shop) => {
      await drain(shop);
      const session = await database.connect();
      await session.query('replace into orders (id) values (50), (51)');
      await session.query(`update orders set waybill = 'SF1' where id in (50, 51)`);
      await session.end();
      const taken = await drain(shop);
      expect([...new Set(taken)]).toEqual(['order_id:50', 'order_id:51']);
      await shop.writeAnswers([shopAnswer({ ref: '50', atMs: Date.now() })]);
      expect(await database.query('select told is not null as told from orders where id = 50')).toEqual([
        { told: '1' },
      ]);
      const warned = (await shop.findings()).filter(({ what }) =>
        what.startsWith('binlog_format is STATEMENT'),
      );
      expect(warned).toHaveLength(format === 'STATEMENT' ? 1 : 0);
    });
  });
});

describe('two sessions of fahuo and the writers of a shop', () => {
  it('lose no key and stop for no deadlock, with rollbacks among them', async () => {
    await withShop(async (shop) => {
      await drain(shop);
      await database.query('delete from orders');
      await database.query('insert into orders (id) select seq from seq_1_to_200');
      await drain(shop);
      const expected = new Set<string>();
      const seen = new Set<string>();
      const writers = new AbortController();
      const take = async (): Promise<void> => {
        const taken = await shop.takeTouched(500, null);
        for (const { ref } of taken) seen.add(ref);
        await shop.forgetTouched(taken.map(({ id }) => id));
        await shop.writeAnswers(taken.slice(0, 20).map(({ ref }) => shopAnswer({ ref, atMs: Date.now() })));
      };
      const drained = (async () => {
        while (!writers.signal.aborted) await take();
      })();
      await Promise.all(
        [0, 1, 2, 3].map(async (writer) => {
          const session = await database.connect();
          for (let turn = 0; turn < 50; turn++) {
            const id = turn * 4 + writer + 1;
            const isLost = turn % 5 === 4;
            await session.query(
              `start transaction; update orders set status = status + 1 where id in (${id}); ${isLost ? 'rollback' : 'commit'}`,
            );
            if (!isLost) expected.add(String(id));
          }
          await session.end();
        }),
      );
      writers.abort();
      await drained;
      await take();
      expect([...seen].toSorted()).toEqual([...expected].toSorted());
      expect(await shop.countTouched()).toEqual({ waiting: 0, oldestMs: null });
    });
  });
});
