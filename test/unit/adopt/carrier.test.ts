import { describe, expect, it } from 'vitest';
import { findCarrier } from '../../../src/adopt/carrier.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';

const find = (carrierKey: string | null, carrierName: string | null, own: Record<string, string> = {}) =>
  findCarrier({ carrierKey, carrierName }, own, bundledCarriers());
const is = (id: string) => ({ kind: 'carrier', id });

describe('what the shop calls a carrier', () => {
  it.each([
    ['ZTO', null, 'ZTO'],
    ['zhongtong', null, 'ZTO'],
    [null, '顺丰快递公司', 'SF'],
    ['17', '圆通', 'YTO'],
    ['YTO', '中通快递', 'YTO'],
    ['shunfeng', '圆通速递', 'SF'],
    ['圆通', 'ZTO', 'ZTO'],
  ])('%j, %j means %s', (key, name, id) => {
    expect(find(key, name)).toEqual(is(id));
  });

  it('means what the file says before anything else, the key before the name', () => {
    expect(find('ZTO', null, { ZTO: 'YTO' })).toEqual(is('YTO'));
    expect(find('17', '圆通', { 圆通: 'OTHER' })).toEqual(is('OTHER'));
    expect(find('17', '圆通', { 17: 'SF', 圆通: 'OTHER' })).toEqual(is('SF'));
  });

  it('is unknown where the file maps it to what is no id, with what that may be', () => {
    expect(find('17', null, { 17: '中通' })).toEqual({ kind: 'unknown', words: '中通', suggested: ['ZTO'] });
  });

  it('is unknown where nobody knows it, with both words', () => {
    expect(find('99', '村里的三轮车')).toEqual({
      kind: 'unknown',
      words: '99 / 村里的三轮车',
      suggested: [],
    });
    expect(find(null, null)).toEqual({ kind: 'unknown', words: '', suggested: [] });
  });

  it('is unknown where it may be several, and says which, each once', () => {
    const carriers = {
      has: (id: string) => ['A', 'B', 'C'].includes(id),
      called: (alias: string) => ({ one: ['A', 'B'], two: ['B', 'C'] })[alias] ?? [],
    };
    expect(findCarrier({ carrierKey: 'one', carrierName: 'two' }, {}, carriers)).toEqual({
      kind: 'unknown',
      words: 'one / two',
      suggested: ['A', 'B', 'C'],
    });
  });
});
