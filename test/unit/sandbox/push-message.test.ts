import { describe, expect, it } from 'vitest';
import { messageOf } from '../../../src/sandbox/push-message.ts';
import { World } from '../../../src/sandbox/world.ts';

const world = new World({ parcelMode: 'merge', readLagMs: 0, autoCreatePayments: false });
const payment = world.put({ transaction_id: '4200001', mchid: '19000', out_trade_no: 'A-1' }, 1_000_999);

describe('what is pushed of a payment', () => {
  it('has WeChat’s names, and seconds', () => {
    Object.assign(payment, { shippedAtMs: 2_000_500, expectedSettlementAtMs: 3_000_000 });
    expect(messageOf(payment, 'shipped', 4_000_000)).toEqual({
      ToUserName: 'gh_sandbox',
      FromUserName: 'oSandboxOfWechat',
      CreateTime: 4_000,
      MsgType: 'event',
      Event: 'trade_manage_order_settlement',
      transaction_id: '4200001',
      merchant_id: '19000',
      sub_merchant_id: '',
      merchant_trade_no: 'A-1',
      pay_time: 1_000,
      shipped_time: 2_000,
      estimated_settlement_time: 3_000,
    });
  });

  it('tells the receipt and the money when it settles, and 0 for what is not there', () => {
    Object.assign(payment, { confirmMethod: 2, confirmedAtMs: 5_000_000, settledAtMs: null });
    const settled = messageOf(payment, 'settled', 6_000_000);
    expect(settled).toMatchObject({
      confirm_receive_method: 2,
      confirm_receive_time: 5_000,
      settlement_time: 0,
    });
    expect(settled).not.toHaveProperty('estimated_settlement_time');
  });

  it('reminds of what is late', () => {
    expect(messageOf(payment, 'remind_shipping', 7_000)).toMatchObject({
      Event: 'trade_manage_remind_shipping',
      transaction_id: '4200001',
    });
    expect(messageOf(payment, 'remind_shipping', 7_000)).not.toHaveProperty('shipped_time');
  });
});
