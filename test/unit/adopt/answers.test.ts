import { describe, expect, it } from 'vitest';
import { answerOf } from '../../../src/adopt/answers.ts';
import type { Unanswered } from '../../../src/adopt/store.ts';

const now = 1_788_230_000_000;
const payment = (changes: Partial<Unanswered>): Unanswered => ({
  id: 1,
  appid: 'wx1',
  payment: '4200',
  state: 'said',
  detail: null,
  version: 2,
  answered: null,
  updatedAt: '2026-11-23',
  upload: null,
  keys: [{ kind: 'order_id', ref: '1' }],
  ...changes,
});
const upload = (changes: Partial<NonNullable<Unanswered['upload']>> = {}) => ({
  state: 'acknowledged',
  errcode: 0,
  errmsg: 'ok',
  rid: 'rid-1',
  detail: 'a detail',
  finishedMs: now - 5,
  ...changes,
});
const names = { appid: 'wx1', payment: '4200', version: 2 };
const none = { errcode: null, errmsg: null, rid: null };

describe('what the shop is told of a payment', () => {
  it.each(['held', 'proposed'] as const)('is that it is %s, and why', (state) => {
    expect(answerOf(payment({ state, detail: 'no waybill', upload: upload() }), now)).toEqual({
      ...names,
      ...none,
      state,
      reason: 'no waybill',
      atMs: now,
    });
  });

  it.each([null, upload({ state: 'pending' }), upload({ state: 'parked' })])(
    'is that it waits, before the end',
    (of) => {
      expect(answerOf(payment({ upload: of }), now)).toEqual({
        ...names,
        ...none,
        state: 'waiting',
        reason: null,
        atMs: now,
      });
    },
  );

  it('is WeChat’s answer, without a reason, when it was acknowledged', () => {
    expect(answerOf(payment({ upload: upload() }), now)).toEqual({
      ...names,
      errcode: 0,
      errmsg: 'ok',
      rid: 'rid-1',
      state: 'acknowledged',
      reason: null,
      atMs: now - 5,
    });
  });

  it.each(['rejected', 'superseded'])('is the reason as well, when it was %s', (state) => {
    expect(answerOf(payment({ upload: upload({ state, finishedMs: null }) }), now)).toMatchObject({
      state,
      reason: 'a detail',
      atMs: now,
    });
  });

  it.each(['nothing', 'skipped', 'failed', 'gone'] as const)('is nothing where it is %s', (state) => {
    expect(answerOf(payment({ state, upload: upload() }), now)).toBeNull();
  });
});
