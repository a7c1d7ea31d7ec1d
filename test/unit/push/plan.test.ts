import { describe, expect, it } from 'vitest';
import { readEvent } from '../../../src/push/event.ts';
import { namesToFind, planApply } from '../../../src/push/plan.ts';
import { merchantName, type WaitingRow } from '../../../src/push/row.ts';
import {
  asJson,
  pushAppid,
  pushedAt,
  reminder,
  settledPhase,
  shippedPhase,
  type Members,
} from '../../support/pushes.ts';

let id = 0;
const row = (members: Members, appid = pushAppid): WaitingRow => {
  const { key: _key, ...event } = readEvent(asJson(members));
  return { id: ++id, appid, receivedAt: new Date(pushedAt * 1_000), ...event };
};
const unnamed = (members: Members): Members => {
  const { transaction_id: _id, ...rest } = members;
  return rest;
};
const nobody = new Map<string, string>();

describe('a batch of events', () => {
  it('takes one of each payment and leaves the others to the next step', () => {
    const rows = [row(shippedPhase('1')), row(settledPhase('1')), row(shippedPhase('2')), row(reminder('2'))];
    const plan = planApply(rows, nobody);
    expect(plan.facts.map((facts) => [facts.transactionId, facts.orderState])).toEqual([
      ['1', 2],
      ['2', 2],
    ]);
    expect(plan.applied.map((one) => one.id)).toEqual([rows[0]!.id, rows[2]!.id]);
    expect(plan).toMatchObject({ left: 2, wishes: [], settled: [], delayed: [] });
  });

  it('knows a payment of two apps as two', () => {
    const plan = planApply([row(shippedPhase('1')), row(shippedPhase('1'), 'wxfedcba9876543210')], nobody);
    expect(plan.facts).toHaveLength(2);
    expect(plan.left).toBe(0);
  });

  it('knows a payment by both of its names as one', () => {
    const named = row(unnamed(settledPhase('1')));
    const found = new Map([[merchantName({ appid: pushAppid, mchid: '1900000109', outTradeNo: 'T1' }), '1']]);
    expect(planApply([row(shippedPhase('1')), named], found)).toMatchObject({ left: 1 });
    expect(planApply([named], found)).toMatchObject({
      facts: [{ appid: pushAppid, transactionId: '1' }],
      settled: [{ appid: pushAppid, transactionId: '1' }],
    });
  });

  it('asks for the payments that only the merchant’s numbers name', () => {
    const rows = [
      row(shippedPhase('1')),
      row(unnamed(shippedPhase('2'))),
      row({ ...unnamed(shippedPhase('3')), merchant_id: '' }),
      row({ ...unnamed(shippedPhase('4')), Event: 'debug_demo' }),
      row({ ...unnamed(shippedPhase('5')), merchant_trade_no: '' }),
    ];
    expect(namesToFind(rows)).toEqual([{ appid: pushAppid, mchid: '1900000109', outTradeNo: 'T2' }]);
    const plan = planApply(rows, nobody);
    expect(plan.delayed).toEqual([
      { id: rows[1]!.id, failure: 'no transaction is known for 1900000109:T2: a read of it will tell' },
    ]);
    expect(plan.applied).toEqual([
      { id: rows[0]!.id, failure: null },
      { id: rows[2]!.id, failure: 'it names no payment' },
      { id: rows[3]!.id, failure: 'it tells nothing that fahuo keeps' },
      { id: rows[4]!.id, failure: 'it names no payment' },
    ]);
  });

  it('wishes for what WeChat reminds of, and tells what has settled', () => {
    const plan = planApply([row(reminder('1')), row(settledPhase('2')), row(shippedPhase('3'))], nobody);
    expect(plan.wishes).toEqual([{ appid: pushAppid, transactionId: '1' }]);
    expect(plan.settled).toEqual([{ appid: pushAppid, transactionId: '2' }]);
    expect(planApply([row({ ...settledPhase('1'), settlement_time: 0 })], nobody).settled).toEqual([]);
  });

  it('tells warnings apart from what nobody knows', () => {
    const warning = row({ Event: 'wxa_trade_controlled', msg: 'x' });
    const plan = planApply([warning, row({ Event: 'debug_demo' })], nobody);
    expect(plan.warnings).toEqual([warning]);
    expect(plan.applied.map(({ failure }) => failure)).toEqual([null, 'it tells nothing that fahuo keeps']);
  });

  it('may be empty', () => {
    expect(planApply([], nobody)).toMatchObject({ facts: [], applied: [], left: 0 });
  });
});
