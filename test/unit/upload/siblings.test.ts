import { describe, expect, it } from 'vitest';
import { believed, noSiblings, siblingsOf, type SiblingRow } from '../../../src/upload/siblings.ts';

const body = (change: object = {}, ...parcels: string[]): string =>
  JSON.stringify({
    order_key: { order_number_type: 2, transaction_id: 't' },
    logistics_type: 1,
    delivery_mode: 2,
    is_all_delivered: false,
    shipping_list: parcels.map((tracking_no) => ({ tracking_no, item_desc: '苹果' })),
    ...change,
  });
const row = { id: 9, version: 9, body: body({}, 'a') };
const sibling = (change: Partial<SiblingRow> = {}): SiblingRow => ({
  id: 1,
  version: 1,
  kind: 'shipped',
  state: 'acknowledged',
  body: change.state === undefined || change.state === 'acknowledged' ? body({}, 'a') : null,
  finishedCodes: [],
  uploadTimeMs: null,
  ...change,
});
const of = (...rows: SiblingRow[]) => {
  const {
    acknowledged: _contents,
    takesBack: _other,
    lastUploadTimeMs: _last,
    ...known
  } = siblingsOf(row, rows);
  return Object.entries(known)
    .filter(([, value]) => value)
    .map(([name]) => name);
};

describe('what our own record says of a payment', () => {
  it('is nothing for a payment without other rows', () => {
    expect(siblingsOf(row, [])).toEqual(noSiblings);
    expect(siblingsOf(row, [sibling({ id: 9, state: 'uploading' })])).toEqual(noSiblings);
  });

  it('knows the last upload_time of the others, whatever became of them, and not its own', () => {
    const times = [sibling({ uploadTimeMs: 5 }), sibling({ id: 2, state: 'parked', uploadTimeMs: 7 })];
    expect(siblingsOf(row, [...times, sibling({ id: 9, uploadTimeMs: 8 })]).lastUploadTimeMs).toBe(7);
  });

  it('remembers of what was forgotten that it was finished, and that its chance is spent', () => {
    const grave = (finished: boolean, chanceSpent: boolean) =>
      siblingsOf(row, [], [{ finished, chanceSpent }]);
    expect(grave(false, false)).toEqual(noSiblings);
    expect(grave(true, false)).toEqual({ ...noSiblings, finished: true });
    expect(grave(true, true)).toEqual({ ...noSiblings, finished: true, spent: true });
  });

  it('says when all it does is leave out a parcel of the last acknowledged one', () => {
    const takesBack = (ours: string, ...before: SiblingRow[]) =>
      siblingsOf({ ...row, body: ours }, before).takesBack;
    const ab = sibling({ body: body({}, 'a', 'b') });
    expect(takesBack(body({}, 'a'), ab)).toBe(true);
    expect(takesBack(body({}, 'c', 'b', 'a'), ab)).toBe(false);
    expect(takesBack(body({}, 'a', 'c'), ab)).toBe(false); // what it brings is an effect
    expect(takesBack(body({}, 'a'), sibling({ ...ab, state: 'rejected' }))).toBe(false);
    expect(takesBack(body({}, 'a'), ab, sibling({ id: 2, version: 2, body: body({}, 'a') }))).toBe(false);
    const without = (text: string) => body({ shipping_list: [{ item_desc: text }] });
    expect(takesBack(without('梨'), sibling({ body: without('苹果') }))).toBe(false);
    expect(takesBack(without('苹果'), sibling({ body: without('苹果') }))).toBe(false);
    const by = (express_company: string) =>
      body({ shipping_list: [{ tracking_no: 'a', express_company, item_desc: '梨' }] });
    expect(takesBack(by('SF'), sibling({ body: by('ZTO') }))).toBe(false);
    const two = body({
      shipping_list: ['SF', 'ZTO'].map((carrier) => ({
        tracking_no: 'a',
        express_company: carrier,
        item_desc: '梨',
      })),
    });
    expect(takesBack(by('SF'), sibling({ body: two }))).toBe(true);
    const both = body({ shipping_list: [{ item_desc: '苹果' }, { item_desc: '梨' }] });
    expect(takesBack(without('梨'), sibling({ body: both }))).toBe(true);
  });

  it('says when a newer version was acknowledged, as only another key allows', () => {
    expect(of(sibling({ id: 10, version: 10 }))).toContain('overtaken');
    expect(of(sibling({ id: 10, version: 9 }))).not.toContain('overtaken');
    expect(of(sibling({ id: 10, version: 10, state: 'rejected' }))).toEqual([]);
  });

  it('says when another row is or may be on the wire', () => {
    expect(of(sibling({ state: 'uploading' }))).toEqual(['inFlight']);
    expect(of(sibling({ state: 'unknown' }))).toEqual(['inFlight']);
    for (const state of ['pending', 'parked', 'rejected', 'superseded'] as const)
      expect(of(sibling({ state }))).toEqual([]);
  });

  it('says finished by what was acknowledged alone', () => {
    expect(of(sibling({ body: body({ is_all_delivered: true }, 'b') }))).toEqual(['finished']);
    expect(of(sibling({ body: body({ delivery_mode: 1 }, 'b') }))).toEqual(['finished', 'otherKind']);
    expect(of(sibling({ body: body({}, 'b') }))).toEqual([]);
    expect(of(sibling({ body: null }))).toEqual([]);
    expect(of(sibling({ state: 'rejected', body: body({ is_all_delivered: true }, 'b') }))).toEqual([]);
  });

  it('says finished by the codes of any row, its own too, and spent by 10060003', () => {
    expect(of(sibling({ state: 'parked', finishedCodes: [10060002] }))).toEqual(['finished']);
    expect(of(sibling({ id: 9, state: 'uploading', finishedCodes: [10060002] }))).toEqual(['finished']);
    expect(of(sibling({ state: 'parked', finishedCodes: [10060003] }))).toEqual(['finished', 'spent']);
  });

  it('says spent by an acknowledged correction alone', () => {
    expect(of(sibling({ kind: 'corrected', body: body({}, 'b') }))).toEqual(['spent']);
    expect(of(sibling({ kind: 'corrected', state: 'rejected' }))).toEqual([]);
    expect(of(sibling({ id: 9, kind: 'corrected', state: 'acknowledged' }))).toEqual([]);
  });

  it('says another kind by the last acknowledged one, by version and then by arrival', () => {
    const unified = body({ delivery_mode: 1 }, 'b');
    const split = body({}, 'b');
    expect(of(sibling({ body: body({ logistics_type: 3 }, 'b') }))).toEqual(['otherKind']);
    expect(of(sibling({ version: 2, body: split }), sibling({ id: 2, body: unified }))).toEqual(['finished']);
    expect(of(sibling({ id: 2, body: unified }), sibling({ body: split }))).toEqual([
      'finished',
      'otherKind',
    ]);
  });

  it('knows its own content in the last acknowledged one, whichever key names the payment', () => {
    const other = { order_key: { order_number_type: 1, mchid: 'm', out_trade_no: 'o' } };
    expect(of(sibling({ body: body(other, 'a') }))).toEqual(['carried']);
    expect(of(sibling({ body: body({}, 'a', 'b') }))).toEqual([]);
    expect(of(sibling({ body: body({ is_all_delivered: true }, 'a') }))).toEqual(['finished']);
  });

  it('knows content that comes back after another one', () => {
    const later = sibling({ id: 2, version: 2, body: body({}, 'a', 'b') });
    expect(of(later, sibling())).toEqual(['returns']);
    expect(of(later, sibling(), sibling({ id: 3, version: 3 }))).toEqual(['carried']);
    expect(of(later, sibling({ body: body({}, 'c') }))).toEqual([]);
  });

  it('lists the acknowledged contents, oldest first', () => {
    const rows = [sibling({ version: 2, body: body({}, 'b') }), sibling(), sibling({ state: 'pending' })];
    const lists = siblingsOf(row, rows).acknowledged.map((one) => one.shipping_list[0]?.tracking_no);
    expect(lists).toEqual(['a', 'b']);
  });
});

it('takes "same" for an old read where a later event of ours replaced that content', () => {
  expect(believed({ kind: 'same', count: 0 }, { returns: true })).toEqual({ kind: 'open' });
  expect(believed({ kind: 'same', count: 1 }, { returns: true })).toEqual({ kind: 'finished', count: 1 });
  expect(believed({ kind: 'same', count: 1 }, { returns: false })).toEqual({ kind: 'same', count: 1 });
  expect(believed({ kind: 'refunded' }, { returns: true })).toEqual({ kind: 'refunded' });
});
