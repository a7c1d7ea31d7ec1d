import { describe, expect, it } from 'vitest';
import { checkUpload } from '../../../src/sandbox/check.ts';
import { consoleEdit, editedBody } from '../../../src/sandbox/console-edit.ts';
import type { Omission } from '../../../src/sandbox/omissions.ts';
import { orderBody } from '../../../src/sandbox/order-body.ts';
import { World } from '../../../src/sandbox/world.ts';

const nowMs = Date.parse('2026-11-27T10:00:00+08:00');
const appid = 'wx0123456789abcdef';
const transaction = '4200001234202611270000000001';
const [mchid, trade] = ['1900000001', 'T-1'];
const byTransaction = { order_number_type: 2, transaction_id: transaction };
const byMerchant = { order_number_type: 1, mchid, out_trade_no: trade };

type Change = Record<string, unknown>;
const bodyOf = (orderKey: object, seconds: number, change: Change = {}) => ({
  order_key: orderKey,
  logistics_type: 1,
  delivery_mode: 2,
  is_all_delivered: false,
  shipping_list: [{ tracking_no: 'A', express_company: 'YTO', item_desc: '苹果' }],
  upload_time: new Date(nowMs + seconds * 1000).toISOString(),
  payer: { openid: 'o' },
  ...change,
});
const virtual = { logistics_type: 3, delivery_mode: 1, shipping_list: [{ item_desc: '会员' }] };

function createWorld(): World {
  const world = new World({ parcelMode: 'merge', readLagMs: 0, autoCreatePayments: false });
  world.put({ transaction_id: transaction, mchid, out_trade_no: trade }, nowMs);
  return world;
}

function send(world: World, orderKey: object, seconds: number, change?: Change): number {
  const body = bodyOf(orderKey, seconds, change);
  const checked = checkUpload(body);
  if (checked.kind === 'refused') return checked.errcode;
  return world.upload(checked.upload, { appid, body: JSON.stringify(body) }, nowMs + seconds * 1000);
}

function edit(world: World, change: Change): number {
  const payment = world.named(transaction)!;
  const body = editedBody(payment, consoleEdit.parse({ payment: transaction, ...change }));
  const checked = checkUpload(body);
  if (checked.kind === 'refused') return checked.errcode;
  const from = { appid, body: JSON.stringify(body), byHand: true, replaces: true };
  return world.upload(checked.upload, from, nowMs + 9_000);
}

const read = (world: World, name: string): Record<string, unknown> => {
  const payment = world.find(name, appid, nowMs + 60_000)!;
  return orderBody(payment, world.view(payment, nowMs + 60_000));
};

describe('a payment', () => {
  it('is one payment under its transaction_id and under mchid with out_trade_no', () => {
    const world = createWorld();
    expect(send(world, byTransaction, 1)).toBe(0);
    expect(send(world, byMerchant, 2)).toBe(10060023);
    expect(send(world, byMerchant, 3, { is_all_delivered: true })).toBe(0);
    expect(world.effects.map(({ payment, kind }) => [payment, kind])).toEqual([
      [transaction, 'ship'],
      [transaction, 'add'],
    ]);
    expect(read(world, transaction)).toEqual(read(world, `${mchid}:${trade}`));
    expect(read(world, transaction)).toMatchObject({
      transaction_id: transaction,
      merchant_id: mchid,
      merchant_trade_no: trade,
    });
  });

  it('orders uploads by upload_time whichever name they use', () => {
    const world = createWorld();
    send(world, byMerchant, 5);
    expect(send(world, byTransaction, 4, { is_all_delivered: true })).toBe(268485216);
  });

  it('spends one chance, not one a name', () => {
    const world = createWorld();
    send(world, byTransaction, 1, { is_all_delivered: true });
    const other = { ...virtual };
    expect(send(world, byMerchant, 2, other)).toBe(0);
    expect(send(world, byTransaction, 3)).toBe(10060003);
    expect(world.named(transaction)?.reshipSpent).toBe(true);
  });

  it('that was made by its merchant numbers is found by the transaction_id that reads show, and no two share one', () => {
    const world = new World({ parcelMode: 'merge', readLagMs: 0, autoCreatePayments: true });
    const ids = ['1900000001:A', '1900000001:B'].map((name) => read(world, name)['transaction_id'] as string);
    expect(new Set(ids).size).toBe(2);
    expect(ids.every((id) => /^42\d{26}$/.test(id))).toBe(true);
    expect(world.named(ids[0]!)?.key).toBe('1900000001:A');
    expect(world.payments.size).toBe(2);
  });

  it('takes its second name when it is told later', () => {
    const world = new World({ parcelMode: 'merge', readLagMs: 0, autoCreatePayments: false });
    world.put({ transaction_id: transaction }, nowMs);
    world.put({ transaction_id: transaction, mchid, out_trade_no: trade }, nowMs);
    expect(world.keyOf(`${mchid}:${trade}`)).toBe(transaction);
    expect(world.keyOf('nobody')).toBe('nobody');
    expect(world.payments.size).toBe(1);
  });

  it('of virtual goods that WeChat completed itself reads state 4 with nothing shipped, and takes no upload', () => {
    const world = createWorld();
    world.put({ transaction_id: transaction, order_state: 4 }, nowMs);
    expect(read(world, transaction)).toMatchObject({ order_state: 4, shipping: {} });
    expect(send(world, byTransaction, 1, virtual)).toBe(10060004);
  });
});

describe('what a read leaves out', () => {
  const shippingUnder = (omits: Omission[], change: Change): Record<string, unknown> => {
    const world = createWorld();
    world.put({ transaction_id: transaction, omits }, nowMs);
    send(world, byTransaction, 1, change);
    const order = read(world, transaction);
    expect(order['order_state']).toBe(2);
    return order['shipping'] as Record<string, unknown>;
  };

  it('is nothing by default', () => {
    expect(Object.keys(shippingUnder([], virtual))).toEqual([
      'delivery_mode',
      'logistics_type',
      'finish_shipping',
      'finish_shipping_count',
      'goods_desc',
      'shipping_list',
    ]);
  });

  it('can be how often it was finished, the shipping, or the parcels’ texts', () => {
    const finished = { is_all_delivered: true };
    expect(shippingUnder(['finish'], finished)).not.toHaveProperty('finish_shipping');
    expect(shippingUnder(['finish'], finished)).not.toHaveProperty('finish_shipping_count');
    expect(shippingUnder(['shipping'], finished)).toEqual({});
    const [parcel] = shippingUnder(['item_texts'], finished)['shipping_list'] as object[];
    expect(parcel).not.toHaveProperty('goods_desc');
  });

  it('can be the parcels: the text then stands at the level of the shipping', () => {
    expect(shippingUnder(['shipping_list'], virtual)).not.toHaveProperty('shipping_list');
    expect(shippingUnder(['shipping_list'], virtual)['goods_desc']).toBe('会员');
    expect(shippingUnder(['empty_list'], virtual)).toMatchObject({ shipping_list: [], goods_desc: '会员' });
  });
});

describe('an edit in the console', () => {
  it('takes a parcel back, which the API cannot where parcels are merged', () => {
    const world = createWorld();
    const parcels = ['A', 'B'].map((tracking) => ({
      tracking_no: tracking,
      express_company: 'YTO',
      item_desc: '苹果',
    }));
    send(world, byTransaction, 1, { shipping_list: parcels });
    expect(edit(world, { shipping_list: parcels.slice(0, 1) })).toBe(0);
    expect(world.named(transaction)?.shipping?.parcels.map(({ trackingNo }) => trackingNo)).toEqual(['A']);
    expect(world.effects.at(-1)).toMatchObject({ byHand: true, kind: 'add' });
  });

  it('of the mode spends the chance as any other change of it does', () => {
    const world = createWorld();
    send(world, byTransaction, 1);
    expect(edit(world, { delivery_mode: 1 })).toBe(0);
    expect(world.named(transaction)).toMatchObject({ reshipSpent: true, orderState: 2 });
    expect(send(world, byTransaction, 2)).toBe(10060003);
  });

  it('asks no newer upload_time of the next upload', () => {
    const world = createWorld();
    send(world, byTransaction, 1);
    edit(world, { shipping_list: [{ tracking_no: 'C', express_company: 'YTO', item_desc: '苹果' }] });
    const next = bodyOf(byTransaction, 1);
    const uploadTimeMs = nowMs + 1_001;
    const checked = checkUpload({ ...next, upload_time: new Date(uploadTimeMs).toISOString() });
    if (checked.kind === 'refused') throw new Error('refused');
    expect(world.upload(checked.upload, { appid, body: '' }, nowMs + 2_000)).toBe(0);
  });

  it('is of nothing while nothing is shipped', () => {
    expect(editedBody(createWorld().named(transaction)!, { payment: transaction })).toBeNull();
  });
});
