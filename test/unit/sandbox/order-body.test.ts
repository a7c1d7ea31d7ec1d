import { describe, expect, it } from 'vitest';
import { checkUpload } from '../../../src/sandbox/check.ts';
import { omissions, type Omission } from '../../../src/sandbox/omissions.ts';
import { listBody, orderBody } from '../../../src/sandbox/order-body.ts';
import { World, type NewPayment, type Payment } from '../../../src/sandbox/world.ts';

const nowMs = Date.parse('2026-11-27T10:00:00.900+08:00');
const nowSeconds = Math.floor(nowMs / 1000);
const appid = 'wx0123456789abcdef';
type Json = Record<string, unknown>;

const createWorld = (): World =>
  new World({ parcelMode: 'overwrite', readLagMs: 0, autoCreatePayments: false });

function ship(world: World, payment: Payment, texts: readonly string[], contact?: object): void {
  const body = {
    order_key: { order_number_type: 2, transaction_id: payment.transactionId },
    logistics_type: 1,
    delivery_mode: 2,
    is_all_delivered: true,
    shipping_list: texts.map((text, at) => ({
      tracking_no: `N${at}`,
      express_company: 'YTO',
      item_desc: text,
      contact,
    })),
    upload_time: new Date(nowMs + 1).toISOString(),
    payer: { openid: 'o' },
  };
  const checked = checkUpload(body);
  if (checked.kind === 'refused') throw new Error(`refused ${checked.errcode}`);
  expect(world.upload(checked.upload, { appid, body: '' }, nowMs)).toBe(0);
}

function orderOf(given: NewPayment, texts: readonly string[] = [], contact?: object): Json {
  const world = createWorld();
  const payment = world.put({ transaction_id: 'P1', ...given }, nowMs);
  if (texts.length > 0) ship(world, payment, texts, contact);
  return orderBody(payment, world.view(payment, nowMs));
}
const shippingOf = (omits: readonly Omission[]): Json =>
  orderOf({ omits }, ['苹果', '梨'], { receiver_contact: '138****1234' })['shipping'] as Json;

describe('an order', () => {
  it('that is unshipped has an empty shipping and an empty description', () => {
    const order = orderOf({ openid: 'o-1' });
    expect(order).toMatchObject({ description: '', shipping: {}, order_state: 1, openid: 'o-1' });
    expect(order).toMatchObject({ pay_time: nowSeconds, trade_create_time: nowSeconds, in_complaint: false });
  });

  it('is described by its parcels’ texts, 120 characters of them', () => {
    expect(orderOf({}, ['苹果', '梨'])['description']).toBe('苹果;梨');
    expect(orderOf({}, ['a'.repeat(119), 'b'])['description']).toBe(`${'a'.repeat(119)};`);
  });

  it('shows each parcel, with the contact that it has', () => {
    expect(shippingOf([])).toEqual({
      delivery_mode: 2,
      logistics_type: 1,
      finish_shipping: true,
      finish_shipping_count: 1,
      goods_desc: '',
      shipping_list: ['苹果', '梨'].map((text, at) => ({
        tracking_no: `N${at}`,
        express_company: 'YTO',
        goods_desc: text,
        upload_time: nowSeconds,
        contact: { receiver_contact: '138****1234' },
      })),
    });
    const { shipping_list: parcels } = orderOf({}, ['苹果'])['shipping'] as { shipping_list: Json[] };
    expect(parcels[0]).not.toHaveProperty('contact');
  });

  it.each(omissions)('that leaves out %s differs from a whole one', (omission) => {
    expect(shippingOf([omission])).not.toEqual(shippingOf([]));
  });

  it('leaves out the contacts, or the list: its texts then stand together', () => {
    const { shipping_list: parcels } = shippingOf(['contact']) as { shipping_list: Json[] };
    expect(parcels.map((parcel) => 'contact' in parcel)).toEqual([false, false]);
    expect(shippingOf(['shipping_list'])).toMatchObject({ goods_desc: '苹果;梨' });
    expect(shippingOf(['shipping_list', 'finish'])).toEqual({
      delivery_mode: 2,
      logistics_type: 1,
      goods_desc: '苹果;梨',
    });
    expect(shippingOf(['empty_list'])).toMatchObject({ goods_desc: '苹果;梨', shipping_list: [] });
  });
});

describe('a list of orders', () => {
  /** `count` payments, each paid a second after the one before. */
  const worldOf = (count: number): World => {
    const world = createWorld();
    for (let at = 0; at < count; at++) world.put({ transaction_id: `P${at}` }, nowMs + at * 1000);
    return world;
  };
  const laterMs = nowMs + 3_600_000;
  const list = (world: World, asked: Json = {}, atMs = laterMs): Json =>
    listBody(world, { appid, asked }, atMs);
  const named = (world: World, asked: Json = {}, atMs = laterMs): unknown[] =>
    (list(world, asked, atMs)['order_list'] as Json[]).map((order) => order['transaction_id']);

  it('comes in pages, each beginning where the one before ended', () => {
    const world = worldOf(5);
    expect(list(world, { page_size: 2 })).toMatchObject({ errcode: 0, last_index: '2', has_more: true });
    expect(named(world, { page_size: 2 })).toEqual(['P0', 'P1']);
    expect(named(world, { page_size: 2, last_index: '' })).toEqual(['P0', 'P1']);
    expect(named(world, { page_size: 2, last_index: '2' })).toEqual(['P2', 'P3']);
    expect(list(world, { page_size: 3, last_index: '2' })).toMatchObject({
      last_index: '5',
      has_more: false,
    });
    expect(list(world, { last_index: '5' })).toEqual({
      errcode: 0,
      last_index: '5',
      has_more: false,
      order_list: [],
    });
  });

  it('has a hundred orders a page where no size is asked', () => {
    expect(named(worldOf(101))).toHaveLength(100);
    expect(named(worldOf(101), { page_size: '5' })).toHaveLength(100);
  });

  it.each(['x', '-1', '1.5'])('from the cursor %j answers 10060011', (cursor) => {
    expect(list(worldOf(1), { last_index: cursor })).toEqual({ errcode: 10060011 });
  });

  it('holds what was paid in the range, both ends of it included', () => {
    const world = worldOf(4);
    const range = { begin_time: nowSeconds + 1, end_time: nowSeconds + 2 };
    expect(named(world, { pay_time_range: range })).toEqual(['P1', 'P2']);
    expect(named(world, { pay_time_range: { begin_time: nowSeconds + 3 } })).toEqual(['P3']);
    expect(named(world, { pay_time_range: { end_time: nowSeconds } })).toEqual(['P0']);
    const last = createWorld();
    last.put({ transaction_id: 'last' }, (2 ** 32 - 1) * 1000);
    expect(named(last, {}, 2 ** 32 * 1000)).toEqual(['last']);
    last.put({ transaction_id: 'beyond' }, 2 ** 32 * 1000);
    expect(named(last, {}, 2 ** 32 * 1000)).toEqual(['last']);
  });

  it('holds the app’s own payments and those of no app', () => {
    const world = createWorld();
    world.put({ transaction_id: 'mine', appid }, nowMs);
    world.put({ transaction_id: 'any' }, nowMs);
    world.put({ transaction_id: 'other', appid: 'wx-other' }, nowMs);
    expect(named(world)).toEqual(['mine', 'any']);
  });

  it('holds a payment from the moment at which it can be seen', () => {
    const world = createWorld();
    world.put({ transaction_id: 'late', visible_after_ms: 5_000 }, nowMs);
    expect(named(world, {}, nowMs + 4_999)).toEqual([]);
    expect(named(world, {}, nowMs + 5_000)).toEqual(['late']);
  });

  it('can be of one payer, or of one state', () => {
    const world = worldOf(2);
    const paid = world.put({ transaction_id: 'P2', openid: 'o-1' }, nowMs);
    ship(world, world.put({ transaction_id: 'P3', openid: 'o' }, nowMs), ['苹果']);
    expect(named(world, { openid: 'o-1' })).toEqual([paid.transactionId]);
    expect(named(world, { order_state: 2 })).toEqual(['P3']);
    expect(named(world, { order_state: 1 })).toEqual(['P0', 'P1', 'P2']);
    expect(named(world, { order_state: 2, openid: 'o-1' })).toEqual([]);
  });
});
