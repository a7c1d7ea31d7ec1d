import pg from 'pg';
import { createConnection } from 'mysql2/promise';
import type { Carrier, Order } from './adopt-plan.ts';

/** One session of the shop's code. */
export type ShopSession = {
  run: (statement: string) => Promise<Record<string, string | null>[]>;
  end: () => Promise<void>;
  /** Gone at once, whatever is under way. */
  cut: () => void;
};

/** Orders as they stand in the shop's tables. */
export type ShopRow = { id: number; waybill: string | null; carrier: string | null };

/** A shop's own tables and statements, as `test/support/shops` has them, and how its state is read. */
export type ShopSql = {
  name: 'yudao' | 'likeshop';
  appid: string;
  begin: string;
  /** What the tables lack for a hundred thousand orders. */
  prepare: string[];
  insertOrders: (orders: readonly Order[], paymentOf: (order: Order) => string) => string[];
  ship: (order: Order, waybill: string) => string[];
  /** Each with this waybill and its id behind it; they have one carrier. */
  shipTogether: (orders: readonly Order[], waybill: string) => string[];
  change: (order: Order, waybill: string) => string[];
  touch: (order: Order) => string[];
  refundBefore: (order: Order) => string[];
  refundAfter: (order: Order) => string[];
  receive: (order: Order) => string[];
  remark: (orders: readonly Order[]) => string[];
  /** Columns `id`, `waybill`, `carrier` of what is shipped. */
  shippedRows: (ids: readonly number[] | null) => string;
  /** Columns `ref`, `state`, `version`, `errcode`. */
  answers: string;
  touched: string;
  /** Orders whose columns say that they were uploaded; null where the shop has no such columns. */
  uploaded: string | null;
};

export async function postgresSession(url: string): Promise<ShopSession> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  const { stream } = (client as unknown as { connection: { stream: { destroy: () => void } } }).connection;
  return {
    run: async (statement) => {
      const result = (await client.query({
        text: statement,
        types: { getTypeParser: () => String },
      })) as unknown as {
        rows?: Record<string, string | null>[];
      };
      return result.rows ?? [];
    },
    end: () => client.end(),
    cut: () => stream.destroy(),
  };
}

export async function mysqlSession(url: string): Promise<ShopSession> {
  const connection = await createConnection({
    uri: url,
    multipleStatements: true,
    connectTimeout: 5_000,
    typeCast: (field) => field.string('utf8'),
  });
  connection.on('error', () => undefined);
  await connection.query('set session innodb_lock_wait_timeout = 5');
  return {
    run: async (statement) => {
      const [rows] = await connection.query(statement);
      return Array.isArray(rows) ? (rows as Record<string, string | null>[]) : [];
    },
    end: () => connection.end(),
    cut: () => connection.destroy(),
  };
}

/** Both victims of a deadlock, and waits for a lock that were too long. */
export const isDeadlock = (error: unknown): boolean => {
  const { code } = Object(error) as { code?: string };
  return ['40P01', 'ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT'].includes(code ?? '');
};

const idsOf = (orders: readonly Order[]): string => orders.map(({ id }) => id).join(', ');
const inChunks = (rows: readonly string[], head: string): string[] => {
  const statements: string[] = [];
  for (let from = 0; from < rows.length; from += 500)
    statements.push(`${head} ${rows.slice(from, from + 500).join(', ')}`);
  return statements;
};

const yudaoCarriers: Readonly<Record<Carrier, number>> = { SF: 2, ZTO: 3, YTO: 5 };
const yudaoShips = (logistics: string, where: string): string =>
  `update trade_order set status = 20, ${logistics}, delivery_time = now(), update_time = now(), updater = '1'
   where deleted = 0 and (${where}) and tenant_id = 1`;
const yudaoSets = (order: Order, set: string, table = 'trade_order', id = order.id): string =>
  `update ${table} set ${set}, update_time = now() where deleted = 0 and id = ${id} and tenant_id = 1`;
const isBalanceKind = ({ kind }: Order): boolean => kind === 'balance' || kind === 'oldBalance';

export const yudao: ShopSql = {
  name: 'yudao',
  appid: 'wxfa00000000000001',
  begin: 'begin',
  prepare: ['create index on trade_order_item (order_id)'],
  insertOrders: (orders, paymentOf) => [
    ...inChunks(
      orders.map(
        (order) =>
          `(${order.id}, 1, ${isBalanceKind(order) ? "13, 'wallet'" : "11, 'wx_lite'"}, '${order.id}', '保温杯', '保温杯', 5900, 10, now(),
            ${order.id}, 'P${order.id}', 'oFAKE-yudao-lite-00000000001', '${paymentOf(order)}', 1)`,
      ),
      `insert into pay_order (id, app_id, channel_id, channel_code, merchant_order_id, subject, body, price, status, success_time,
         extension_id, no, channel_user_id, channel_order_no, tenant_id) values`,
    ),
    ...inChunks(
      orders.map(
        (order) =>
          `(${order.id}, 'o${order.id}', 0, 10, 51, 10, 1, ${order.id}, true, now(), '${isBalanceKind(order) ? 'wallet' : 'wx_lite'}',
            5900, ${order.kind === 'pickUp' ? 2 : 1}, '测试甲', '13800001111', '虚构路 1 号', 1)`,
      ),
      `insert into trade_order (id, no, type, terminal, user_id, status, product_count, pay_order_id, pay_status, pay_time,
         pay_channel_code, pay_price, delivery_type, receiver_name, receiver_mobile, receiver_detail_address, tenant_id) values`,
    ),
    ...inChunks(
      orders.map(({ id }) => `(${id}, 51, ${id}, 1, '保温杯', 1, 1, 5900, 1)`),
      'insert into trade_order_item (id, user_id, order_id, spu_id, spu_name, sku_id, count, pay_price, tenant_id) values',
    ),
  ],
  ship: (order, waybill) => {
    if (order.kind === 'pickUp')
      return [
        `update trade_order set status = 30, receive_time = now(), update_time = now(), updater = '1'
         where deleted = 0 and (id = ${order.id} and status = 10) and tenant_id = 1`,
      ];
    const logistics =
      order.kind === 'virtual'
        ? "logistics_id = 0, logistics_no = ''"
        : `logistics_id = ${yudaoCarriers[order.carrier]}, logistics_no = '${waybill}'`;
    return [yudaoShips(logistics, `id = ${order.id} and status = 10`)];
  },
  shipTogether: (orders, waybill) => [
    yudaoShips(
      `logistics_id = ${yudaoCarriers[orders[0]!.carrier]}, logistics_no = '${waybill}' || id`,
      `id in (${idsOf(orders)}) and status = 10`,
    ),
  ],
  change: (order, waybill) => [
    yudaoShips(
      `logistics_id = ${yudaoCarriers[order.carrier]}, logistics_no = '${waybill}'`,
      `id = ${order.id} and status = 20`,
    ),
  ],
  touch: (order) => [yudaoSets(order, `logistics_id = ${yudaoCarriers[order.carrier]}`)],
  refundBefore: (order) => [
    yudaoSets(order, 'after_sale_status = 20, after_sale_id = 81', 'trade_order_item'),
    yudaoSets(order, 'refund_status = 20, refund_price = 5900'),
    yudaoSets(order, 'status = 40, cancel_type = 20, cancel_time = now()'),
    yudaoSets(order, 'status = 20, refund_price = 5900', 'pay_order'),
  ],
  refundAfter: (order) => [
    yudaoSets(order, 'after_sale_status = 20, after_sale_id = 91', 'trade_order_item'),
    yudaoSets(order, 'refund_status = 20, refund_price = 5900'),
    yudaoSets(order, 'status = 40, cancel_type = 20, cancel_time = now()'),
  ],
  receive: (order) => [
    `update trade_order set status = 30, receive_time = now(), update_time = now()
     where deleted = 0 and (id = ${order.id} and status = 20) and tenant_id = 1`,
  ],
  remark: (orders) => [
    `update trade_order set update_time = now(), updater = '1' where deleted = 0 and id in (${idsOf(orders)}) and tenant_id = 1`,
  ],
  shippedRows: (ids) =>
    `select t.id, nullif(t.logistics_no, '') as waybill, e.code as carrier from trade_order t
     left join trade_delivery_express e on e.id = t.logistics_id
     where (t.delivery_time is not null or t.delivery_type = 2 and t.status = 30) and t.id >= 10000
       ${ids === null ? '' : `and t.id in (${ids.join(', ')})`}`,
  answers: `select ref, state, version, errcode from fahuo_adopt.answer`,
  touched: 'select count(*) as n from fahuo_adopt.touched',
  uploaded: null,
};

const likeshopCarriers: Readonly<Record<Carrier, readonly [number, string]>> = {
  SF: [17, '顺丰'],
  ZTO: [12, '中通'],
  YTO: [11, '圆通'],
};
const likeshopDelivery = `insert into ls_delivery (order_id, order_sn, user_id, admin_id, consignee, mobile, address, invoice_no,
  send_type, create_time, shipping_id, shipping_name, shipping_status)`;
const snOf = ({ id }: Order): string => `20260901${String(id).padStart(10, '0')}`;
const parcelOf = (order: Order, waybill: string): string => {
  const [carrier, name] = likeshopCarriers[order.carrier];
  const sent = `${order.id}, '${snOf(order)}', 12, 1, '测试乙', '13900002222', '虚构路 2 号'`;
  return order.kind === 'virtual'
    ? `select ${sent}, '', 2, 1788230020, 0, '', 0`
    : `select ${sent}, '${waybill}', 1, 1788230000, ${carrier}, '${name}', 1`;
};
/** The newest parcel of the order: a clerk whose first try broke off enters another. */
const likeshopShips = (where: string): string =>
  `update ls_order o set update_time = 1788230000, shipping_time = 1788230000, shipping_status = 1, order_status = 2,
     delivery_id = (select max(d.id) from ls_delivery d where d.order_id = o.id) where ${where}`;

export const likeshop: ShopSql = {
  name: 'likeshop',
  appid: 'wxfa000000likeshop',
  begin: 'start transaction',
  prepare: ['alter table ls_order_goods add key order_id (order_id)'],
  insertOrders: (orders, paymentOf) => [
    ...inChunks(
      orders.map(
        (order) =>
          `(${order.id}, '${snOf(order)}', 12, 0, 1, 1, 1, ${isBalanceKind(order) ? 3 : 1}, 1788228001, '测试乙', '虚构路 2 号', '13900002222',
            ${order.kind === 'pickUp' ? 2 : 1}, 59.00, 1, '${isBalanceKind(order) ? '' : paymentOf(order)}', 1788228000, 1788228001)`,
      ),
      `insert into ls_order (id, order_sn, user_id, order_type, order_source, order_status, pay_status, pay_way, pay_time, consignee,
         address, mobile, delivery_type, order_amount, total_num, transaction_id, create_time, update_time) values`,
    ),
    ...inChunks(
      orders.flatMap(({ id }) => [`(${id}, 1, 1, '保温杯', 1, 39.00)`, `(${id}, 2, 2, '雨伞', 1, 20.00)`]),
      'insert into ls_order_goods (order_id, goods_id, item_id, goods_name, goods_num, total_pay_price) values',
    ),
  ],
  ship: (order, waybill) =>
    order.kind === 'pickUp'
      ? [
          `insert into ls_verification (order_id, selffetch_shop_id, handle_id, verification_scene, snapshot, create_time)
           values (${order.id}, 3, 1, 1, '{}', 1788230030)`,
          `update ls_order set order_status = 3, verification_status = 1, update_time = 1788230030, confirm_take_time = 1788230030
           where id = ${order.id}`,
        ]
      : [`${likeshopDelivery} ${parcelOf(order, waybill)}`, likeshopShips(`o.id = ${order.id}`)],
  shipTogether: (orders, waybill) => [
    `${likeshopDelivery} ${orders
      .map((order) => parcelOf(order, `${waybill}${order.id}`))
      .join(' union all ')}`,
    likeshopShips(`o.id in (${idsOf(orders)})`),
  ],
  change: (order, waybill) => [
    `update ls_delivery d join ls_order o on o.delivery_id = d.id
     set d.shipping_id = ${likeshopCarriers[order.carrier][0]}, d.shipping_name = '${likeshopCarriers[order.carrier][1]}',
       d.invoice_no = '${waybill}' where o.id = ${order.id}`,
  ],
  touch: (order) => [`update ls_order set order_status = 2 where id = ${order.id}`],
  refundBefore: (order) => [
    `update ls_order set order_status = 4, update_time = 1788230050, cancel_time = 1788230050 where id = ${order.id}`,
    `update ls_order_goods set refund_status = 3 where order_id = ${order.id}`,
    `update ls_order set pay_status = 2, refund_status = 2, refund_amount = 59.00 where id = ${order.id}`,
  ],
  // One of its two goods.
  refundAfter: (order) => [
    `update ls_order_goods set refund_status = 3 where order_id = ${order.id} and goods_id = 2`,
    `update ls_order set refund_amount = 20.00, refund_status = ${order.kind === 'oldRefunded' ? 2 : 1} where id = ${order.id}`,
  ],
  receive: (order) => [
    `update ls_order set order_status = 3, update_time = 1788240000, confirm_take_time = 1788240000 where id = ${order.id}`,
  ],
  remark: (orders) => [`update ls_order set update_time = update_time + 1 where id in (${idsOf(orders)})`],
  shippedRows: (ids) =>
    `select o.id, nullif(d.invoice_no, '') as waybill, e.code as carrier from ls_order o
     left join ls_delivery d on d.id = o.delivery_id left join ls_express e on e.id = d.shipping_id
     where (o.shipping_status = 1 or o.verification_status = 1) and o.id >= 10000
       ${ids === null ? '' : `and o.id in (${ids.join(', ')})`}`,
  answers: 'select ref, state, version, errcode from fahuo_answer',
  touched: 'select count(*) as n from fahuo_touched',
  uploaded: 'select id from ls_order where wechat_mini_express_sync = 1 and id >= 10000',
};
