import { describe, expect, it } from 'vitest';
import { suggestCarriers } from '../../../src/shipment/carrier-aliases.ts';
import { checkEvent } from '../../../src/shipment/contract.ts';
import { checkOffer, describeNotes } from '../../../src/shipment/offer.ts';
import { cutItemDesc } from '../../../src/shipment/texts.ts';
import { merchant, options, parcelOf } from '../../support/contract.ts';
import { shippedEvent, type LooseEvent } from '../../support/events.ts';

type Change = (event: LooseEvent) => unknown;
const checked = (change: Change, choices = {}) => {
  const event = shippedEvent();
  change(event);
  return checkEvent(event, { ...options, ...choices });
};
/** The event that is kept after a change, and what was noted; the problems where it is refused. */
const kept = (change: Change, choices = {}) => {
  const found = checked(change, choices);
  return found.kind === 'valid' ? found : { problems: found.problems, notes: [] };
};
const at = 'data.shipping_list[0]';
const parcel = (change: object) => (event: LooseEvent) => Object.assign(parcelOf(event), change);
const parcelAfter = (change: Change, choices = {}) => {
  const found = checked(change, choices);
  return found.kind === 'valid' ? found.event.data.shipping_list[0] : found.problems;
};

describe('what means the same', () => {
  it('is null for absent, in every object, whichever member', () => {
    const { notes, ...found } = kept((event) => {
      Object.assign(event, { reason: null, extra: null });
      Object.assign(event.data, { is_all_delivered: null, payer: { openid: 'o', name: null } });
      Object.assign(parcelOf(event), {
        note: null,
        contact: { receiver_contact: '138****1234', consignor_contact: null },
      });
      Object.assign(event.data['order_key'] as object, { mchid: null });
    });
    expect(notes.map((note) => note.replace(': null is left out', '')).sort()).toEqual(
      [
        'data.is_all_delivered',
        'data.order_key.mchid',
        'data.payer.name',
        `${at}.contact.consignor_contact`,
        `${at}.note`,
        'extra',
        'reason',
      ].sort(),
    );
    expect(found).toMatchObject({ event: { data: { payer: { openid: 'o' } } } });
  });

  it('is no element of a list: null for a parcel is a parcel too few', () => {
    expect(checked((event) => (event.data.shipping_list = [null] as never))).toMatchObject({
      problems: [{ field: at }],
    });
  });

  it('is a merchant’s number beside a transaction id, and an empty transaction id beside a merchant’s number', () => {
    expect(
      kept((e) => Object.assign(e.data['order_key'] as object, { mchid: 7, out_trade_no: 'A-1' })),
    ).toMatchObject({
      notes: [expect.stringContaining('mchid: WeChat ignores it'), expect.stringContaining('out_trade_no')],
      event: { data: { order_key: { order_number_type: 2 } } },
    });
    expect(kept(merchant({ transaction_id: '' })).notes).toEqual([
      'data.order_key.transaction_id: is empty and left out',
    ]);
    expect(checked(merchant({ transaction_id: '42' }))).toMatchObject({
      problems: [
        {
          field: 'data.order_key.transaction_id',
          rule: expect.stringContaining('order_number_type 2') as string,
        },
      ],
    });
  });

  it.each([
    [[]],
    [{}],
    [{ receiver_contact: '' }],
    [{ receiver_contact: null }],
    [{ receiver_contact: undefined }],
    [null],
  ])('is a contact that is empty, as %j: left out, and missing where the carrier is SF', (contact) => {
    expect(parcelAfter(parcel({ contact, express_company: 'ZTO' }))).not.toHaveProperty('contact');
    expect(checked(parcel({ contact }))).toMatchObject({
      problems: [{ field: `${at}.contact`, value: 'missing' }],
    });
  });

  it.each([
    ['2026-11-27T10:00:00+0800', '2026-11-27T10:00:00+08:00'],
    ['2026-11-27T10:00+08:00', '2026-11-27T10:00:00+08:00'],
    ['2026-11-27T10:00:00+08:00[Asia/Shanghai]', '2026-11-27T10:00:00+08:00'],
    ['2026-11-27T02:00Z[UTC]', '2026-11-27T02:00:00Z'],
    ['2026-11-27 10:00:00.5+08', '2026-11-27T10:00:00.5+08:00'],
    ['2026-11-27 10:00:00 +0800', '2026-11-27T10:00:00+08:00'],
    ['2026-11-27t02:00:00z', '2026-11-27T02:00:00Z'],
  ])('is the time %s', (time, read) => {
    expect(kept((e) => (e['time'] = time))).toMatchObject({
      event: { time: read },
      notes: [`time: read as ${read}`],
    });
  });

  it.each([
    '2026-11-27 10:00:00',
    '2026-11-27T10:00:00',
    '2026-02-30T10:00:00+0800',
    '2026-11-27T10:00:00+08:60',
    '27.11.2026',
    '',
  ])('is not the time %j: nobody knows which instant is meant', (time) => {
    expect(checked((e) => (e['time'] = time))).toMatchObject({
      problems: [{ field: 'time', rule: expect.stringContaining('2026-11-23T10:00:00+08:00') as string }],
    });
  });

  it.each(['', 'x', 7, {}, '00-1', `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`, 'a'.repeat(200)])(
    'is no traceparent for %j: left out',
    (traceparent) => {
      const found = kept((e) => (e['traceparent'] = traceparent));
      expect(found.notes).toEqual(['traceparent: is none of the W3C and is left out']);
      expect(found).not.toHaveProperty('event.traceparent');
    },
  );

  it.each([
    ['苹果\t5kg', '苹果 5kg'],
    ['苹果\r\n梨', '苹果 梨'],
    ['苹果\u0000', '苹果 '],
  ])('is a blank for control characters in an item_desc: %j', (item_desc, said) => {
    expect(parcelAfter(parcel({ item_desc }))).toMatchObject({ item_desc: said });
  });

  it.each([
    ['189****1234, 021-****1234', '189****1234,021-****1234'],
    ['138 **** 1234', '138****1234'],
    ['138****1234转5678', '138****1234'],
    ['138****1234 ext.12，****1234', '138****1234,****1234'],
  ])('is a masked number without what people add: %s', (receiver_contact, said) => {
    expect(parcelAfter(parcel({ contact: { receiver_contact } }))).toMatchObject({
      contact: { receiver_contact: said },
    });
  });

  it('is a masked number for a clear one where that was chosen, and is noted', () => {
    const clear = parcel({ contact: { receiver_contact: '13812341234' } });
    expect(kept(clear, { maskContacts: true })).toMatchObject({
      notes: [`${at}.contact.receiver_contact: masked`],
      event: { data: { shipping_list: [{ contact: { receiver_contact: '138****1234' } }] } },
    });
  });

  it('is a carrier’s name for its id where that was chosen, unless it may mean two', () => {
    const named = (express_company: string) => parcel({ express_company });
    expect(kept(named('中通快递'), { carrierAliases: true })).toMatchObject({
      notes: [`${at}.express_company: taken as ZTO`],
      event: { data: { shipping_list: [{ express_company: 'ZTO' }] } },
    });
    expect(checked(named('中通快递'))).toMatchObject({
      problems: [{ rule: expect.stringMatching(/: send "ZTO"$/) as string }],
    });
    expect(checked(named('fedex'), { carrierAliases: true })).toMatchObject({
      problems: [{ rule: expect.stringMatching(/: send "FEDEX" or "FEDEX_GJ"$/) as string }],
    });
  });

  it('leaves an event that is in order as it is, and the caller’s event always', () => {
    expect(kept(() => undefined).notes).toEqual([]);
    const event = shippedEvent();
    parcelOf(event)['note'] = null;
    const before = structuredClone(event);
    checkEvent(event, options);
    expect(event).toEqual(before);
  });
});

describe('an item_desc beyond the limit', () => {
  const graphemes = new Intl.Segmenter('zh', { granularity: 'grapheme' });

  it.each(['果', '🍌', '👨‍👩‍👧‍👦', '🇨🇳', '👍🏽', 'e\u0301', '❤️', 'ก็', '1️⃣'])(
    'is cut between whole characters as the buyer sees them: %s',
    (character) => {
      for (const before of ['', 'a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef']) {
        const text = before + character.repeat(110);
        const cut = cutItemDesc(text);
        expect(Array.from(cut).length).toBeLessThanOrEqual(100);
        expect(cut.endsWith('…')).toBe(true);
        const whole = [...graphemes.segment(text)].map(({ segment }) => segment);
        const kept = [...graphemes.segment(cut.slice(0, -1))].map(({ segment }) => segment);
        expect(kept).toEqual(whole.slice(0, kept.length));
        expect(Array.from(cut).length).toBeGreaterThan(100 - Array.from(character).length - 1);
      }
    },
  );

  it('is cut somewhere even where it is one character alone', () => {
    expect(Array.from(cutItemDesc(`a${'\u0301'.repeat(200)}`))).toHaveLength(100);
  });

  it('is none at a hundred', () => {
    expect(cutItemDesc('🍌'.repeat(100))).toBe('🍌'.repeat(100));
  });
});

describe('an offer', () => {
  it('may leave its version to the door, and is checked all the same', () => {
    const { version: _none, ...event } = shippedEvent();
    for (const offer of [event, { ...event, version: null }, { ...event, version: undefined }]) {
      const found = checkOffer(offer, options);
      expect(found).toMatchObject({ kind: 'valid', notes: [] });
      expect(found).not.toHaveProperty('event.version');
    }
    expect(checkOffer({ ...event, id: 7 }, options)).toMatchObject({ problems: [{ field: 'id' }] });
    expect(checkEvent(event, options)).toMatchObject({ problems: [{ field: 'version', value: 'missing' }] });
  });

  it('has its notes kept one a line, twenty at most, and in a text that Postgres can hold', () => {
    expect(describeNotes([])).toBeNull();
    expect(describeNotes(['a\u0000', '\ud800'])).toBe('a\ufffd\n\ufffd');
    expect(
      describeNotes(Array.from({ length: 22 }, (_, n) => `${n}`))
        ?.split('\n')
        .at(-1),
    ).toBe('and 2 more');
  });
});

describe('a suggestion', () => {
  it.each([
    ['中通', ['ZTO']],
    ['顺丰快递公司', ['SF']],
    [' sf ', ['SF']],
    ['shunfeng', ['SF']],
    ['YUNDA', ['YD']],
    ['京东物流', ['JD']],
    ['德邦物流', ['DBLKY']],
    ['快递', []],
    ['', []],
  ])('for %j is %j', (text, ids) => {
    expect(suggestCarriers(text, options.carriers)).toEqual(ids);
  });

  it('is of the list at hand alone', () => {
    expect(suggestCarriers('中通', new Map([['SF', '顺丰速运']]))).toEqual([]);
  });
});
