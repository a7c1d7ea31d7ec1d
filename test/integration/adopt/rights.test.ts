import { randomBytes } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { openShop } from '../../../src/adopt/open-shop.ts';
import type { AdoptFile } from '../../../src/adopt/file.ts';
import type { Shop } from '../../../src/adopt/shop.ts';
import { createLog } from '../../../src/log.ts';
import { adoptFileOf } from '../../support/adopt.ts';
import { createDatabase } from '../../support/database.ts';
import { blocksOf, readText } from '../../support/documents.ts';
import { createMysqlDatabase, withLogin } from '../../support/mysql.ts';
import { shopAnswer } from '../../support/adopt-parts.ts';
import { drain } from '../../support/mysql-shop.ts';

/** The grants of docs/adopting.md, for a login of the test's own; a statement each. */
const grantsOf = (dialect: string, names: Record<string, string>): string[] => {
  const block = blocksOf(readText('docs/adopting.md')).find(({ info }) => info === `sql ${dialect}-rights`);
  const text = Object.entries(names).reduce(
    (sql, [name, own]) => sql.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), own),
    (block?.text ?? '').replaceAll(/--.*$/gm, ''),
  );
  return text
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
};
const newLogin = (): string => `t_${randomBytes(5).toString('hex')}`;

function open(databaseUrl: string, file: AdoptFile): Promise<Shop> {
  const shop = openShop({ databaseUrl, file, log: createLog({ level: 'silent' }), queryTimeoutMs: 20_000 });
  onTestFinished(async () => (await shop).close());
  return shop;
}
const answer = (kind: string) =>
  shopAnswer({ kind, ref: '1', state: 'acknowledged', atMs: 1_788_230_000_000 });

it('the rights that the page names are enough on MySQL, from apply to undo', async () => {
  const database = await createMysqlDatabase();
  onTestFinished(database.drop);
  const session = await database.connect();
  onTestFinished(() => session.end());
  await session.query(readText('test/support/shops/likeshop.sql'));
  const login = newLogin();
  for (const grant of grantsOf('mysql', { shop: database.name, fahuo: login, SECRET: login }))
    await database.query(grant);
  onTestFinished(async () => {
    await database.query(`drop user ${login}`);
  });

  const shop = await open(withLogin(database.url, login, login), adoptFileOf('likeshop'));
  expect(await shop.findings()).toEqual([]);
  await shop.run(await shop.planApply());
  expect(await shop.readApplied()).toBe('applied');
  await session.query('update ls_order set shipping_status = 1, delivery_id = 9 where id = 1');
  expect(await drain(shop)).toEqual(['order_id:1']);
  expect(await shop.readParts([{ kind: 'order_id', ref: '1' }])).toMatchObject({ kind: 'rows' });
  expect(await shop.writeAnswers([answer('order_id'), answer('recharge_id')])).toEqual([]);
  expect(await database.query('select wechat_mini_express_sync as sync from ls_order where id = 1')).toEqual([
    { sync: '1' },
  ]);
  await shop.run(await shop.planUndo());
  expect(await shop.readApplied()).toBe('absent');
});

it('the rights that the page names are enough to run on Postgres', async () => {
  const database = await createDatabase();
  onTestFinished(database.drop);
  await database.pool.query(readText('test/support/shops/yudao.sql'));
  const owner = await open(database.url, adoptFileOf('yudao'));
  await owner.run(await owner.planApply());
  const login = newLogin();
  for (const grant of grantsOf('postgres', { fahuo_shop: login, SECRET: login }))
    await database.pool.query(grant);
  onTestFinished(async () => {
    await database.pool.query(`drop owned by ${login}`);
    await database.pool.query(`drop role ${login}`);
  });

  const shop = await open(withLogin(database.url, login, login), adoptFileOf('yudao'));
  expect((await shop.findings()).filter(({ level }) => level === 'problem')).toEqual([]);
  expect(await shop.readApplied()).toBe('applied');
  const { rows: shipped } = await database.pool.query<{ ref: string }>(
    `update trade_order set logistics_no = 'ZT1' where id = (select min(id) from trade_order) returning id::text as ref`,
  );
  const key = { kind: 'order_id', ref: shipped[0]?.ref ?? '' };
  const [touched] = await shop.takeTouched(10, null);
  expect(touched).toMatchObject(key);
  await shop.forgetTouched([touched?.id ?? '']);
  expect(await shop.readParts([key])).toMatchObject({ kind: 'rows' });
  expect(await shop.writeAnswers([{ ...answer('order_id'), ...key }])).toEqual([]);
  const { rows } = await database.pool.query('select kind, ref, state from fahuo_adopt.answer');
  expect(rows).toEqual([{ ...key, state: 'acknowledged' }]);
});

it('a watched column that is dropped on MySQL breaks the shop’s statement, and undo before it does not', async () => {
  const database = await createMysqlDatabase();
  onTestFinished(database.drop);
  await database.query(readText('test/support/shops/nideshop.sql').split(';')[0] ?? '');
  await database.query(
    `create table nideshop_order_express (order_id int, shipper_code text, shipper_name text, logistic_code text)`,
  );
  await database.query(`insert into nideshop_order (order_sn, user_id) values ('a', 1)`);
  const shop = await open(database.url, adoptFileOf('nideshop'));
  await shop.run(await shop.planApply());
  await database.query('alter table nideshop_order drop column pay_status');
  const ship = (): Promise<unknown> =>
    database.query('update nideshop_order set shipping_status = shipping_status + 1');
  await expect(ship()).rejects.toThrow(/pay_status/);
  await shop.run(await shop.planUndo());
  await ship();
});
