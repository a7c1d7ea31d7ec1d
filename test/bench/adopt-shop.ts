import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { startMariadb } from '../../src/parts/mariadb.ts';
import type { LocalService } from '../../src/parts/process.ts';
import { blocksOf, readText } from '../support/documents.ts';
import { openBenchDatabase, type BenchDatabase } from './services.ts';

/** A shop with its own tables and many orders, beside fahuo's database. */
export type BenchShop = {
  name: 'yudao' | 'likeshop';
  ours: BenchDatabase;
  url: string;
  /** Of the adopt file. */
  file: string;
  run: (statement: string) => Promise<unknown>;
  /** The orders that ship are all paid, and none is touched yet. */
  fill: (orders: number) => Promise<void>;
  /** Every order ships, by one statement of the shop's for each thousand. */
  ship: (orders: number) => Promise<void>;
  close: () => Promise<void>;
};

const step = 1_000;

async function inSteps(orders: number, work: (from: number, to: number) => Promise<unknown>): Promise<void> {
  for (let from = 1; from <= orders; from += step) await work(from, Math.min(orders, from + step - 1));
}

function writeFile(ours: BenchDatabase, name: string): string {
  const file = join(ours.dir, `${name}.yaml`);
  const block = blocksOf(readText(`docs/adopting/${name}.md`)).find(({ info }) => info === 'yaml');
  writeFileSync(file, block?.text ?? '');
  return file;
}

export async function openYudao(): Promise<BenchShop> {
  const ours = await openBenchDatabase();
  const client = new pg.Client({ connectionString: ours.url });
  await client.connect();
  await client.query(readText('test/support/shops/yudao.sql'));
  await client.query(
    'create index on trade_order_item (order_id); create index on trade_order (pay_order_id)',
  );
  const payment = `lpad(n::text, 18, '0')`;
  return {
    name: 'yudao',
    ours,
    url: ours.url,
    file: writeFile(ours, 'yudao'),
    run: (statement) => client.query(statement),
    fill: async (orders) => {
      const numbers = `generate_series(1, ${orders}) n`;
      await client.query(`insert into pay_order (id, app_id, channel_id, channel_code, merchant_order_id, subject, body, price, status, no,
          channel_user_id, channel_order_no, tenant_id)
        select 1000000 + n, 1, 11, 'wx_lite', n::text, '保温杯', '保温杯', 5900, 10, 'P' || n, 'oFAKE-' || n, '4200000000' || ${payment}, 1 from ${numbers}`);
      await client.query(`insert into trade_order (id, no, terminal, user_id, status, product_count, pay_order_id, pay_status, pay_time,
          pay_channel_code, pay_price, delivery_type, receiver_name, receiver_mobile, tenant_id)
        select 1000000 + n, 'o' || n, 10, 51, 10, 1, 1000000 + n, true, now(), 'wx_lite', 5900, 1, '测试甲', '13800001111', 1 from ${numbers}`);
      await client.query(`insert into trade_order_item (id, user_id, order_id, spu_id, spu_name, sku_id, count, tenant_id)
        select 1000000 + n, 51, 1000000 + n, 1, '保温杯', 1, 1, 1 from ${numbers}`);
      await client.query('vacuum analyze');
    },
    ship: (orders) =>
      inSteps(orders, (from, to) =>
        client.query(`update trade_order set status = 20, logistics_id = 3, logistics_no = '78' || id, delivery_time = now(), update_time = now()
          where deleted = 0 and id between ${1_000_000 + from} and ${1_000_000 + to}`),
      ),
    close: async () => {
      await client.end();
      await ours.drop();
    },
  };
}

export async function openLikeshop(): Promise<BenchShop> {
  const ours = await openBenchDatabase();
  const given = process.env['MYSQL_URL'];
  const own: LocalService | null = given === undefined ? await startMariadb(ours.dir) : null;
  const server = given ?? own?.url ?? '';
  const name = `fahuo_bench_${Math.floor(Math.random() * 1e9)}`;
  const connection = await createConnection({ uri: server, charset: 'utf8mb4', multipleStatements: true });
  await connection.query(`create database ${name} default charset utf8mb4; use ${name}`);
  await connection.query(readText('test/support/shops/likeshop.sql'));
  await connection.query(
    'create index order_id on ls_order_goods (order_id); create index user_id on ls_user_auth (user_id)',
  );
  const numbers = (orders: number): string => `seq_1_to_${orders}`;
  return {
    name: 'likeshop',
    ours,
    url: Object.assign(new URL(server), { pathname: `/${name}` }).toString(),
    file: writeFile(ours, 'likeshop'),
    run: (statement) => connection.query(statement),
    fill: async (orders) => {
      await connection.query(`insert into ls_order (id, order_sn, user_id, order_source, order_status, pay_status, pay_way, mobile, delivery_type,
          transaction_id, create_time) select 1000000 + seq, concat('S', seq), 12, 1, 1, 1, 1, '13900002222', 1,
          concat('4200000000', lpad(seq, 18, '0')), 1788228000 from ${numbers(orders)}`);
      await connection.query(`insert into ls_order_goods (order_id, goods_id, item_id, goods_name, goods_num) select 1000000 + seq, 1, 1, '保温杯', 1
        from ${numbers(orders)}`);
      await connection.query('analyze table ls_order, ls_order_goods');
    },
    ship: (orders) =>
      inSteps(orders, async (from, to) => {
        await connection.query(`insert into ls_delivery (id, order_id, user_id, invoice_no, send_type, create_time, shipping_id, shipping_name)
          select 1000000 + seq, 1000000 + seq, 12, concat('78', seq), 1, 1788230000, 12, '中通' from seq_${from}_to_${to}`);
        await connection.query(`update ls_order set shipping_status = 1, order_status = 2, delivery_id = id, shipping_time = 1788230000
          where id between ${1_000_000 + from} and ${1_000_000 + to}`);
      }),
    close: async () => {
      await connection.query(`drop database ${name}`);
      await connection.end();
      await own?.stop();
      await ours.drop();
    },
  };
}

export const openers = { yudao: openYudao, likeshop: openLikeshop };
