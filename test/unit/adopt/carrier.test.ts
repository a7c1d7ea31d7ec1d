import { describe, expect, it } from 'vitest';
import { findCarrier } from '../../../src/adopt/carrier.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';

const find = (
  carrierKey: string | null,
  carrierName: string | null,
  own: Readonly<Record<string, string>> = {},
) => findCarrier({ carrierKey, carrierName }, own, bundledCarriers());
const carrier = (id: string) => ({ kind: 'carrier', id });
const unknown = (words: string, suggested: readonly string[] = []) => ({ kind: 'unknown', words, suggested });

describe('the carrier that a shop names', () => {
  it('is what the file says of its words, before all else', () => {
    expect(find('SF', '中通', { 中通: 'YTO' })).toEqual(carrier('YTO'));
    expect(find('SF', null, { SF: 'OTHER' })).toEqual(carrier('OTHER'));
    expect(find('a', 'b', { a: 'ZTO', b: 'YTO' })).toEqual(carrier('ZTO'));
  });

  it('is unknown where the file names no id of the list, with the ids it may have meant', () => {
    expect(find('SF', '顺丰', { SF: '迅达' })).toEqual(unknown('迅达', ['XDEXPRESS', 'ZY_XDKD']));
    expect(find('SF', null, { SF: 'NOBODY' })).toEqual(unknown('NOBODY'));
  });

  it('is an id as it stands, be it the key or the name, before what words mean', () => {
    expect(find('ZTO', '圆通速递')).toEqual(carrier('ZTO'));
    expect(find('7', 'YTO')).toEqual(carrier('YTO'));
    expect(find('zto', 'YTO')).toEqual(carrier('YTO'));
  });

  it('is the one that its words mean, the key before the name', () => {
    expect(find('zto', '圆通速递')).toEqual(carrier('ZTO'));
    expect(find('7', '圆通速递')).toEqual(carrier('YTO'));
    expect(find('迅达', '圆通速递')).toEqual(carrier('YTO'));
  });

  it('is unknown where no word means one alone, and suggests what any of them may mean, once', () => {
    expect(find(null, null)).toEqual(unknown(''));
    expect(find('7', null)).toEqual(unknown('7'));
    expect(find('宅急送', '宅急送快递')).toEqual(unknown('宅急送 / 宅急送快递', ['ZJS', 'ZJSEXPRESS']));
    expect(find('迅达', '风行')).toEqual(
      unknown('迅达 / 风行', ['XDEXPRESS', 'ZY_XDKD', 'ZY_FX', 'ZY_FXSD']),
    );
  });
});
