import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Shipment } from '../../../src/shipment/events.ts';
import { freezeBody } from '../../../src/shipment/frozen-body.ts';

const data: Shipment = {
  order_key: { order_number_type: 2, transaction_id: 'T' },
  logistics_type: 3,
  delivery_mode: 1,
  shipping_list: [{ item_desc: '会员卡' }],
  payer: { openid: 'o' },
};

it('freezes the members in their order, as they will be sent', () => {
  expect(freezeBody(data).body).toBe(
    '{"order_key":{"order_number_type":2,"transaction_id":"T"},"logistics_type":3,"delivery_mode":1,' +
      '"shipping_list":[{"item_desc":"会员卡"}],"payer":{"openid":"o"}}',
  );
});

it('tells bodies apart by the SHA-256 of what is sent', () => {
  const { body, bodyHash } = freezeBody(data);
  expect(bodyHash).toBe(createHash('sha256').update(body, 'utf8').digest('hex'));
  expect(freezeBody({ ...data, delivery_mode: 2 }).bodyHash).not.toBe(bodyHash);
});
