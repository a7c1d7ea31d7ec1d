import { describe, expect, it } from 'vitest';
import { checkEvent } from '../../../src/shipment/contract.ts';
import { correction, fields, merchant, options, parcelOf, problemsAfter } from '../../support/contract.ts';
import { shippedEvent, type LooseEvent } from '../../support/events.ts';

describe('a problem', () => {
  it('names the whole event where it is no object', () => {
    expect(checkEvent(null, options)).toMatchObject({ problems: [{ field: 'event', value: 'null' }] });
  });

  it('shows a value of eighty characters whole, and a longer one cut', () => {
    const shown = (length: number) => problemsAfter((e) => (e['appid'] = '?'.repeat(length - 2)))[0]?.value;
    expect(shown(80)).toBe(`"${'?'.repeat(78)}"`);
    expect(shown(81)).toBe(`"${'?'.repeat(76)}…`);
  });

  it.each<[string, unknown, string]>([
    ['a function', () => 1, 'a function'],
    ['a symbol', Symbol('x'), 'a symbol'],
    ['what writes itself as nothing', { toJSON: () => undefined }, 'an object'],
    ['a number of its own kind', 1n, '{…}'],
  ])('shows what has no JSON by its kind: %s', (_, value, shown) => {
    expect(problemsAfter((e) => (e['id'] = value))).toMatchObject([{ field: 'id', value: shown }]);
    expect(problemsAfter((e) => (e['extra'] = value))).toMatchObject([{ field: 'extra', value: shown }]);
  });

  it.each<[string, (event: LooseEvent) => unknown, RegExp]>([
    ['version', (e) => (e['version'] = '1'), /send a number, not a string/],
    ['time', (e) => (e['time'] = 'today'), /RFC 3339 with a zone/],
    ['data.is_all_delivered', (e) => (e.data['is_all_delivered'] = 1), /send a boolean/],
    ['data.shipping_list[0].item_desc', (e) => (parcelOf(e)['item_desc'] = '\u3000'), /the buyer reads it/],
    ['data.shipping_list[0].tracking_no', (e) => (parcelOf(e)['tracking_no'] = ''), /1 to 128 bytes/],
    ['data.payer.openid', (e) => (e.data['payer'] = { openid: '' }), /1 to 128 bytes/],
    ['reason', correction({ reason: '' }), /why WeChat holds the wrong content/],
    [
      'data.payer.name',
      (e) => (e.data['payer'] = { openid: 'o', name: 'x' }),
      /no.* member that WeChat knows/,
    ],
  ])('with %s says what is wanted', (field, change, rule) => {
    expect(problemsAfter(change as () => void)).toMatchObject([
      { field, rule: expect.stringMatching(rule) as string },
    ]);
  });
});

/** Every member that the contract knows, in a shipped event, a correction, and one keyed by the merchant's numbers. */
const members: [at: string, event: () => LooseEvent][] = [
  ...[
    'id',
    'type',
    'source',
    'time',
    'appid',
    'version',
    'traceparent',
    'data',
    'data.order_key',
    'data.order_key.order_number_type',
    'data.order_key.transaction_id',
    'data.logistics_type',
    'data.delivery_mode',
    'data.is_all_delivered',
    'data.shipping_list',
    'data.shipping_list.0',
    'data.shipping_list.0.tracking_no',
    'data.shipping_list.0.express_company',
    'data.shipping_list.0.item_desc',
    'data.shipping_list.0.contact',
    'data.shipping_list.0.contact.receiver_contact',
    'data.shipping_list.0.contact.consignor_contact',
    'data.payer',
    'data.payer.openid',
  ].map((at): [string, () => LooseEvent] => [at, shippedEvent]),
  ...['reason', 'approved_by'].map((at): [string, () => LooseEvent] => [
    at,
    () => changed(shippedEvent(), correction({})),
  ]),
  ...['mchid', 'out_trade_no'].map((at): [string, () => LooseEvent] => [
    `data.order_key.${at}`,
    () => changed(shippedEvent(), merchant({})),
  ]),
];
const changed = (event: LooseEvent, change: (event: LooseEvent) => unknown): LooseEvent => {
  change(event);
  return event;
};
function put(event: LooseEvent, at: string, value: unknown): LooseEvent {
  const steps = at.split('.');
  const last = steps.pop() ?? '';
  const parent = steps.reduce<unknown>((object, step) => (object as Record<string, unknown>)[step], event);
  (parent as Record<string, unknown>)[last] = value;
  return event;
}

describe('a member that is missing or of another type', () => {
  it.each(members)('is refused in plain English that says what belongs there: %s', (at, event) => {
    for (const value of [undefined, null, 7.5, true, 'a\nb', {}, [], [7]]) {
      const checked = checkEvent(put(event(), at, value), options);
      for (const { field, rule } of checked.kind === 'invalid' ? checked.problems : []) {
        expect(`${field}: ${rule}`).not.toMatch(
          /invalid|expected|(?<!shipment\.)received|too (big|small)|unrecognized|contract says/i,
        );
        expect(rule).toMatch(/must|is required|belongs|remove it|stands twice/);
      }
    }
  });

  it('is shown with an example or a source of what belongs there', () => {
    const rules = (change: (event: LooseEvent) => unknown) =>
      problemsAfter(change as () => void).map(({ field, value, rule }) => `${field} is ${value}: ${rule}`);
    expect(rules((e) => delete e.data['payer'])).toEqual([
      'data.payer is missing: must be an object, like {"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}',
    ]);
    expect(rules((e) => (e.data['order_key'] = {}))).toEqual([
      'data.order_key.order_number_type is missing: must be the number 2 with a transaction_id, or 1 with mchid and out_trade_no',
    ]);
    expect(rules((e) => (e.data.shipping_list = [null] as never))).toEqual([
      'data.shipping_list[0] is null: must be an object with an item_desc; for logistics_type 1 tracking_no and express_company as well',
    ]);
    expect(rules((e) => delete e.data['logistics_type'])).toEqual([
      'data.logistics_type is missing: must be the number 1 express, 2 same-city, 3 virtual or 4 pick-up',
    ]);
  });

  it('is named together with the others: each member that WeChat does not know is a problem of its own', () => {
    expect(fields((e) => Object.assign(e.data, { upload_time: 'x', note: 'y' }))).toEqual([
      'data.upload_time',
      'data.note',
    ]);
  });
});
