import { describe, expect, it } from 'vitest';
import { appEffectOf } from '../../../src/apps/effect.ts';
import { decideAfterSend, decideNotSent } from '../../../src/upload/decide-send.ts';
import { defaultTiming } from '../../../src/upload/timing.ts';
import type { Answer } from '../../../src/wechat/answer.ts';
import type { Outcome } from '../../../src/wechat/outcome.ts';
import { leasedRowAt } from '../../support/leased-row.ts';

const nowMs = Date.parse('2026-11-23T10:00:00Z');
const hourMs = 3_600_000;
const context = { nowMs, random: () => 0, timing: defaultTiming };

const row = leasedRowAt(nowMs);

describe('after a send', () => {
  it('is acknowledged by success and by "unchanged" alone', () => {
    expect(decideAfterSend(row(), { kind: 'accepted' }, context).to).toBe('acknowledged');
    expect(decideAfterSend(row(), { kind: 'unchanged' }, context).to).toBe('acknowledged');
    expect(decideAfterSend(row({ history: true }), { kind: 'unchanged' }, context)).toMatchObject({
      to: 'unknown',
      readAfterMs: 0,
      absentReads: 0,
    });
  });

  it('says nothing of a success, whatever was sent before, and names the rule that refused', () => {
    for (const history of [false, true])
      expect(decideAfterSend(row({ history }), { kind: 'accepted' }, context)).toEqual({
        to: 'acknowledged',
        detail: null,
      });
    const invalid: Outcome = { kind: 'invalid', reason: '10060031: no such carrier' };
    expect(decideAfterSend(row(), invalid, context)).toEqual({ to: 'rejected', detail: invalid.reason });
  });

  it('comes back after a second when the token was refused or nothing went out, and with the end of a pause', () => {
    const wait = (outcome: Outcome) => {
      const decided = decideAfterSend(row(), outcome, { ...context, random: () => 1 });
      return decided.to === 'pending' ? decided.afterMs : null;
    };
    expect(wait({ kind: 'token' })).toBe(1_200);
    expect(wait({ kind: 'unknown', reason: 'refused', notSent: true })).toBe(1_200);
    expect(wait({ kind: 'account_stop', errcode: 48001, reason: 'not enabled' })).toBe(0);
  });

  it('gives a row back as it was when the call did not go out, and says what stood in the way', () => {
    const notSent = (answer: Partial<Answer>) => decideNotSent(answer as Answer, context);
    const back = { to: 'pending', afterMs: 1_000, spent: false };
    expect(notSent({ errmsg: 'invalid ip', failure: 'refused' })).toEqual({
      ...back,
      detail: 'not sent: invalid ip',
    });
    expect(notSent({ errmsg: null, failure: 'refused' })).toEqual({ ...back, detail: 'not sent: refused' });
    expect(notSent({ errmsg: null, failure: null })).toEqual({ ...back, detail: 'not sent: no token' });
  });

  it('never goes back to pending with an attempt spent when it may have had an effect', () => {
    const doubtful: Outcome[] = [
      { kind: 'unknown', reason: 'timeout' },
      { kind: 'read_first', reason: '10060002' },
    ];
    for (const outcome of doubtful) expect(decideAfterSend(row(), outcome, context).to).toBe('unknown');
  });

  it('sends again without a read only if provably nothing went out', () => {
    const decided = decideAfterSend(row(), { kind: 'unknown', reason: 'refused', notSent: true }, context);
    expect(decided).toMatchObject({ to: 'pending', spent: false });
  });

  it('waits 15 s, 60 s, 4 min, 16 min, then hourly for a payment that is not visible', () => {
    const waits = [1, 2, 3, 4, 5, 6].map((attempts) => {
      const decided = decideAfterSend(row({ attempts }), { kind: 'not_yet_visible' }, context);
      return decided.to === 'pending' ? decided.afterMs / 1000 : null;
    });
    expect(waits).toEqual([15, 60, 240, 960, 3600, 3600]);
  });

  it('parks an invisible payment a day after its first send, tries daily, and stops on day 14', () => {
    const aged = (hours: number) =>
      decideAfterSend(row({ firstSentAtMs: nowMs - hours * hourMs }), { kind: 'not_yet_visible' }, context);
    expect(aged(25)).toMatchObject({ to: 'parked', reason: 'payment_not_found', retryAfterMs: 24 * hourMs });
    expect(aged(14 * 24 - 1)).toMatchObject({ to: 'parked', retryAfterMs: 24 * hourMs });
    expect(aged(14 * 24)).toMatchObject({ to: 'parked', retryAfterMs: null });
  });

  it('gives the attempt back for throttles, tokens and stops of the account', () => {
    const blameless: Outcome[] = [
      { kind: 'throttled', scope: 'minute', retryAfterMs: 60_000 },
      { kind: 'token' },
      { kind: 'account_stop', errcode: 48001, reason: 'not enabled' },
    ];
    for (const outcome of blameless)
      expect(decideAfterSend(row(), outcome, context)).toMatchObject({ to: 'pending', spent: false });
  });

  it('leaves a row of a used-up day to the pause alone, so that a quota that is cleared early frees it', () => {
    const waits = (scope: 'day' | 'minute') =>
      decideAfterSend(row(), { kind: 'throttled', scope, retryAfterMs: hourMs }, context);
    expect(waits('day')).toMatchObject({ to: 'pending', afterMs: 0, spent: false });
    expect(waits('minute')).toMatchObject({ to: 'pending', afterMs: hourMs, spent: false });
  });

  it('pauses the app for a stop, asks what is left for a daily quota, and slows everybody for a minute quota', () => {
    expect(appEffectOf({ kind: 'account_stop', errcode: 48001, reason: 'x' }, 'upload')).toMatchObject({
      kind: 'pause',
      endpoint: '*',
      resumeAt: null,
    });
    const daily: Outcome = { kind: 'throttled', scope: 'day', retryAfterMs: hourMs };
    expect(appEffectOf(daily, 'upload')).toEqual({ kind: 'quota', endpoint: 'upload' });
    expect(appEffectOf(daily, 'read')).toEqual({ kind: 'quota', endpoint: 'read' });
    const minute: Outcome = { kind: 'throttled', scope: 'minute', retryAfterMs: 60_000 };
    expect(appEffectOf(minute, 'read')).toEqual({ kind: 'slow_down', forMs: 60_000 });
    expect(appEffectOf({ kind: 'accepted' }, 'upload')).toEqual({ kind: 'none' });
  });
});
