import { describe, expect, it } from 'vitest';
import { keyName, readParts } from '../../../src/adopt/read-parts.ts';
import type { AdoptFile } from '../../../src/adopt/file.ts';
import type { Key, Parts, RawPart } from '../../../src/adopt/shop.ts';

const file = { kinds: ['order_id'], appid: 'wx1' } as unknown as AdoptFile;
const key = (ref: string): Key => ({ kind: 'order_id', ref });
const keys = (...refs: string[]): Key[] => refs.map(key);
const row = (ref: string, changes: RawPart = {}): RawPart => ({
  order_id: ref,
  state: 'shipped',
  logistics_type: '1',
  transaction_id: '4200',
  tracking_no: `YT${ref}`,
  ...changes,
});

/** A shop whose query fails over some keys; with what it was asked. */
function shopOf(answer: (refs: string[]) => Parts) {
  const asked: string[][] = [];
  return {
    asked,
    readParts: (given: readonly Key[]): Promise<Parts> => {
      const refs = given.map(({ ref }) => ref);
      asked.push(refs);
      return Promise.resolve(answer(refs));
    },
  };
}
const over = (bad: readonly string[]) =>
  shopOf((refs) =>
    refs.some((ref) => bad.includes(ref))
      ? { kind: 'failed', message: `no number in ${refs.join()}` }
      : { kind: 'rows', rows: refs.map((ref) => row(ref)) },
  );

describe('the parts of some keys', () => {
  it('are none, and nobody is asked, where there is no key', async () => {
    const shop = over([]);
    expect(await readParts(shop, file, [])).toEqual({ kind: 'looked', parts: [], failures: [] });
    expect(shop.asked).toEqual([]);
  });

  it('are asked for at once', async () => {
    const shop = over([]);
    const looked = await readParts(shop, file, keys('1', '2', '3'));
    expect(looked).toMatchObject({
      failures: [],
      parts: [{ name: 'order_id:1' }, { name: 'order_id:2' }, { name: 'order_id:3' }],
    });
    expect(shop.asked).toEqual([['1', '2', '3']]);
  });

  it('are halved until the key that fails stands alone', async () => {
    const shop = over(['4']);
    const looked = await readParts(shop, file, keys('1', '2', '3', '4', '5'));
    expect(looked).toMatchObject({
      failures: [{ key: key('4'), problem: 'no number in 4' }],
      parts: ['1', '2', '3', '5'].map((ref) => ({ name: `order_id:${ref}` })),
    });
    expect(shop.asked).toEqual([['1', '2', '3', '4', '5'], ['1', '2', '3'], ['4', '5'], ['4'], ['5']]);
  });

  it('name each of several keys that fail', async () => {
    expect(await readParts(over(['1', '3']), file, keys('1', '2', '3'))).toMatchObject({
      parts: [{ name: 'order_id:2' }],
      failures: [{ key: key('1') }, { key: key('3') }],
    });
  });

  it.each([
    ['the whole', ['1', '2']],
    ['the left half', ['1']],
    ['the right half', ['2']],
  ])('are broken where %s is', async (_, broken) => {
    const shop = shopOf((refs) =>
      refs.join() === broken.join()
        ? { kind: 'broken', message: 'no table' }
        : refs.length > 1
          ? { kind: 'failed', message: 'x' }
          : { kind: 'rows', rows: [] },
    );
    expect(await readParts(shop, file, keys('1', '2'))).toEqual({ kind: 'broken', message: 'no table' });
  });

  it('that cannot be read are failures of their keys', async () => {
    const shop = shopOf(() => ({ kind: 'rows', rows: [row('1'), row('2', { state: 'sent' })] }));
    expect(await readParts(shop, file, keys('1', '2'))).toMatchObject({
      parts: [{ name: 'order_id:1' }],
      failures: [{ key: key('2'), problem: 'state "sent" must be one of open, shipped, void' }],
    });
  });

  it('that both halves give count once', async () => {
    const shop = shopOf((refs) =>
      refs.length > 1 ? { kind: 'failed', message: 'x' } : { kind: 'rows', rows: [row('1'), row('2')] },
    );
    expect(await readParts(shop, file, keys('1', '2'))).toMatchObject({
      parts: [{ name: 'order_id:1' }, { name: 'order_id:2' }],
    });
  });

  it('are told apart by name, waybill and payment', async () => {
    const rows = [
      row('1'),
      row('1'),
      row('1', { tracking_no: 'B' }),
      row('1', { tracking_no: null }),
      row('1', { transaction_id: '4201' }),
      row('1', { transaction_id: null }),
    ];
    const looked = await readParts(
      shopOf(() => ({ kind: 'rows', rows })),
      file,
      keys('1'),
    );
    expect(looked).toMatchObject({
      parts: [
        { trackingNo: 'YT1', payment: '4200' },
        { trackingNo: 'B' },
        { trackingNo: null },
        { payment: '4201' },
        { payment: null },
      ],
    });
  });
});

it('a key is named by its kind and itself', () => {
  expect(keyName({ kind: 'a', ref: 'b' })).toBe('a\nb');
});
