import { sleep } from '../../src/clock.ts';
import { eventually } from '../support/eventually.ts';
import type { Act, Order, Transaction } from './adopt-plan.ts';
import { isDeadlock, type ShopSession, type ShopSql } from './adopt-shop.ts';

/** By the writers' own account. */
export type Written = {
  transactions: number;
  rolledBack: number;
  deadlocks: number;
  /** Transactions whose session was lost, and which had not committed. */
  redone: number;
  /** Those that had: nobody had been told. */
  foundCommitted: number;
};

export type Shop = {
  sql: ShopSql;
  open: () => Promise<ShopSession>;
  /** Names waybills, so that no two runs have one in common. */
  salt: string;
};

const patienceMs = 120_000;

export type Writer = { write: (transaction: Transaction) => Promise<void>; close: () => Promise<void> };

/** One session of the shop, made anew whenever it broke. Each try of a transaction has waybills of its own. */
export function createWriter(shop: Shop, written: Written, random: () => number): Writer {
  let session: ShopSession | undefined;
  const connected = async (): Promise<ShopSession> =>
    (session ??= await eventually(shop.open, patienceMs, 100));
  const drop = (): void => {
    session?.cut();
    session = undefined;
  };
  /** A server that answers again has decided about everything that was under way when it died. */
  const standing = (orders: readonly Order[]): Promise<Map<number, string | null>> =>
    eventually(
      async () => {
        try {
          return await standingOf(await connected(), shop.sql, orders);
        } catch (error) {
          drop();
          throw error;
        }
      },
      patienceMs,
      100,
    );
  /** What is left to do of it, after a statement failed. */
  const leftOf = async (transaction: Transaction, waybill: Naming): Promise<Transaction | null> => {
    if (transaction.end === 'rollback') return null;
    const orders = ordersOf(transaction);
    const stands = await standing(orders);
    const done = orders.filter((order) => stands.get(order.id) === waybill(order));
    for (const order of orders) (done.includes(order) ? order.waybills : order.undone).push(waybill(order));
    const acts = transaction.acts.filter((act) => !isOf(act, done));
    const isOver = orders.length > 0 && done.length === orders.length;
    written[isOver ? 'foundCommitted' : 'redone'] += 1;
    return isOver ? null : { ...transaction, acts };
  };
  const tryOnce = async (transaction: Transaction, attempt: number): Promise<Transaction | null> => {
    const waybill = waybillsOf(shop, transaction, attempt);
    const db = await connected();
    try {
      await perform(db, { sql: shop.sql, transaction, waybill, random });
      for (const order of ordersOf(transaction))
        (transaction.end === 'commit' ? order.waybills : order.undone).push(waybill(order));
      return null;
    } catch (error) {
      if (attempt > mostAttempts) throw error;
      if (isDeadlock(error)) {
        written.deadlocks += 1;
        await db.run('rollback').catch(drop);
      } else drop();
      return leftOf(transaction, waybill);
    }
  };
  return {
    write: async (transaction) => {
      let left: Transaction | null = transaction;
      for (let attempt = 1; left !== null; attempt++) left = await tryOnce(left, attempt);
      written.transactions += 1;
      written.rolledBack += Number(transaction.end === 'rollback');
    },
    close: async () => session?.end(),
  };
}

type Naming = (order: Order) => string;
const mostAttempts = 100;

const isOf = (act: Act, done: readonly Order[]): boolean =>
  (act.kind === 'ship' || act.kind === 'change') && done.includes(act.order);

/** Orders whose waybill the transaction sets. */
const ordersOf = ({ acts }: Transaction): Order[] => [
  ...new Set(
    acts.flatMap((act) => {
      if (act.kind === 'together') return act.orders;
      return (act.kind === 'ship' || act.kind === 'change') && hasWaybill(act.order) ? [act.order] : [];
    }),
  ),
];
export const hasWaybill = ({ kind }: Order): boolean => kind !== 'virtual' && kind !== 'pickUp';

let serial = 0;
/** The last waybill that a transaction gives to an order; a statement for several orders ends it with their ids. */
function waybillsOf({ salt }: Shop, { acts }: Transaction, attempt: number): Naming {
  const start = `${salt}${(serial += 1)}${attempt > 1 ? `R${attempt}` : ''}`;
  const changes = acts.some(({ kind }) => kind === 'change');
  return ({ id }) => `${start}${changes ? 'C' : 'N'}${id}`;
}

async function standingOf(
  db: ShopSession,
  sql: ShopSql,
  orders: readonly Order[],
): Promise<Map<number, string | null>> {
  if (orders.length === 0) return new Map();
  const rows = await db.run(sql.shippedRows(orders.map(({ id }) => id)));
  return new Map(rows.map((row) => [Number(row['id']), row['waybill'] ?? null]));
}

type Performance = {
  sql: ShopSql;
  transaction: Transaction;
  waybill: Naming;
  random: () => number;
};

async function perform(
  db: ShopSession,
  { sql, transaction: { acts, end, auto }, waybill, random }: Performance,
): Promise<void> {
  const changes = acts.some(({ kind }) => kind === 'change');
  if (!auto) await db.run(sql.begin);
  for (const act of acts) {
    for (const statement of statementsOf(act, { sql, waybill, changes })) await db.run(statement);
    if (act.kind === 'remark' && !auto) await sleep(random() * 15);
  }
  if (!auto) await db.run(end);
}

type Wording = { sql: ShopSql; waybill: Naming; changes: boolean };

function statementsOf(act: Act, { sql, waybill, changes }: Wording): string[] {
  switch (act.kind) {
    case 'ship':
      // The first of two in one transaction.
      return sql.ship(act.order, changes ? `${waybill(act.order)}F` : waybill(act.order));
    case 'together': {
      const [first] = act.orders;
      const whole = waybill(first!);
      return sql.shipTogether(act.orders, whole.slice(0, whole.length - String(first!.id).length));
    }
    case 'shipUndone':
      return ['savepoint s', ...sql.ship(act.order, waybill(act.order)), 'rollback to savepoint s'];
    case 'change':
      return sql.change(act.order, waybill(act.order));
    case 'remark':
      return sql.remark(act.orders);
    case 'touch':
    case 'refundBefore':
    case 'refundAfter':
    case 'receive':
      return sql[act.kind](act.order);
  }
}

/** All writers at once. */
export async function writeAll(
  shop: Shop,
  plans: readonly Transaction[][],
  { random, written }: { random: (writer: number) => () => number; written: Written },
): Promise<void> {
  await Promise.all(
    plans.map(async (plan, number) => {
      const writer = createWriter(shop, written, random(number));
      for (const transaction of plan) {
        await writer.write(transaction);
        await sleep(transaction.pauseMs);
      }
      await writer.close();
    }),
  );
}
