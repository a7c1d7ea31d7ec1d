import { describe, expect, it } from 'vitest';
import { consoleEdit, editedBody } from '../../../src/sandbox/console-edit.ts';
import { World, type Payment } from '../../../src/sandbox/world.ts';

const nowMs = Date.parse('2026-11-27T10:00:00+08:00');

function shippedPayment(openid?: string): Payment {
  const world = new World({ parcelMode: 'merge', readLagMs: 0, autoCreatePayments: false });
  const payment = world.put({ transaction_id: 'P1', openid }, nowMs);
  const parcel = { company: 'YTO', itemDesc: '苹果', uploadedAtMs: nowMs };
  const parcels = [
    { ...parcel, trackingNo: 'A', contact: '' },
    { ...parcel, trackingNo: 'B', contact: '{"receiver_contact":"138****1234"}' },
  ];
  payment.shipping = { deliveryMode: 2, logisticsType: 1, parcels, finished: false, finishCount: 0 };
  payment.lastUploadTimeMs = nowMs;
  return payment;
}
const edited = (change: object, payment = shippedPayment('o-1')) =>
  editedBody(payment, consoleEdit.parse({ payment: 'P1', ...change }));

describe('an edit in the console', () => {
  it('keeps what it does not name, and is a moment newer than the last upload', () => {
    const parcel = { express_company: 'YTO', item_desc: '苹果' };
    expect(edited({})).toEqual({
      order_key: { order_number_type: 2, transaction_id: 'P1' },
      logistics_type: 1,
      delivery_mode: 2,
      is_all_delivered: false,
      shipping_list: [
        { tracking_no: 'A', ...parcel },
        { tracking_no: 'B', ...parcel, contact: { receiver_contact: '138****1234' } },
      ],
      upload_time: new Date(nowMs + 1).toISOString(),
      payer: { openid: 'o-1' },
    });
  });

  it.each([
    ['logistics_type', 2],
    ['logistics_type', 0],
    ['delivery_mode', 1],
    ['is_all_delivered', true],
    ['shipping_list', []],
    ['shipping_list', [{ item_desc: '梨', tracking_no: 'C' }]],
  ])('changes the %s that it names, to %j', (name, value) => {
    expect(edited({ [name]: value })).toEqual({ ...edited({}), [name]: value });
  });

  it('is none while nothing is shipped', () => {
    expect(edited({ delivery_mode: 1 }, { ...shippedPayment(), shipping: null })).toBeNull();
  });

  it('is made by the console where the payer is not known', () => {
    expect(edited({}, shippedPayment())).toMatchObject({ payer: { openid: 'console' } });
  });

  it.each<[what: string, edit: object]>([
    ['names no payment', { payment: '' }],
    ['names a member that is not known', { delivery: 1 }],
    ['has a parcel without a text', { shipping_list: [{ tracking_no: 'A' }] }],
    ['has a parcel that is a text', { shipping_list: ['A'] }],
    ['has half a mode', { delivery_mode: 1.5 }],
  ])('is refused when it %s', (_what, edit) => {
    expect(consoleEdit.safeParse({ payment: 'P1', ...edit }).success).toBe(false);
  });
});
