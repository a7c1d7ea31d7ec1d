import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** An open-source shop: its tables with 20 made-up orders, its own statements, and its adopt file, in `shops/`. */
export const shopNames = ['yudao', 'likeshop'] as const;
export type ShopName = (typeof shopNames)[number];

export type SampleShop = {
  server: 'postgres' | 'mysql';
  /** Of its mini-program. */
  appid: string;
  /** The payments that WeChat knows: transaction_id, openid. */
  payments: string;
  /** What a person sees in the shop's own tables, a row an order; `order` is its key, and `answer` and `why` are fahuo's. */
  orders: string;
  /** Where that stands, a line each. */
  where: readonly string[];
};

export const sampleShops: Readonly<Record<ShopName, SampleShop>> = {
  yudao: {
    server: 'postgres',
    appid: 'wxfa00000000000001',
    payments: `select channel_order_no as transaction_id, channel_user_id as openid from pay_order
      where channel_code = 'wx_lite' and status = 10`,
    orders: `select t.id::text as "order",
        (select string_agg(i.spu_name || '*' || i.count, ';' order by i.id) from trade_order_item i where i.order_id = t.id) as goods,
        case t.status when 0 then '待支付' when 10 then '待发货' when 20 then '已发货' when 30 then '已完成' else '已取消' end as status,
        e.name as carrier, t.logistics_no, a.state as answer, a.reason as why
      from trade_order t
        left join trade_delivery_express e on e.id = t.logistics_id
        left join fahuo_adopt.answer a on a.kind = 'order_id' and a.ref = t.id::text
      order by t.id`,
    where: ['trade_order, trade_delivery_express; answer and why: fahuo_adopt.answer'],
  },
  likeshop: {
    server: 'mysql',
    appid: 'wxfa000000likeshop',
    payments: `select o.transaction_id, u.openid from ls_order o join ls_user_auth u on u.user_id = o.user_id
      where o.pay_way = 1 and o.order_source = 1`,
    orders: `select o.id as \`order\`,
        (select group_concat(concat(g.goods_name, '*', g.goods_num) order by g.id separator ';') from ls_order_goods g where g.order_id = o.id) as goods,
        case o.order_status when 0 then '待付款' when 1 then '待发货' when 2 then '待收货' when 3 then '已完成' else '已关闭' end as status,
        d.shipping_name as carrier, d.invoice_no,
        o.wechat_mini_express_sync as sync, if(o.wechat_mini_express_sync_time = 0, null, time(from_unixtime(o.wechat_mini_express_sync_time))) as sync_time,
        a.state as answer, a.reason as why
      from ls_order o
        left join ls_delivery d on d.id = o.delivery_id
        left join fahuo_answer a on a.kind = 'order_id' and a.ref = o.id
      order by o.id`,
    where: [
      'ls_order, ls_delivery; answer and why: fahuo_answer',
      'sync and sync_time: wechat_mini_express_sync and …_sync_time, where likeshop itself looks',
    ],
  },
};

const fileOf = (name: string): string => join(import.meta.dirname, 'shops', name);
export const adoptFileOf = (shop: ShopName): string => fileOf(`${shop}.yaml`);
export const tablesOf = (shop: ShopName): string[] =>
  statementsOf(readFileSync(fileOf(`${shop}.sql`), 'utf8'));

/** What a clerk does, and the statements that the shop's code runs for it. */
export type Action = { title: string; statements: string[] };
/** `later`: once the others were answered. */
export type Actions = { first: Action[]; later: Action[] };

export function actionsOf(shop: ShopName): Actions {
  const text = readFileSync(fileOf(`${shop}.ship.sql`), 'utf8');
  const actions = text
    .split('\n\n')
    .map((block) => ({ title: /^-- (.*)/.exec(block)?.[1] ?? '', statements: statementsOf(block) }))
    .filter(({ statements }) => statements.length > 0);
  const isLater = ({ title }: Action): boolean => title.startsWith('Later.');
  return { first: actions.filter((action) => !isLater(action)), later: actions.filter(isLater) };
}

const statementsOf = (text: string): string[] =>
  text
    .replaceAll(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
