import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection, type Connection } from 'mysql2/promise';
import { monotonicMs } from '../../src/clock.ts';
import { startMariadb } from '../../src/parts/mariadb.ts';
import { applyTo, likeshopFile, likeshopTables } from '../support/mysql-shop.ts';
import { head, median, row, say, thousands } from './numbers.ts';

const clients = 8;
/** Without, with, with, without: a machine that grows faster or slower takes from both alike. */
const turns = [false, true, true, false] as const;

export type MysqlTaxOptions = {
  orders: number;
  /** Of one turn. */
  seconds: number;
  rounds: number;
  /** Keys that wait because fahuo is away. */
  waiting: number;
};

/**
 * What the triggers of `fahuo adopt apply` cost likeshop when it ships an order: an INSERT of the parcel and an UPDATE of
 * the order, a commit each, with and without the triggers in turns, on one MariaDB with durable commits. `MYSQL_URL` takes one that
 * runs.
 */
export async function benchMysqlTax(options: MysqlTaxOptions): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'fahuo-adopt-tax-'));
  chmodSync(dir, 0o755);
  const given = process.env['MYSQL_URL'];
  const own =
    given === undefined ? await startMariadb(dir, { args: ['--innodb-buffer-pool-size=512M'] }) : null;
  const server = given ?? own?.url ?? '';
  try {
    await compare(server, options);
  } finally {
    await own?.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function compare(server: string, { orders, seconds, rounds, waiting }: MysqlTaxOptions): Promise<void> {
  const plain = await makeShop(server, 'fahuo_tax_plain', orders);
  const adopted = await makeShop(server, 'fahuo_tax_adopted', orders);
  const shop = await applyTo(adopted, likeshopFile());
  await shop.close();
  head(
    `likeshop ships, ${clients} clients, medians of ${rounds} rounds of four times ${seconds} s`,
    'without triggers',
    'with',
    'tax',
    'lowest and highest',
  );
  await measure('fahuo keeps up', { plain, adopted, seconds, rounds, orders });
  await fill(adopted, waiting);
  await measure(`${thousands(waiting)} keys wait`, { plain, adopted, seconds, rounds, orders });
  await inDatabase(server, async (root) => {
    await root.query('drop database fahuo_tax_plain');
    await root.query('drop database fahuo_tax_adopted');
  });
}

async function makeShop(server: string, name: string, orders: number): Promise<string> {
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).toString();
  await inDatabase(server, (root) => root.query(`drop database if exists ${name}; create database ${name}`));
  await inDatabase(url, async (session) => {
    await session.query(likeshopTables());
    await session.query(
      `insert into ls_order (id, order_sn, user_id, order_status, pay_status, mobile, transaction_id)
       select 1000 + seq, concat('S', seq), 11, 1, 1, '13900001111', concat('42000', seq) from seq_1_to_${orders}`,
    );
  });
  return url;
}

const fill = (url: string, waiting: number): Promise<unknown> =>
  inDatabase(url, (session) =>
    session.query(
      `insert into fahuo_touched (kind, ref) select 'order_id', 1000 + seq from seq_1_to_${waiting}`,
    ),
  );

type Measure = { plain: string; adopted: string; seconds: number; rounds: number; orders: number };

async function measure(name: string, { plain, adopted, seconds, rounds, orders }: Measure): Promise<void> {
  for (const url of [plain, adopted]) await rate(url, { seconds: 2, orders });
  const found: { without: number; with: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const sum = { without: 0, with: 0 };
    for (const isAdopted of turns)
      sum[isAdopted ? 'with' : 'without'] +=
        (await rate(isAdopted ? adopted : plain, { seconds, orders })) / 2;
    found.push(sum);
  }
  const taxes = found.map((one) => 1 - one.with / one.without);
  say(
    row(
      name,
      `${thousands(median(found.map((one) => one.without)))}/s`,
      `${thousands(median(found.map((one) => one.with)))}/s`,
      tenths(median(taxes)),
      `${tenths(Math.min(...taxes))}, ${tenths(Math.max(...taxes))}`,
    ),
  );
}

const tenths = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Orders a second. */
async function rate(url: string, { seconds, orders }: { seconds: number; orders: number }): Promise<number> {
  const until = monotonicMs() + seconds * 1_000;
  const shipped = await Promise.all(
    Array.from({ length: clients }, (_one, client) =>
      inDatabase(url, async (session) => {
        let count = 0;
        for (let id = client; monotonicMs() < until; id += clients, count++)
          await ship(session, 1_001 + (id % orders));
        return count;
      }),
    ),
  );
  return shipped.reduce((sum, one) => sum + one, 0) / seconds;
}

/** As the shop does: statement by statement. */
async function ship(session: Connection, id: number): Promise<void> {
  const [parcel] = await session.query(
    `insert into ls_delivery (order_id, order_sn, user_id, admin_id, mobile, invoice_no, send_type, create_time, shipping_id, shipping_name, shipping_status)
     values (${id}, 'S${id}', 11, 1, '13900001111', 'YT${id}', 1, 1788230000, 11, '圆通', 1)`,
  );
  const { insertId } = parcel as { insertId: number };
  await session.query(
    `update ls_order set update_time = 1788230000, shipping_time = 1788230000, shipping_status = 1, order_status = 2, delivery_id = ${insertId} where id = ${id}`,
  );
}

async function inDatabase<T>(url: string, work: (session: Connection) => Promise<T>): Promise<T> {
  const session = await createConnection({ uri: url, multipleStatements: true });
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}
