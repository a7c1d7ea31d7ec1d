import { createRandom } from '../support/random.ts';
import { shippedEvent, type LooseEvent } from '../support/events.ts';

/** What happens to one payment of the campaign, besides being paid. */
export type Fate =
  | 'shipped' // by its event, as it should be
  | 'removed' // its upload row was removed by hand before it was sent
  | 'unsent' // its upload row says acknowledged, and nothing was sent
  | 'console' // shipped in WeChat's console, without an event
  | 'edited' // shipped by its event, then edited in the console
  | 'refunded' // before it was shipped
  | 'refunded_later' // after it was shipped
  | 'open'; // nobody has shipped it yet

export type Planned = {
  id: string;
  mchid: string;
  outTradeNo: string;
  amount: number;
  /** Unix seconds. */
  payTime: number;
  /** 1 express, 3 virtual. */
  type: 1 | 3;
  fate: Fate;
  /** Its event names it by mchid and out_trade_no. */
  byMerchant: boolean;
  confirmed: boolean;
  complaint: boolean;
};

/** Of a thousand: 5 % never sent, 2 % shipped in the console and 1 % edited there, 2 % refunded, 10 % open. */
const shares: readonly [Fate, number][] = [
  ['removed', 0.05],
  ['unsent', 0.01],
  ['console', 0.02],
  ['edited', 0.01],
  ['refunded', 0.01],
  ['refunded_later', 0.01],
  ['open', 0.1],
];

function fateOf(drawn: number): Fate {
  let below = 0;
  for (const [fate, share] of shares) if (drawn < (below += share)) return fate;
  return 'shipped';
}

/** Paid within the three days before `nowMs`. Pure: the same seed makes the same payments. */
export function planPayments(count: number, seed: number, nowMs: number): Planned[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, at): Planned => {
    const fate = fateOf(random());
    const express = random() < 0.7;
    return {
      id: `4200${String(seed).padStart(4, '0')}${String(at).padStart(20, '0')}`,
      mchid: random() < 0.2 ? '1900000002' : '1900000001',
      outTradeNo: `T-${seed}-${at}`,
      amount: 1 + Math.floor(random() * 100_000),
      payTime: Math.floor(nowMs / 1000) - Math.floor(random() * 3 * 86_400),
      type: express || fate === 'edited' ? 1 : 3,
      fate,
      byMerchant: random() < 0.1,
      confirmed: (fate === 'shipped' || fate === 'console') && random() < 0.2,
      complaint: random() < 0.01,
    };
  });
}

/** Whether an event of ours names it. */
export const hasEvent = ({ fate }: Planned): boolean => !['console', 'refunded', 'open'].includes(fate);

export function eventOf(planned: Planned): LooseEvent {
  const event = shippedEvent({ payment: planned.id });
  if (planned.byMerchant)
    event.data['order_key'] = {
      order_number_type: 1,
      mchid: planned.mchid,
      out_trade_no: planned.outTradeNo,
    };
  if (planned.type === 3) {
    event.data['logistics_type'] = 3;
    event.data.shipping_list = [{ item_desc: '会员' }];
  }
  return event;
}
