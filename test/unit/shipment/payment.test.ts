import { describe, expect, it } from 'vitest';
import { checkUpload } from '../../../src/sandbox/check.ts';
import { paymentIn as sandboxPaymentIn } from '../../../src/sandbox/seen.ts';
import { checkEvent } from '../../../src/shipment/contract.ts';
import {
  merchantPayment,
  orderKeyOf,
  paymentIn,
  paymentOf,
  readKeyOf,
  type OrderKey,
} from '../../../src/shipment/payment.ts';
import { options } from '../../support/contract.ts';
import { shippedEvent } from '../../support/events.ts';
import { createRandom } from '../../support/random.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-';

/** Keys of every length that the contract takes, the shortest and longest among them. */
function keys(seed: number): OrderKey[] {
  const random = createRandom(seed);
  const text = (max: number, letters: string): string =>
    Array.from(
      { length: 1 + Math.floor(random() * max) },
      () => letters[Math.floor(random() * letters.length)],
    ).join('');
  return Array.from({ length: 500 }, (_, index) =>
    index % 2 === 0
      ? { order_number_type: 2, transaction_id: text(64, alphabet) }
      : { order_number_type: 1, mchid: text(32, alphabet), out_trade_no: text(64, `${alphabet}*`) },
  );
}

describe.each([1, 2, 3, 4])('the payment of an order key, seed %i', (seed) => {
  it('is of a key that the contract takes', () => {
    for (const order_key of keys(seed).slice(0, 50)) {
      const event = shippedEvent();
      event.data['order_key'] = order_key;
      expect(checkEvent(event, options).kind).toBe('valid');
    }
  });

  it('is read back as that key, so no two keys have the same', () => {
    const all = keys(seed);
    expect(all.map((key) => orderKeyOf(paymentOf(key)))).toEqual(all);
    const distinct = (texts: string[]) => new Set(texts).size;
    expect(distinct(all.map(paymentOf))).toBe(distinct(all.map((key) => JSON.stringify(key))));
  });

  it('is found in the key before it is checked', () => {
    for (const key of keys(seed)) expect(paymentIn(key)).toBe(paymentOf(key));
  });

  it('is what the sandbox, which reads for itself, makes of an upload and of a read', () => {
    for (const key of keys(seed)) {
      const data = { ...shippedEvent().data, order_key: key, upload_time: '2026-11-23T10:00:00.000+08:00' };
      expect(checkUpload(data)).toMatchObject({ kind: 'upload', upload: { payment: paymentOf(key) } });
      expect(sandboxPaymentIn(JSON.stringify(data))).toBe(paymentOf(key));
      expect(sandboxPaymentIn(JSON.stringify(readKeyOf(key)))).toBe(paymentOf(key));
    }
  });
});

describe('a payment', () => {
  const transaction: OrderKey = { order_number_type: 2, transaction_id: 'T' };
  const merchant: OrderKey = { order_number_type: 1, mchid: 'M', out_trade_no: 'O' };

  it('is named by its transaction_id, or by merchant and order number', () => {
    expect([paymentOf(transaction), paymentOf(merchant)]).toEqual(['T', 'M:O']);
    expect(merchantPayment('M', 'O')).toBe('M:O');
  });

  it('is asked for by the names of get_order, which are not those of the upload', () => {
    expect(readKeyOf(transaction)).toEqual({ transaction_id: 'T' });
    expect(readKeyOf(merchant)).toEqual({ merchant_id: 'M', merchant_trade_no: 'O' });
  });

  it.each([
    null,
    undefined,
    'T',
    7,
    [],
    {},
    { mchid: 'M' },
    { out_trade_no: 'O' },
    { mchid: 1, out_trade_no: 'O' },
  ])('is not found in %j', (key) => {
    expect(paymentIn(key)).toBeNull();
  });

  it('is found by its texts, whatever the type of the key says', () => {
    expect(paymentIn({ transaction_id: 'T', order_number_type: '2' })).toBe('T');
    expect(paymentIn({ mchid: 'M', out_trade_no: 'O' })).toBe('M:O');
  });
});
