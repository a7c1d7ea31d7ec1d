/** The mini-program of the tests. */
export const appid = 'wx0123456789abcdef';

/** A valid shipped event; `change` edits a fresh copy. */
export type LooseEvent = Record<string, unknown> & {
  data: Record<string, unknown> & { shipping_list: Record<string, unknown>[] };
};

export function shippedEvent(
  overrides: { payment?: string; version?: number; id?: string; appid?: string } = {},
): LooseEvent {
  const payment = overrides.payment ?? '4200001234202611230000000001';
  const version = overrides.version ?? 1;
  return {
    id: overrides.id ?? `${payment}-${version}`,
    type: 'fahuo.shipment.shipped.v1',
    source: '/orders',
    time: '2026-11-23T10:00:00+08:00',
    appid: overrides.appid ?? appid,
    version,
    data: {
      order_key: { order_number_type: 2, transaction_id: payment },
      logistics_type: 1,
      delivery_mode: 1,
      shipping_list: [
        {
          tracking_no: `SF${payment}`,
          express_company: 'SF',
          item_desc: '红富士苹果 5kg*1',
          contact: { receiver_contact: '138****1234' },
        },
      ],
      payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
    },
  };
}

/** A valid event of a combined payment with a part for each payment, in the order of `payments`. */
export function combinedEvent(
  payments: readonly string[],
  overrides: Record<string, unknown> = {},
): Record<string, unknown> & { data: { sub_orders: LooseEvent['data'][] } & Record<string, unknown> } {
  const parts = payments.map((payment) => {
    const { payer: _payer, ...part } = shippedEvent({ payment }).data;
    return part;
  });
  return {
    id: 'combined-1',
    type: 'fahuo.shipment.combined.v1',
    source: '/orders',
    time: '2026-11-23T10:00:00+08:00',
    appid,
    ...overrides,
    data: {
      order_key: { order_number_type: 2, transaction_id: '4200001234202611230000000000' },
      sub_orders: parts,
      payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
    },
  };
}

/** A valid received event, of a buyer who had the goods ten seconds ago. */
export function receivedEvent(
  overrides: { payment?: string; id?: string; appid?: string; seconds?: unknown } = {},
): Record<string, unknown> & { data: Record<string, unknown> } {
  const payment = overrides.payment ?? '4200001234202611230000000001';
  return {
    id: overrides.id ?? `${payment}-received`,
    type: 'fahuo.shipment.received.v1',
    source: '/orders',
    time: '2026-11-26T15:04:00+08:00',
    appid: overrides.appid ?? appid,
    data: {
      order_key: { order_number_type: 2, transaction_id: payment },
      received_time: overrides.seconds ?? Math.floor(Date.now() / 1000) - 10,
    },
  };
}
