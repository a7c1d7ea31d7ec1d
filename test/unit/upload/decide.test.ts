import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../src/upload/content.ts';
import {
  decideAfterRead,
  decideBeforeSend,
  type Reading,
  type Siblings,
} from '../../../src/upload/decide-read.ts';
import { appEffectOf, decideAfterSend } from '../../../src/upload/decide-send.ts';
import type { Held } from '../../../src/upload/row.ts';
import { defaultTiming } from '../../../src/upload/timing.ts';
import type { Outcome } from '../../../src/wechat/outcome.ts';

const nowMs = Date.parse('2026-11-23T10:00:00Z');
const hourMs = 3_600_000;
const context = { nowMs, random: () => 0, timing: defaultTiming };

const row = (change: Partial<Held> = {}): Held => ({
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
  receivedAtMs: nowMs - 1_000,
  uploadTimeMs: nowMs - 500,
  history: false,
  ...change,
});

const read = (verdict: Verdict): Reading => ({ kind: 'verdict', verdict });
const open = read({ kind: 'open' });

describe('after a send', () => {
  it('is acknowledged by success and by "unchanged" alone', () => {
    expect(decideAfterSend(row(), { kind: 'accepted' }, context).to).toBe('acknowledged');
    expect(decideAfterSend(row(), { kind: 'unchanged' }, context).to).toBe('acknowledged');
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

  it('parks an invisible payment after a day, tries daily, and stops on day 14', () => {
    const aged = (hours: number) =>
      decideAfterSend(row({ receivedAtMs: nowMs - hours * hourMs }), { kind: 'not_yet_visible' }, context);
    expect(aged(25)).toMatchObject({ to: 'parked', reason: 'payment_not_found', retryAfterMs: 24 * hourMs });
    expect(aged(15 * 24)).toMatchObject({ to: 'parked', retryAfterMs: null });
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

describe('after a read about an unknown outcome', () => {
  it('believes "not there" only the second time', () => {
    const first = decideAfterRead(row(), open, context);
    expect(first).toMatchObject({ to: 'unknown', absentReads: 1, readAfterMs: defaultTiming.readGapMs });
    expect(decideAfterRead(row({ absentReads: 1 }), open, context)).toMatchObject({
      to: 'pending',
      spent: true,
    });
    expect(decideAfterRead(row({ absentReads: 1 }), { kind: 'absent' }, context).to).toBe('pending');
  });

  it('acknowledges what WeChat holds and parks what it holds otherwise', () => {
    expect(decideAfterRead(row(), read({ kind: 'same', count: 1 }), context).to).toBe('acknowledged');
    expect(decideAfterRead(row(), read({ kind: 'finished', count: 1 }), context)).toMatchObject({
      to: 'parked',
      reason: 'conflict',
    });
  });

  it.each([10060002, 10060003])('never sends again after %i, whatever a lagging read shows', (errcode) => {
    for (const absentReads of [0, 1, 5])
      expect(decideAfterRead(row({ errcode, absentReads }), open, context).to).toBe('unknown');
    const old = row({ errcode, absentReads: 9, uploadTimeMs: nowMs - 25 * hourMs });
    expect(decideAfterRead(old, open, context)).toMatchObject({ to: 'parked', reason: 'unreadable' });
  });

  it('rejects a refunded payment and parks a closed one', () => {
    expect(decideAfterRead(row(), read({ kind: 'refunded' }), context).to).toBe('rejected');
    expect(decideAfterRead(row(), read({ kind: 'closed', orderState: 4 }), context)).toMatchObject({
      to: 'parked',
      reason: 'not_shippable',
    });
  });

  it('reads on while reads fail, and gives up to a person after a day', () => {
    const failed: Reading = { kind: 'failed', reason: 'timeout' };
    expect(decideAfterRead(row({ absentReads: 1 }), failed, context)).toMatchObject({
      to: 'unknown',
      absentReads: 1,
    });
    expect(decideAfterRead(row({ uploadTimeMs: nowMs - 25 * hourMs }), failed, context).to).toBe('parked');
  });

  it('sends a correction again only while its payment is finished once', () => {
    const correction = row({ kind: 'corrected', absentReads: 1 });
    expect(decideAfterRead(correction, read({ kind: 'finished', count: 1 }), context).to).toBe('pending');
    expect(decideAfterRead(correction, read({ kind: 'finished', count: 2 }), context).to).toBe('parked');
  });
});

describe('before a send to a payment with a history', () => {
  const siblings: Siblings = { finished: false, acknowledgedHashes: [] };
  const before = (change: Partial<Held>, reading: Reading, known = siblings) =>
    decideBeforeSend(row(change), { reading, siblings: known }, context);

  it('lets an event through while the payment is open', () => {
    expect(before({}, open)).toEqual({ to: 'send' });
  });

  it('never sends a shipped event to a finished payment, not even when the read lags behind our own record', () => {
    expect(before({}, read({ kind: 'finished', count: 1 })).to).toBe('parked');
    expect(before({}, open, { finished: true, acknowledgedHashes: ['other'] }).to).toBe('parked');
  });

  it('acknowledges content that an earlier event carried', () => {
    const known = { finished: true, acknowledgedHashes: ['h'] };
    expect(before({}, open, known).to).toBe('acknowledged');
  });

  it('sends a correction at count 1 alone', () => {
    expect(before({ kind: 'corrected' }, read({ kind: 'finished', count: 1 }))).toEqual({ to: 'send' });
    expect(before({ kind: 'corrected' }, read({ kind: 'finished', count: 2 })).to).toBe('parked');
    expect(before({ kind: 'corrected' }, open).to).toBe('rejected');
    expect(before({ kind: 'corrected' }, open, { finished: true, acknowledgedHashes: [] })).toMatchObject({
      to: 'pending',
      spent: false,
    });
  });

  it('remembers of a forgotten payment that it is finished and that its chance is spent', () => {
    const forgotten = { finished: true, chanceSpent: true, acknowledgedHashes: [] };
    expect(before({ caution: 'forgotten' }, open, forgotten)).toMatchObject({ reason: 'conflict' });
    for (const lagging of [open, read({ kind: 'finished', count: 1 })])
      expect(before({ caution: 'forgotten', kind: 'corrected' }, lagging, forgotten)).toMatchObject({
        to: 'parked',
        reason: 'conflict',
        detail: expect.stringContaining('the re-ship chance is spent') as string,
      });
    expect(before({ caution: 'forgotten' }, open)).toEqual({ to: 'send' });
  });

  it('never restates by an event that is older than the database what WeChat shows', () => {
    const shown = (verdict: Verdict): Reading => ({ kind: 'verdict', verdict, shipped: true });
    const older = { caution: 'older' } as const;
    for (const verdict of [{ kind: 'open' }, { kind: 'finished', count: 1 }] satisfies Verdict[])
      for (const kind of ['shipped', 'corrected'] as const)
        expect(before({ ...older, kind }, shown(verdict))).toMatchObject({
          to: 'parked',
          reason: 'older_event',
        });
    expect(before(older, shown({ kind: 'same', count: 1 })).to).toBe('acknowledged');
    expect(before(older, { kind: 'verdict', verdict: { kind: 'open' }, shipped: false })).toEqual({
      to: 'send',
    });
    expect(before({}, shown({ kind: 'open' }))).toEqual({ to: 'send' });
  });

  it('sends nothing when the read failed', () => {
    expect(before({}, { kind: 'failed', reason: 'timeout' })).toMatchObject({ to: 'pending', spent: false });
  });
});
