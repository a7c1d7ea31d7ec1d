import { bundledCarriers } from '../../src/shipment/carriers.ts';
import { checkEvent } from '../../src/shipment/contract.ts';
import { CORRECTED } from '../../src/shipment/events.ts';
import type { Problem } from '../../src/shipment/problems.ts';
import { shippedEvent, type LooseEvent } from './events.ts';

export const options = { carriers: bundledCarriers() };
export const parcelOf = (event: LooseEvent) => event.data.shipping_list[0]!;

/** The problems of a valid event after a change. */
export const problemsAfter = (change: (event: LooseEvent) => void): Problem[] => {
  const event = shippedEvent();
  change(event);
  const checked = checkEvent(event, options);
  return checked.kind === 'valid' ? [] : checked.problems;
};
export const fields = (change: (event: LooseEvent) => void): string[] =>
  problemsAfter(change).map(({ field }) => field);
export const correction = (change: object) => (event: LooseEvent) =>
  Object.assign(event, { type: CORRECTED, reason: 'r', approved_by: 'li', ...change });
export const merchant = (change: object) => (event: LooseEvent) =>
  (event.data['order_key'] = { order_number_type: 1, mchid: '19000', out_trade_no: 'o', ...change });
export const transaction = (transaction_id: string) => (event: LooseEvent) =>
  (event.data['order_key'] = { order_number_type: 2, transaction_id });
export const split =
  (...parcels: object[]) =>
  (event: LooseEvent) => {
    const [first] = event.data.shipping_list;
    Object.assign(event.data, { delivery_mode: 2, is_all_delivered: false });
    event.data.shipping_list = parcels.map((parcel) => ({ ...first, ...parcel }));
  };
