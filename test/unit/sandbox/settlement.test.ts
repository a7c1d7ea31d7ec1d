import { describe, expect, it } from 'vitest';
import { checkUpload } from '../../../src/sandbox/check.ts';
import { listBody } from '../../../src/sandbox/order-body.ts';
import { nextMove, receiptAfterMs, type Settlement } from '../../../src/sandbox/settlement.ts';
import { World, type Payment } from '../../../src/sandbox/world.ts';

const nowMs = Date.parse('2026-11-27T10:00:00+08:00');
const dayMs = 86_400_000;
const minuteMs = 60_000;
const appid = 'wx0123456789abcdef';

const createWorld = (day = dayMs): World =>
  new World({ parcelMode: 'merge', readLagMs: 0, autoCreatePayments: false, dayMs: day });
const paymentIn = (world: World, name = 'p'): Payment => world.put({ transaction_id: name }, nowMs);

function ship(world: World, payment: Payment, { type = 1, atMs = nowMs } = {}): void {
  const parcel = type === 1 ? { tracking_no: 'A', express_company: 'YTO' } : {};
  const checked = checkUpload({
    order_key: { order_number_type: 2, transaction_id: payment.transactionId },
    logistics_type: type,
    delivery_mode: 1,
    shipping_list: [{ ...parcel, item_desc: '苹果' }],
    upload_time: new Date(atMs).toISOString(),
    payer: { openid: 'o' },
  });
  if (checked.kind === 'refused') throw new TypeError(`refused ${checked.errcode}`);
  expect(world.upload(checked.upload, { appid, body: '' }, atMs)).toBe(0);
}

describe('the settlement clock', () => {
  it.each([
    [1, 10],
    [2, 2],
    [3, 2],
    [4, 2],
  ])('receives logistics type %i by itself after %i days, and settles it', (type, days) => {
    const world = createWorld();
    const payment = paymentIn(world);
    ship(world, payment, { type });
    const dueMs = nowMs + days * dayMs;
    expect(receiptAfterMs(type, dayMs)).toBe(days * dayMs);
    expect(payment.expectedSettlementAtMs).toBe(dueMs);
    const states = [dueMs - 1, dueMs, dueMs + minuteMs - 1, dueMs + minuteMs, dueMs + 2 * minuteMs].map(
      (atMs) => {
        world.advance(payment, atMs);
        return payment.orderState;
      },
    );
    expect(states).toEqual([2, 3, 3, 6, 4]);
    expect(payment).toMatchObject({
      confirmMethod: 2,
      confirmedAtMs: dueMs,
      settledAtMs: dueMs + 2 * minuteMs,
    });
  });

  it('runs as fast as it is told: a day of a second', () => {
    const world = createWorld(1_000);
    const payment = paymentIn(world);
    ship(world, payment);
    world.advanceAll(nowMs + 10_002);
    expect(payment.orderState).toBe(4);
  });

  it('is not waited for by a buyer who confirms', () => {
    const world = createWorld();
    const payment = paymentIn(world);
    expect(world.confirm(payment, nowMs)).toBe(10060028);
    ship(world, payment);
    expect(world.confirm(payment, nowMs + 5)).toBe(0);
    expect(payment).toMatchObject({ orderState: 3, confirmMethod: 1, confirmedAtMs: nowMs + 5 });
    world.advance(payment, nowMs + 5 + 2 * minuteMs);
    expect(payment).toMatchObject({ orderState: 4, settledAtMs: nowMs + 5 + 2 * minuteMs });
    expect(world.confirm(payment, nowMs + dayMs)).toBe(10060028);
  });

  it('shows a refund a day later, to ship or shipped, and settles nothing of it', () => {
    const world = createWorld();
    const [one, other] = [paymentIn(world, 'one'), paymentIn(world, 'other')];
    ship(world, other);
    for (const payment of [one, other]) world.refund(payment, nowMs);
    world.advanceAll(nowMs + dayMs - 1);
    expect([one.orderState, other.orderState]).toEqual([1, 2]);
    world.advanceAll(nowMs + 30 * dayMs);
    expect([one.orderState, other.orderState, other.settledAtMs]).toEqual([5, 5, null]);
  });

  it('tells of a shipment and of a settlement once each', () => {
    const world = createWorld();
    const told: string[] = [];
    world.onChange = ({ kind, payment }) => void told.push(`${kind} ${payment.key}`);
    const payment = paymentIn(world);
    ship(world, payment);
    world.advanceAll(nowMs + 30 * dayMs);
    world.advanceAll(nowMs + 31 * dayMs);
    expect(told).toEqual(['shipped p', 'settled p']);
  });

  it('has nothing to do for a payment that never shipped', () => {
    const never: Settlement = {
      ...{ orderState: 1, shipping: null, shippedAtMs: null, expectedSettlementAtMs: null },
      ...{ confirmedAtMs: null, confirmMethod: null, settledAtMs: null, refundedAtMs: null },
    };
    expect(nextMove(never, dayMs)).toBeNull();
    expect(nextMove({ ...never, orderState: 6 }, dayMs)).toBeNull();
    expect(nextMove({ ...never, orderState: 5, refundedAtMs: nowMs }, dayMs)).toBeNull();
  });
});

describe('the cursor of a list', () => {
  type Page = { last_index: string; has_more: boolean; order_list: { transaction_id: string }[] };
  const pageOf = (world: World, asked: Record<string, unknown>): Page =>
    listBody(world, { appid, asked }, nowMs) as Page;

  it('passes nobody over when payments leave the state that is listed between two pages', () => {
    const world = createWorld();
    const payments = Array.from({ length: 10 }, (_, at) => paymentIn(world, `p${at}`));
    const seen: string[] = [];
    for (let last = '', more = true; more;) {
      const page = pageOf(world, { order_state: 1, page_size: 3, last_index: last });
      for (const { transaction_id: id } of page.order_list) seen.push(id);
      for (const payment of payments.slice(0, seen.length))
        if (payment.orderState === 1) ship(world, payment);
      [last, more] = [page.last_index, page.has_more];
    }
    expect(seen).toEqual(payments.map(({ transactionId }) => transactionId));
  });

  it('says that there is more only where there is, and takes at most a hundred at once', () => {
    const world = createWorld();
    for (let at = 0; at < 101; at += 1) paymentIn(world, `p${at}`);
    const first = pageOf(world, { page_size: 500 });
    expect([first.order_list.length, first.has_more]).toEqual([100, true]);
    const last = pageOf(world, { last_index: first.last_index });
    expect([last.order_list.length, last.has_more]).toEqual([1, false]);
    expect(pageOf(world, { page_size: 0 }).order_list).toHaveLength(100);
  });
});

describe('what a payment is made with', () => {
  it('is an amount, a pay time, a sub-merchant and a complaint, as reads show them', () => {
    const world = createWorld();
    const made = {
      transaction_id: 'p',
      mchid: '1900',
      sub_mchid: '1901',
      out_trade_no: 'T',
      paid_amount: 8_800,
    };
    world.put({ ...made, pay_time: 1_700_000_000, in_complaint: true }, nowMs);
    const [order] = (listBody(world, { appid, asked: {} }, nowMs) as { order_list: object[] }).order_list;
    expect(order).toMatchObject({
      paid_amount: 8_800,
      pay_time: 1_700_000_000,
      sub_merchant_id: '1901',
      in_complaint: true,
    });
    expect(world.keyOf('1901:T')).toBe('p');
    expect(world.keyOf('1900:T')).toBe('p');
  });

  it('is an amount of its own where none is given, the same at every start', () => {
    const amounts = ['a', 'b'].map((name) => paymentIn(createWorld(), name).paidAmount);
    expect(amounts).toEqual(['a', 'b'].map((name) => paymentIn(createWorld(), name).paidAmount));
    expect(new Set(amounts).size).toBe(2);
    expect(amounts.every((amount) => amount >= 100 && amount < 100_000)).toBe(true);
  });
});
