import { describe, expect, it } from 'vitest';
import { ShopWorld } from '../../../src/sandbox/shop-world.ts';
import { World } from '../../../src/sandbox/world.ts';

const shippedAtMs = Date.parse('2026-11-23T10:00:00+08:00');
const seconds = shippedAtMs / 1000;

/** A payment that was shipped, and what is remembered of its app. */
function shipped({ logisticsType = 1, finished = true, orderState = 2 } = {}) {
  const world = new World({ parcelMode: 'merge', readLagMs: 0, autoCreatePayments: false });
  const payment = world.put({ transaction_id: 'p' }, shippedAtMs - 1000);
  payment.orderState = orderState;
  payment.shipping = {
    deliveryMode: 1,
    logisticsType,
    parcels: [
      { trackingNo: 'n', company: 'YTO', itemDesc: 'x', contact: '', uploadedAtMs: shippedAtMs },
      { trackingNo: 'm', company: 'YTO', itemDesc: 'x', contact: '', uploadedAtMs: shippedAtMs + 5000 },
    ],
    finished,
    finishCount: 1,
  };
  return { shop: new ShopWorld(), payment };
}
const received = (receivedTime: number) => ({ receivedTime, body: '{}' });

describe('the reminder to confirm receipt', () => {
  it('is taken once a payment, and then answers 10060030', () => {
    const { shop, payment } = shipped();
    expect(shop.notify(payment, received(seconds + 1), shippedAtMs)).toBe(0);
    expect(shop.notify(payment, received(seconds + 1), shippedAtMs)).toBe(10060030);
    expect(shop.receipts).toHaveLength(1);
  });

  it.each([
    ['a payment that is not shipped', { orderState: 1 }, 10060028],
    ['one that is not finished', { finished: false }, 10060028],
    ['one that is confirmed', { orderState: 3 }, 10060028],
    ['one without an express carrier', { logisticsType: 4 }, 10060032],
  ])('is refused for %s', (_claim, state, errcode) => {
    const { shop, payment } = shipped(state);
    expect(shop.notify(payment, received(seconds + 1), shippedAtMs)).toBe(errcode);
    expect(shop.receipts).toEqual([]);
  });

  it('is refused for a time that is not later than the shipment', () => {
    const { shop, payment } = shipped();
    expect(shop.notify(payment, received(seconds), shippedAtMs)).toBe(10060029);
    expect(shop.notify(payment, received(seconds + 1), shippedAtMs)).toBe(0);
  });
});

describe('a parcel that is followed', () => {
  it('has the goods and the token of its first call', () => {
    const shop = new ShopWorld();
    const parcel = { appid: 'wx1', trackingNo: 'n', phone: '1', goods: 'first' };
    const token = shop.follow(parcel);
    expect(shop.follow({ ...parcel, goods: 'second' })).toBe(token);
    expect(shop.query('wx1', token)).toMatchObject({ goods: 'first', status: 1 });
    expect(shop.query('wx2', token)).toBeUndefined();
  });

  it('answers its script, and the last status again', () => {
    const shop = new ShopWorld();
    shop.scripts.set('n', [1, 3, 4]);
    const token = shop.follow({ appid: 'wx1', trackingNo: 'n', phone: '1', goods: '' });
    expect([1, 2, 3, 4].map(() => shop.query('wx1', token)?.status)).toEqual([1, 3, 4, 4]);
  });
});

describe('a special order', () => {
  const dayMs = 86_400_000;
  it.each([
    [15, 268546001],
    [15.01, 0],
    [330, 0],
    [330.01, 268546001],
  ])('of %d days after the payment answers %i', (days, errcode) => {
    const { shop, payment } = shipped({ orderState: 1 });
    const delayTo = (payment.paidAtMs + days * dayMs) / 1000;
    expect(shop.report(payment, { type: 1, delayTo }, shippedAtMs)).toBe(errcode);
  });

  it('is refused for what does not await shipment, or is not there', () => {
    const { shop, payment } = shipped();
    expect(shop.report(payment, { type: 1, delayTo: 1 }, shippedAtMs)).toBe(268546002);
    expect(shop.report(undefined, { type: 1, delayTo: 1 }, shippedAtMs)).toBe(268546002);
  });

  it('of type 2 needs no date, and stands in the record', () => {
    const { shop, payment } = shipped({ orderState: 1 });
    expect(shop.report(payment, { type: 2, delayTo: null }, shippedAtMs)).toBe(0);
    expect(shop.specialOrders).toMatchObject([{ payment: 'p', type: 2 }]);
  });
});

describe('the counters', () => {
  it('are cleared ten times in thirty days, for each app', () => {
    const shop = new ShopWorld();
    const times = Array.from({ length: 10 }, () => shop.clearQuota('wx1', shippedAtMs));
    expect(times).not.toContain(false);
    expect(shop.clearQuota('wx1', shippedAtMs)).toBe(false);
    expect(shop.clearQuota('wx2', shippedAtMs)).toBe(true);
    expect(shop.clearQuota('wx1', shippedAtMs + 30 * 86_400_000)).toBe(true);
  });
});

describe('a request that is looked up', () => {
  const request = { appid: 'wx1', atMs: shippedAtMs, path: '/p', body: '{}', answer: '{}' };
  it('is shown to its own account for seven days', () => {
    const shop = new ShopWorld();
    shop.keep('r', request);
    expect(shop.request('r', 'wx1', shippedAtMs)).toEqual(request);
    expect(shop.request('r', 'wx1', shippedAtMs + 7 * 86_400_000)).toEqual(request);
    expect(shop.request('r', 'wx1', shippedAtMs + 7 * 86_400_000 + 1)).toBe(76001);
    expect(shop.request('r', 'wx2', shippedAtMs)).toBe(76003);
    expect(shop.request('s', 'wx1', shippedAtMs)).toBe(76003);
  });

  it('is one of the last thousand', () => {
    const shop = new ShopWorld();
    for (let n = 0; n <= 1000; n++) shop.keep(`r${n}`, request);
    expect(shop.request('r0', 'wx1', shippedAtMs)).toBe(76003);
    expect(shop.request('r1', 'wx1', shippedAtMs)).toEqual(request);
  });
});

it('nothing is left after a reset', () => {
  const { shop, payment } = shipped();
  shop.notify(payment, received(seconds + 1), shippedAtMs);
  shop.clearQuota('wx1', shippedAtMs);
  shop.keep('r', { appid: 'wx1', atMs: shippedAtMs, path: '/p', body: '{}', answer: '{}' });
  shop.managed = false;
  shop.reset();
  expect([shop.receipts, shop.managed, shop.request('r', 'wx1', shippedAtMs)]).toEqual([[], true, 76003]);
  expect(shop.notify(payment, received(seconds + 1), shippedAtMs)).toBe(0);
});
