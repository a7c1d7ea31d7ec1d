import { SHIPPED, type CombinedEvent, type ShippedEvent } from './events.ts';
import { paymentOf, type OrderKey } from './payment.ts';
import { show, type Problem } from './problems.ts';
import { hasCodePoints } from './texts.ts';

/**
 * The shipped events that a combined one becomes, in the order of `sub_orders`; the door draws their versions. A part is
 * named by its payment and not by its place: parts that stand in another order the next time are the same events. No
 * payment holds a `#`, so what stands before the last one is the combined event's id. `fahuo.enqueue_combined` makes the
 * same of a text. Pure.
 */
export const partsOf = ({ type: _combined, ...event }: CombinedEvent): Omit<ShippedEvent, 'version'>[] =>
  event.data.sub_orders.map((part) => ({
    ...event,
    type: SHIPPED,
    id: partId(event.id, part.order_key),
    data: { ...part, payer: event.data.payer },
  }));

const partId = (id: string, key: OrderKey): string => `${id}#${paymentOf(key)}`;

/** Where a part stands. */
export const partPlace = (at: number): string => `data.sub_orders[${at}]`;

/** A part as an event with nothing wrong but what is wrong with the part: what its parts share is checked once. */
export const partEnvelope = (body: object): object => ({
  id: 'part',
  type: SHIPPED,
  source: '/',
  time: '2026-01-01T00:00:00Z',
  appid: 'app',
  version: 1,
  data: { ...body, payer: { openid: 'payer' } },
});

const maxIdCharacters = 128;

/** What parts break together, asked where each is in order. Of two keys of one type, the same text is the same payment. */
export function spanningProblems({ id, data }: CombinedEvent): Problem[] {
  const seen = new Set<string>();
  const problems = data.sub_orders.flatMap(({ order_key: key }, at): Problem[] => {
    if (key.order_number_type !== data.order_key.order_number_type)
      return [
        {
          field: `${partPlace(at)}.order_key.order_number_type`,
          value: show(key.order_number_type),
          rule: 'must be that of data.order_key: name all payments in one way',
        },
      ];
    const isTwice = seen.has(paymentOf(key));
    seen.add(paymentOf(key));
    return isTwice
      ? [
          {
            field: `${partPlace(at)}.order_key`,
            value: show(key),
            rule: 'stands twice: list each payment once',
          },
        ]
      : [];
  });
  const fits = data.sub_orders.every(({ order_key: key }) => hasCodePoints(partId(id, key), maxIdCharacters));
  const tooLong = {
    field: 'id',
    value: show(id),
    rule: `must have at most ${maxIdCharacters} characters with # and each payment: shorten it`,
  };
  return fits ? problems : [...problems, tooLong];
}
