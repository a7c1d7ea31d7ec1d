import { describe, expect, it } from 'vitest';
import { aliasOf } from '../../../src/upload/alias.ts';
import { parseOrder, type Order } from '../../../src/wechat/order.ts';

const told = {
  transaction_id: 't',
  merchant_id: 'm',
  sub_merchant_id: '',
  merchant_trade_no: 'o',
  order_state: 1,
};
const order = (change: object = {}): Order => parseOrder({ ...told, ...change })!;
const byMerchant = {
  appid: 'wx',
  payment: 'm:o',
  loose: false,
  body: '{"order_key":{"order_number_type":1,"mchid":"m","out_trade_no":"o"}}',
};
const byTransaction = {
  appid: 'wx',
  payment: 't',
  loose: true,
  body: '{"order_key":{"order_number_type":2,"transaction_id":"t"}}',
};

describe('what a read tells about the keys of a payment', () => {
  it('joins a merchant key with the transaction, or notes that none was told', () => {
    const alias = { appid: 'wx', payments: ['m:o'], always: true };
    expect(aliasOf(byMerchant, order())).toEqual({ ...alias, transactionId: 't' });
    for (const transaction_id of [null, ''])
      expect(aliasOf(byMerchant, order({ transaction_id }))).toEqual({ ...alias, transactionId: null });
  });

  it('is not asked for a transaction whose app has no loose payment', () => {
    expect(aliasOf({ ...byTransaction, loose: false }, order())).toBeNull();
  });

  it('joins a transaction with what either merchant would name it, where rows have such a key', () => {
    const alias = { appid: 'wx', transactionId: 't', always: false };
    expect(aliasOf(byTransaction, order())).toEqual({ ...alias, payments: ['m:o'] });
    expect(aliasOf(byTransaction, order({ sub_merchant_id: 's' }))).toEqual({
      ...alias,
      payments: ['m:o', 's:o'],
    });
    expect(aliasOf(byTransaction, order({ sub_merchant_id: 'm' }))).toEqual({ ...alias, payments: ['m:o'] });
    expect(aliasOf(byTransaction, order({ merchant_id: null }))).toEqual({ ...alias, payments: [] });
    for (const merchant_trade_no of [null, ''])
      expect(aliasOf(byTransaction, order({ merchant_trade_no }))).toBeNull();
  });
});
