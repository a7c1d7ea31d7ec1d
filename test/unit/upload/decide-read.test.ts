import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../src/upload/content.ts';
import { decideAfterRead } from '../../../src/upload/decide-read.ts';
import type { Reading } from '../../../src/upload/reading.ts';
import type { LeasedRow } from '../../../src/upload/row.ts';
import { defaultTiming } from '../../../src/upload/timing.ts';
import { noSiblings, type Siblings } from '../../../src/upload/siblings.ts';
import {
  absent,
  context,
  dayMs,
  failed,
  kinds,
  lineOf,
  notSent,
  nowMs,
  open,
  read,
  row,
} from '../../support/readings.ts';

describe('after a read about an unknown outcome', () => {
  const after = (change: Partial<LeasedRow>, reading: Reading, known: Partial<Siblings> = {}) =>
    decideAfterRead(row(change), { reading, siblings: { ...noSiblings, ...known } }, context);

  it('believes "not there" only the second time, whether the payment is open or not found', () => {
    for (const reading of [open, absent]) {
      expect(after({}, reading)).toEqual({
        to: 'unknown',
        absentReads: 1,
        readAfterMs: defaultTiming.readGapMs,
        failedReads: 0,
        detail: 'a read does not show this content: once more',
      });
      expect(after({ absentReads: 1 }, reading)).toEqual({
        to: 'pending',
        spent: true,
        afterMs: 0,
        detail: 'two reads show that WeChat does not hold this content',
      });
    }
  });

  it('asks twice what WeChat means by "unchanged", and never sends after it', () => {
    const unchanged = { errcode: 10060023, history: true };
    for (const takesBack of [false, true]) {
      expect(after(unchanged, open, { takesBack })).toMatchObject({ to: 'unknown', absentReads: 1 });
      expect(after(unchanged, read({ kind: 'same', count: 0 }), { takesBack }).to).toBe('acknowledged');
    }
    const twice = { ...unchanged, absentReads: 1 };
    expect(after(twice, open)).toMatchObject({ to: 'acknowledged' });
    expect(after(twice, open, { takesBack: true })).toMatchObject({
      to: 'parked',
      reason: 'conflict',
      detail: expect.stringContaining('merges parcel lists') as string,
    });
    expect(lineOf(after({ ...twice, kind: 'corrected' }, read({ kind: 'finished', count: 1 })))).toBe(
      'acknowledged',
    );
    expect(after(twice, absent)).toMatchObject({ to: 'unknown', absentReads: 1, failedReads: 1 });
  });

  it.each<[Verdict, string, string]>([
    [{ kind: 'same', count: 0 }, 'acknowledged', 'acknowledged'],
    [{ kind: 'same', count: 1 }, 'acknowledged', 'acknowledged'],
    [{ kind: 'open' }, 'pending', 'pending'],
    [{ kind: 'other_kind', count: 0 }, 'parked conflict', 'pending'],
    [{ kind: 'other_kind', count: 1 }, 'parked conflict', 'pending'],
    [{ kind: 'other_kind', count: 2 }, 'parked conflict', 'parked conflict'],
    [{ kind: 'finished', count: 1 }, 'parked conflict', 'pending'],
    [{ kind: 'finished', count: 2 }, 'parked conflict', 'parked conflict'],
    [{ kind: 'refunded' }, 'rejected', 'rejected'],
    [{ kind: 'settled' }, 'rejected', 'rejected'],
    [{ kind: 'closed', orderState: 3 }, 'parked not_shippable', 'parked not_shippable'],
  ])(
    'the second read that says %j makes a shipped event %s, a correction %s',
    (verdict, shipped, corrected) => {
      const ends = kinds.map((kind) => lineOf(after({ kind, absentReads: 1 }, read(verdict))));
      expect(ends).toEqual([shipped, corrected]);
    },
  );

  it.each([10060002, 10060003])('never sends again after %i, whatever a lagging read shows', (errcode) => {
    for (const absentReads of [0, 1, 5])
      expect(after({ errcode, absentReads }, open)).toMatchObject({
        to: 'unknown',
        absentReads,
        failedReads: 1,
      });
    const old = { errcode, absentReads: 9, failedReads: 9, unreadSinceMs: nowMs - dayMs - 1 };
    expect(after(old, open)).toMatchObject({ to: 'parked', reason: 'unreadable', retryAfterMs: null });
    expect(after({ errcode: 10060004, absentReads: 1 }, open).to).toBe('pending');
  });

  it('waits like for an unseen payment after 10060004 while WeChat shows "to ship", then parks', () => {
    const early = { errcode: 10060004, absentReads: 1 };
    expect(after(early, open)).toMatchObject({ detail: expect.stringContaining('10060004') as string });
    expect(after(early, open)).toMatchObject({ to: 'pending', spent: true, afterMs: 15_000 });
    expect(after({ ...early, firstSentAtMs: nowMs - dayMs }, open)).toMatchObject({
      to: 'parked',
      reason: 'not_shippable',
      detail: expect.stringContaining('order_state 1') as string,
    });
  });

  it('waits longer after each send that came back, and gives up only after a day of at least five', () => {
    const again = (attempts: number, sentForMs: number) =>
      after({ absentReads: 1, attempts, firstSentAtMs: nowMs - sentForMs }, open);
    expect(again(2, 60_000)).toMatchObject({ to: 'pending', afterMs: 2_000 });
    expect(again(3, 60_000)).toMatchObject({ to: 'pending', afterMs: 4_000 });
    expect(again(4, 9 * dayMs).to).toBe('pending');
    expect(again(5, dayMs).to).toBe('pending');
    expect(again(5, dayMs + 1)).toMatchObject({
      to: 'parked',
      reason: 'unrecognised',
      detail: 'sent 5 times without an effect or a clear answer',
      retryAfterMs: null,
    });
  });

  it('makes no row old by its arrival: a backlog of a week is sent again after its first unclear answer', () => {
    const backlog = { absentReads: 1, receivedAtMs: nowMs - 7 * dayMs };
    expect(after(backlog, open)).toMatchObject({ to: 'pending', afterMs: 0 });
    expect(after({ receivedAtMs: nowMs - 7 * dayMs, uploadTimeMs: nowMs - 7 * dayMs }, failed).to).toBe(
      'unknown',
    );
  });

  it('reads on after reads that failed, each time later, from a second to a quarter of an hour', () => {
    const waits = [0, 1, 2, 9, 10, 99].map((failedReads) => {
      const decided = after({ failedReads, unreadSinceMs: nowMs - 1, absentReads: 1 }, failed);
      expect(decided).toMatchObject({ to: 'unknown', absentReads: 1, failedReads: failedReads + 1 });
      return decided.to === 'unknown' ? decided.readAfterMs / 1_000 : null;
    });
    expect(waits).toEqual([1, 2, 4, 512, 900, 900]);
  });

  it('gives up to a person at the tenth failed read of a day, counted from the first of them', () => {
    const unread = (failedReads: number, forMs: number | null) =>
      lineOf(after({ failedReads, unreadSinceMs: forMs === null ? null : nowMs - forMs }, failed));
    expect(unread(9, dayMs)).toBe('unknown');
    expect(unread(9, dayMs + 1)).toBe('parked unreadable');
    expect(unread(8, 9 * dayMs)).toBe('unknown');
    expect(unread(50, null)).toBe('unknown');
  });

  it('counts no read that was not sent, however old the row is', () => {
    const old = { absentReads: 1, failedReads: 40, unreadSinceMs: nowMs - 9 * dayMs, firstSentAtMs: 0 };
    expect(after(old, notSent)).toEqual({
      to: 'unknown',
      readAfterMs: defaultTiming.readGapMs,
      absentReads: 1,
      failedReads: 40,
      detail: 'not read: connect',
    });
  });
});
