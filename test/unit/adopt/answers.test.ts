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
