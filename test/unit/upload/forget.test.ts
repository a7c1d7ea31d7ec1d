import { describe, expect, it } from 'vitest';
import { decideGraves, type AgedRow } from '../../../src/upload/forget.ts';

const body = (delivery_mode: number, is_all_delivered = false): string =>
  JSON.stringify({
    order_key: { order_number_type: 2, transaction_id: 'p' },
    logistics_type: 1,
    delivery_mode,
    is_all_delivered,
    shipping_list: [],
  });

const row = (change: Partial<AgedRow> = {}): AgedRow => ({
  id: 1,
  appid: 'wx',
  payment: 'p',
  version: 1,
  kind: 'shipped',
  state: 'acknowledged',
  attempts: 1,
  errcode: 0,
  knownFinished: false,
  body: body(2),
  due: true,
  ...change,
});
const only = (...rows: AgedRow[]) => {
  const graves = decideGraves(rows);
  expect(graves).toHaveLength(1);
  return graves[0]!;
};

describe('what a forgotten payment leaves behind', () => {
  it('is its newest version, and the rows that go', () => {
    expect(only(row({ version: 3, id: 7 }), row({ version: 2, id: 8 }))).toEqual({
      appid: 'wx',
      payment: 'p',
      lastVersion: 3,
      finished: false,
      chanceSpent: false,
      ids: [7, 8],
    });
  });

  it('is nothing while one row of it must stay', () => {
    expect(decideGraves([row(), row({ version: 2, due: false })])).toEqual([]);
    expect(decideGraves([])).toEqual([]);
  });

  it('keeps apart payments that share their number in two apps', () => {
    const graves = decideGraves([row(), row({ appid: 'wy', due: false }), row({ payment: 'q' })]);
    expect(graves.map(({ appid, payment }) => [appid, payment])).toEqual([
      ['wx', 'p'],
      ['wx', 'q'],
    ]);
  });

  it('says that the payment is finished when an acknowledged body or a code of WeChat did', () => {
    expect(only(row()).finished).toBe(false);
    expect(only(row({ body: body(1) })).finished).toBe(true);
    expect(only(row(), row({ version: 2, body: body(2, true) })).finished).toBe(true);
    expect(only(row({ state: 'rejected', body: null, knownFinished: true })).finished).toBe(true);
    expect(only(row({ state: 'superseded', body: null })).finished).toBe(false);
  });

  it('says that the chance is spent when a correction was sent and not refused, or WeChat said so', () => {
    expect(only(row({ kind: 'corrected' })).chanceSpent).toBe(true);
    expect(only(row({ kind: 'corrected', state: 'superseded', body: null })).chanceSpent).toBe(true);
    expect(only(row({ kind: 'corrected', state: 'superseded', attempts: 0 })).chanceSpent).toBe(false);
    expect(only(row({ kind: 'corrected', state: 'rejected', body: null })).chanceSpent).toBe(false);
    expect(only(row({ state: 'rejected', body: null, errcode: 10060003 })).chanceSpent).toBe(true);
    expect(only(row({ kind: 'shipped', errcode: 10060002 })).chanceSpent).toBe(false);
  });
});
