import type { Decided, LeasedRow } from '../../src/upload/row.ts';

/** What the uploader records of a claimed row that WeChat accepted at once. */
export const accepted = (row: LeasedRow): Decided<{ to: 'acknowledged'; detail: null }> => ({
  row,
  from: 'uploading',
  transition: { to: 'acknowledged', detail: null },
  attempts: [
    {
      kind: 'send',
      outcome: 'accepted',
      uploadTimeMs: row.uploadTimeMs,
      answer: {
        httpStatus: 200,
        errcode: 0,
        errmsg: 'ok',
        rid: 'rid',
        bodyText: null,
        failure: null,
        durationMs: 50,
      },
    },
  ],
});
