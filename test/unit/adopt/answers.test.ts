import { expect, it } from 'vitest';
import { answerOf } from '../../../src/adopt/answers.ts';
import type { AdoptUpload, Unanswered } from '../../../src/adopt/store.ts';

const saidAtMs = 1_000;
const row = (changes: Partial<Unanswered> = {}): Unanswered => ({
  id: 1,
  appid: 'wx0123456789abcdef',
  payment: '4200001234202611230000000001',
  state: 'said',
  detail: null,
  version: 1,
  answered: null,
  updatedAt: '1970-01-01 00:00:01+00',
  updatedMs: saidAtMs,
  upload: null,
  keys: [],
  ...changes,
});
const upload = (changes: Partial<AdoptUpload> = {}): AdoptUpload => ({
  state: 'acknowledged',
  errcode: 0,
  errmsg: 'ok',
  rid: null,
  detail: null,
  finishedMs: 1_200,
  ...changes,
});

it('an acknowledgement that comes while the shop is being told to wait is newer than that', () => {
  const waiting = answerOf(row({ upload: upload({ state: 'uploading', finishedMs: null }) }));
  const acknowledged = answerOf(row({ upload: upload({ finishedMs: saidAtMs + 1 }) }));
  expect([waiting?.state, acknowledged?.state]).toEqual(['waiting', 'acknowledged']);
  expect(acknowledged!.atMs).toBeGreaterThan(waiting!.atMs);
});

it('an acknowledgement that stands again when a proposal is dismissed is newer than the proposal', () => {
  const proposed = answerOf(row({ state: 'proposed', updatedMs: 5_000, upload: upload() }));
  const acknowledged = answerOf(row({ state: 'said', updatedMs: 6_000, upload: upload() }));
  expect([proposed?.state, acknowledged?.state]).toEqual(['proposed', 'acknowledged']);
  expect(acknowledged!.atMs).toBeGreaterThan(proposed!.atMs);
});

it('an acknowledgement has the time at which WeChat answered', () => {
  expect(answerOf(row({ upload: upload() }))?.atMs).toBe(1_200);
});

const names = { appid: 'wx0123456789abcdef', payment: '4200001234202611230000000001', version: 1 };
const none = { errcode: null, errmsg: null, rid: null };

it.each(['held', 'proposed'] as const)(
  'a payment that is %s is told with the reason, and nothing of WeChat’s',
  (state) => {
    expect(answerOf(row({ state, detail: 'no waybill', upload: upload() }))).toEqual({
      ...names,
      ...none,
      state,
      reason: 'no waybill',
      atMs: saidAtMs,
    });
  },
);

it.each([null, upload({ state: 'pending' }), upload({ state: 'parked' })])(
  'a payment that is said waits until its upload has ended',
  (of) => {
    const answer = { ...names, ...none, state: 'waiting', reason: null, atMs: saidAtMs };
    expect(answerOf(row({ detail: 'no reason of this', upload: of }))).toEqual(answer);
  },
);

it.each([
  ['acknowledged', null],
  ['rejected', 'a detail'],
  ['superseded', 'a detail'],
] as const)('an upload that is %s is told with WeChat’s answer', (state, reason) => {
  const ended = upload({ state, errcode: 10060004, errmsg: 'said', rid: 'rid-1', detail: 'a detail' });
  expect(answerOf(row({ upload: ended }))).toEqual({
    ...names,
    errcode: 10060004,
    errmsg: 'said',
    rid: 'rid-1',
    state,
    reason,
    atMs: 1_200,
  });
});

it('an upload without an end has the time of the payment', () => {
  expect(answerOf(row({ upload: upload({ finishedMs: null }) }))?.atMs).toBe(saidAtMs);
});

it.each(['nothing', 'skipped', 'failed', 'gone'] as const)(
  'a payment that is %s is told nothing',
  (state) => {
    expect(answerOf(row({ state, upload: upload() }))).toBeNull();
  },
);
