import { describe, expect, it } from 'vitest';
import { failedAnswer, notSentAnswer, type AnswerFailure } from '../../../src/wechat/answer.ts';
import {
  beijingMidnightAfter,
  classifyTokenFailure,
  classifyUpload,
  isListed,
  isTokenErrcode,
  outcomeKinds,
  outcomeTable,
  type Answer,
  type OutcomeKind,
} from '../../../src/wechat/outcome.ts';

/**
 * wechat.md §1.7, copied by hand with its class and what that class means for an upload. FIX is permanent until the
 * data changes, RETRY of a system error has an unknown effect, READ asks get_order.
 */
const orderCodes: [errcode: number, factsClass: string, kind: OutcomeKind][] = [
  [0, 'OK', 'accepted'],
  [-1, 'RETRY, outcome unknown', 'unknown'],
  [10060001, 'RETRY with delay', 'not_yet_visible'],
  [10060002, 'READ, never blind-OK', 'read_first'],
  [10060003, 'READ', 'read_first'],
  [10060004, 'READ', 'read_first'],
  [10060005, 'FIX', 'invalid'],
  [10060006, 'FIX', 'invalid'],
  [10060007, 'FIX', 'invalid'],
  [10060008, 'FIX', 'invalid'],
  [10060009, 'FIX', 'invalid'],
  [10060011, 'FIX', 'invalid'],
  [10060012, 'RETRY (READ first)', 'unknown'],
  [10060014, 'FIX', 'invalid'],
  [10060019, 'RETRY (READ first)', 'unknown'],
  [10060020, 'FIX', 'invalid'],
  [10060023, 'OK for an identical replay', 'unchanged'],
  [10060024, 'FIX', 'invalid'],
  [10060025, 'FIX', 'invalid'],
  [10060026, 'FIX', 'invalid'],
  [10060028, 'READ', 'read_first'],
  [10060029, 'FIX', 'invalid'],
  // OK/STOP is about the reminder; of an upload it says nothing, so a read decides.
  [10060030, 'OK/STOP', 'read_first'],
  [10060031, 'FIX', 'invalid'],
  [10060032, 'STOP', 'invalid'],
  [268485194, 'FIX', 'invalid'],
  [268485195, 'FIX', 'invalid'],
  [268485196, 'FIX', 'invalid'],
  [268485197, 'FIX', 'invalid'],
  [268485216, 'READ', 'read_first'],
  [268485224, 'FIX', 'invalid'],
  [268485226, 'FIX', 'invalid'],
  [268485227, 'FIX', 'invalid'],
  [268485228, 'FIX', 'invalid'],
  // wechat.md §1.6: special orders.
  [268546000, 'FIX', 'invalid'],
  [268546001, 'FIX', 'invalid'],
  [268546002, 'FIX', 'invalid'],
  // wechat.md §6.5: seen by one peer for an order already shipped.
  [268440065, 'unknown code, get_order', 'read_first'],
];

/** wechat.md §2.2, with what the client must do. */
const generalCodes: [errcode: number, mustDo: string, kind: OutcomeKind][] = [
  [40001, 'fetch again, retry once', 'token'],
  [40002, 'fix our call', 'account_stop'],
  [40013, 'fix the appid', 'account_stop'],
  [40014, 'as 40001', 'token'],
  [40066, 'fix the path', 'account_stop'],
  [40097, 'fix a parameter', 'invalid'],
  [40125, 'stop, alert', 'account_stop'],
  [40164, 'stop, alert', 'account_stop'],
  [40243, 'stop, alert', 'account_stop'],
  [41001, 'fix our call', 'account_stop'],
  [41002, 'fix our call', 'account_stop'],
  [41004, 'fix our call', 'account_stop'],
  [42001, 'refresh, retry once', 'token'],
  [42007, 're-authorise', 'account_stop'],
  [43002, 'fix our call', 'account_stop'],
  [44002, 'fix our call', 'account_stop'],
  [44990, 'back off', 'throttled'],
  [45009, 'pause to the next day', 'throttled'],
  [45011, 'back off to the next minute', 'throttled'],
  [47001, 'fix the types', 'invalid'],
  [48001, 'pause the app, alert', 'account_stop'],
  [48004, 'stop', 'account_stop'],
  [48006, 'not of an upload', 'unknown'],
  [50001, 'stop', 'account_stop'],
  [50002, 'stop', 'account_stop'],
  [61003, 'pause the app', 'account_stop'],
  [61004, 'pause the app', 'account_stop'],
  [61007, 'pause the app', 'account_stop'],
  [61011, 'pause the app', 'account_stop'],
  [76001, 'not of an upload', 'unknown'],
  [76003, 'not of an upload', 'unknown'],
  [76022, 'not of an upload', 'unknown'],
  [89501, 'alert', 'account_stop'],
  [89503, 'alert', 'account_stop'],
  [89506, 'alert', 'account_stop'],
  [89507, 'alert', 'account_stop'],
];

const answered = (errcode: number | null, changes: Partial<Answer> = {}): Answer => ({
  httpStatus: 200,
  errcode,
  errmsg: null,
  rid: null,
  bodyText: null,
  failure: null,
  durationMs: 1,
  ...changes,
});
const noon = new Date('2026-11-23T12:00:00+08:00');
const hourMs = 3_600_000;

describe('the outcome table', () => {
  it.each(orderCodes)('reads %i of the order calls (%s) as %s', (errcode, _class, kind) => {
    expect(classifyUpload(answered(errcode), noon).kind).toBe(kind);
  });

  it.each(generalCodes)('reads the general code %i (%s) as %s', (errcode, _mustDo, kind) => {
    expect(classifyUpload(answered(errcode), noon).kind).toBe(kind);
  });

  it('has one row for every documented code and none besides', () => {
    const ascending = (codes: number[]) => codes.toSorted((a, b) => a - b);
    const documented = [...orderCodes, ...generalCodes].map(([errcode]) => errcode);
    expect(ascending(outcomeTable.map((row) => row.errcode))).toEqual(ascending(documented));
  });

  it('lists a code that has a row and no other', () => {
    expect([0, -1, 89507, 10060013, 2].map(isListed)).toEqual([true, true, true, false, false]);
  });

  it('calls nothing a success but 0 and 10060023', () => {
    const successes = outcomeTable.filter((row) => ['accepted', 'unchanged'].includes(row.kind));
    expect(successes.map((row) => row.errcode)).toEqual([0, 10060023]);
  });

  it('takes the token for guilty only of the three codes that say so', () => {
    const guilty = outcomeTable.map((row) => row.errcode).filter(isTokenErrcode);
    expect(guilty).toEqual([40001, 40014, 42001]);
    expect(isTokenErrcode(null)).toBe(false);
  });

  it('uses every kind of outcome and gives every row a meaning, a remedy and a scope', () => {
    expect(new Set(outcomeTable.map((row) => row.kind))).toEqual(new Set(outcomeKinds));
    const incomplete = outcomeTable.filter(
      (row) => row.meaning === '' || row.remedy === '' || row.scope === undefined,
    );
    expect(incomplete).toEqual([]);
  });
});

describe('an answer to an upload', () => {
  it.each([12345, 10060013, 1, -2, 268485999])('with the unlisted code %i is unknown', (errcode) => {
    const outcome = classifyUpload(answered(errcode));
    expect(outcome).toEqual({ kind: 'unknown', reason: `unlisted errcode ${errcode}` });
  });

  it.each([200, 204, 400, 403, 404, 500, 502])(
    'without an errcode is unknown under HTTP %i',
    (httpStatus) => {
      const outcome = classifyUpload(answered(null, { httpStatus }));
      expect(outcome).toEqual({ kind: 'unknown', reason: `answer without an errcode (HTTP ${httpStatus})` });
    },
  );

  it.each([0, 10060023])('with %i is believed with a 2xx status alone', (errcode) => {
    const kindUnder = (httpStatus: number | null) => classifyUpload(answered(errcode, { httpStatus })).kind;
    expect([200, 201, 299].map(kindUnder)).not.toContain('unknown');
    expect([null, 199, 300, 302, 404, 500, 502].map(kindUnder)).toEqual(Array(7).fill('unknown'));
  });

  it('with any other listed code means the same under every status', () => {
    for (const { errcode, kind } of outcomeTable.filter(({ errcode }) => ![0, 10060023].includes(errcode)))
      for (const httpStatus of [null, 200, 302, 500])
        expect(classifyUpload(answered(errcode, { httpStatus }), noon).kind).toBe(kind);
  });

  it.each([
    [0, 'accepted'],
    [10060023, 'unchanged'],
    [10060001, 'not_yet_visible'],
    [40001, 'token'],
  ])('with %i is %s and needs no reason', (errcode, kind) => {
    expect(classifyUpload(answered(errcode, { errmsg: 'ok' }))).toEqual({ kind });
  });

  it.each<AnswerFailure>(['timeout', 'reset', 'refused', 'too_large', 'unreadable', 'aborted'])(
    'that failed by %s is unknown, whatever else it carries',
    (failure) => {
      expect(classifyUpload(failedAnswer(failure, 5))).toEqual({ kind: 'unknown', reason: failure });
      expect(classifyUpload(answered(0, { failure })).kind).toBe('unknown');
      expect(classifyUpload(answered(0, { failure }))).not.toHaveProperty('notSent');
    },
  );

  it('says of a call that never left that it was not sent, even when it carries a code', () => {
    const outcome = { kind: 'unknown', reason: 'not sent: refused', notSent: true };
    expect(classifyUpload(notSentAnswer('refused', 5))).toEqual(outcome);
    expect(classifyUpload({ ...notSentAnswer('refused', 5), errcode: 0, httpStatus: 200 })).toEqual(outcome);
    expect(classifyUpload(answered(0, { notSent: true }))).toMatchObject({ reason: 'not sent: no token' });
  });

  it('never decides by the text: a code means the same under any errmsg', () => {
    for (const { errcode, kind } of outcomeTable)
      expect(classifyUpload(answered(errcode, { errmsg: 'ok' }), noon).kind).toBe(kind);
  });

  it('carries code, meaning and WeChat’s own text in the reason', () => {
    const errmsg = '参数错误 rid: 6740f0a1-1b2c3d4e-5f607182';
    expect(classifyUpload(answered(10060014, { errmsg }))).toEqual({
      kind: 'invalid',
      reason: `10060014 bad parameter: ${errmsg}`,
    });
    expect(classifyUpload(answered(48001))).toEqual({
      kind: 'account_stop',
      errcode: 48001,
      reason: '48001 shipping management is not enabled for the app',
    });
  });

  it.each([44990, 45011])('with %i waits one minute', (errcode) => {
    expect(classifyUpload(answered(errcode), noon)).toEqual({
      kind: 'throttled',
      scope: 'minute',
      retryAfterMs: 60_000,
    });
  });

  it('with 45009 waits for midnight in Beijing, or an hour when it does not know the time', () => {
    const throttled = { kind: 'throttled', scope: 'day' };
    expect(classifyUpload(answered(45009), noon)).toEqual({ ...throttled, retryAfterMs: 12 * hourMs });
    expect(classifyUpload(answered(45009))).toEqual({ ...throttled, retryAfterMs: hourMs });
  });
});

describe('midnight in Beijing', () => {
  it.each([
    ['2026-11-23T00:00:00.000+08:00', '2026-11-24T00:00:00.000+08:00'],
    ['2026-11-23T23:59:59.999+08:00', '2026-11-24T00:00:00.000+08:00'],
    ['2026-11-22T16:00:00.000Z', '2026-11-24T00:00:00.000+08:00'],
    ['2026-12-31T15:59:59.999Z', '2027-01-01T00:00:00.000+08:00'],
  ])('after %s is %s: strictly later, by at most a day', (now, midnight) => {
    expect(beijingMidnightAfter(new Date(now))).toEqual(new Date(midnight));
  });
});

describe('a token call that brought no token', () => {
  it.each([40001, 40013, 40125, 40164, 40243, 41002, 41004, 47001, 50002, 89501])(
    'stops the app with %i',
    (errcode) => {
      expect(classifyTokenFailure(answered(errcode))).toMatchObject({
        kind: 'account_stop',
        errcode,
        reason: expect.stringContaining(`token call: ${errcode}`) as string,
      });
    },
  );

  it('is throttled with a used-up quota, for the minute or for the day', () => {
    expect(classifyTokenFailure(answered(45011), noon)).toMatchObject({ retryAfterMs: 60_000 });
    expect(classifyTokenFailure(answered(45009), noon)).toMatchObject({ retryAfterMs: 12 * hourMs });
  });

  it.each([
    ['a busy system', answered(-1, { errmsg: 'system error' }), 'no token: system error'],
    ['an unlisted code', answered(99999), 'no token: none in the answer'],
    ['no code at all', answered(null), 'no token: none in the answer'],
    ['a success without a token', answered(0), 'no token: none in the answer'],
    ['a timeout', failedAnswer('timeout', 5), 'no token: timeout'],
  ])('leaves the upload unsent, to be repeated without a read, after %s', (_claim, answer, reason) => {
    expect(classifyTokenFailure(answer)).toEqual({ kind: 'unknown', reason, notSent: true });
  });
});
