import { describe, expect, it } from 'vitest';
import { judgeReceipts, type ReceiptEvidence, type ReceiptFaults } from '../../campaign/receipt-check.ts';

const clean: ReceiptEvidence = {
  payments: ['p'],
  traced: ['p'],
  rows: [{ payment: 'p', state: 'acknowledged', sends: 2 }],
  traces: [{ payment: 'p', state: 'signed', phone: false }],
  requests: [
    { payment: 'p', answer: 'notify errcode 10060028' },
    { payment: 'p', answer: '0' },
  ],
  effects: ['p'],
  clearPhones: 0,
};
const faultsOf = (change: Partial<ReceiptEvidence>): Partial<ReceiptFaults> =>
  Object.fromEntries(Object.entries(judgeReceipts({ ...clean, ...change })).filter(([, count]) => count > 0));
const row = (state: ReceiptEvidence['rows'][number]['state'], sends = 2) => [{ payment: 'p', state, sends }];

describe('the checker of receipts', () => {
  it('finds nothing where nothing is', () => {
    expect(faultsOf({})).toEqual({});
  });

  it.each<[string, Partial<ReceiptEvidence>, Partial<ReceiptFaults>]>([
    ['a payment without a row', { rows: [] }, { lost: 1, withoutIntent: 1 }],
    ['a row that never ended', { rows: row('unknown') }, { lost: 1 }],
    ['an effect that came twice', { effects: ['p', 'p'] }, { effectsNotOne: 1, misrecorded: 1 }],
    ['an acknowledgement without an effect', { effects: [] }, { misrecorded: 1 }],
    ['a refusal with an effect', { rows: row('rejected') }, { misrecorded: 1 }],
    [
      'a call after a lost answer',
      { requests: [{ payment: 'p', answer: 'notify lost_answer' }, ...clean.requests] },
      { calledAgain: 2 },
    ],
    [
      'a call after one that was cut by a kill',
      {
        requests: [
          { payment: 'p', answer: null },
          { payment: 'p', answer: '10060030' },
        ],
      },
      { calledAgain: 1 },
    ],
    ['a call that nobody committed to', { rows: row('acknowledged', 0) }, { withoutIntent: 1 }],
    ['parcels that nobody followed', { traces: [] }, { tracesLost: 1 }],
    [
      'a phone that was kept',
      { traces: [{ payment: 'p', state: 'signed', phone: true }] },
      { phonesKept: 1 },
    ],
    ['a phone in clear', { clearPhones: 1 }, { phonesKept: 1 }],
  ])('finds %s', (_claim, change, faults) => {
    expect(faultsOf(change)).toEqual(faults);
  });

  it('takes a moot row for good with or without an effect', () => {
    expect(faultsOf({ rows: row('moot') })).toEqual({});
    expect(faultsOf({ rows: row('moot'), effects: [] })).toEqual({});
  });
});
