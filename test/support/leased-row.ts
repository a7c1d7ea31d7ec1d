import type { LeasedRow } from '../../src/upload/row.ts';

/** A claimed row that was sent half a second before `nowMs`. */
export const leasedRowAt =
  (nowMs: number) =>
  (change: Partial<LeasedRow> = {}): LeasedRow => ({
    id: 1,
    epoch: 1,
    appid: 'wx',
    payment: 'p',
    version: 1,
    kind: 'shipped',
    eventId: 'e',
    traceparent: null,
    body: '{}',
    bodyHash: 'h',
    deltaBody: null,
    attempts: 1,
    absentReads: 0,
    errcode: null,
    firstSentAtMs: nowMs - 500,
    failedReads: 0,
    unreadSinceMs: null,
    receivedAtMs: nowMs - 1_000,
    uploadTimeMs: nowMs - 500,
    history: false,
    loose: false,
    ...change,
  });
