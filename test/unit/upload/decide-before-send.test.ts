import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../../src/upload/content.ts';
import { decideBeforeSend, waitForPausedReads } from '../../../src/upload/decide-before-send.ts';
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

describe('before a send to a payment that may have a history', () => {
  const before = (change: Partial<LeasedRow>, reading: Reading, known: Partial<Siblings> = {}) =>
    decideBeforeSend(row(change), { reading, siblings: { ...noSiblings, ...known } }, context);

  it.each<[Verdict, Partial<Siblings>, string, string]>([
    [{ kind: 'same', count: 0 }, {}, 'acknowledged', 'acknowledged'],
    [{ kind: 'same', count: 2 }, { finished: true, spent: true }, 'acknowledged', 'acknowledged'],
    [{ kind: 'open' }, {}, 'send', 'rejected'],
    [{ kind: 'open' }, { carried: true }, 'send', 'rejected'],
    [{ kind: 'open' }, { finished: true }, 'parked conflict', 'pending'],
    [{ kind: 'open' }, { finished: true, carried: true }, 'acknowledged', 'pending'],
    [{ kind: 'open' }, { spent: true }, 'parked conflict', 'parked conflict'],
    [{ kind: 'open' }, { spent: true, carried: true }, 'acknowledged', 'parked conflict'],
    [{ kind: 'open' }, { otherKind: true }, 'parked conflict', 'pending'],
    [{ kind: 'open' }, { otherKind: true, finished: true }, 'parked conflict', 'pending'],
    [{ kind: 'other_kind', count: 0 }, {}, 'parked conflict', 'send'],
    [{ kind: 'other_kind', count: 0 }, { spent: true }, 'parked conflict', 'parked conflict'],
    [{ kind: 'other_kind', count: 1 }, {}, 'parked conflict', 'send'],
    [{ kind: 'other_kind', count: 2 }, {}, 'parked conflict', 'parked conflict'],
    [{ kind: 'finished', count: 1 }, {}, 'parked conflict', 'send'],
    [{ kind: 'finished', count: 1 }, { carried: true }, 'parked conflict', 'send'],
    [{ kind: 'finished', count: 1 }, { spent: true }, 'parked conflict', 'parked conflict'],
    [{ kind: 'finished', count: 2 }, {}, 'parked conflict', 'parked conflict'],
    [{ kind: 'refunded' }, {}, 'rejected', 'rejected'],
    [{ kind: 'settled' }, {}, 'rejected', 'rejected'],
    [{ kind: 'closed', orderState: 6 }, {}, 'parked not_shippable', 'parked not_shippable'],
  ])(
    'a read that says %j, with %j on our record, makes a shipped event %s, a correction %s',
    (verdict, known, ...ends) => {
      expect(kinds.map((kind) => lineOf(before({ kind }, read(verdict), known)))).toEqual(ends);
    },
  );

  it('is claimed anew when the payment was written to at its own upload_time or later, for WeChat would refuse that', () => {
    const last = (lastUploadTimeMs: number) =>
      before({ uploadTimeMs: 7 }, read({ kind: 'open' }), { lastUploadTimeMs });
    expect(last(6)).toEqual({ to: 'send' });
    for (const time of [7, 8]) expect(last(time)).toMatchObject({ to: 'pending', spent: false, afterMs: 0 });
    const held = before({ uploadTimeMs: 7 }, read({ kind: 'same', count: 0 }), { lastUploadTimeMs: 8 });
    expect(held).toMatchObject({ to: 'acknowledged' });
  });

  it('says in a conflict whether a correction can still help', () => {
    const detail = (verdict: Verdict, known: Partial<Siblings> = {}) => before({}, read(verdict), known);
    const help = { detail: expect.stringMatching(/send a correction event/) as string, retryAfterMs: null };
    const over = { detail: expect.stringMatching(/chance is spent/) as string, retryAfterMs: null };
    expect(detail({ kind: 'other_kind', count: 0 })).toMatchObject({
      detail: expect.stringMatching(
        /another delivery_mode or logistics_type.*send a correction event/,
      ) as string,
    });
    expect(detail({ kind: 'finished', count: 1 })).toMatchObject(help);
    expect(detail({ kind: 'finished', count: 2 })).toMatchObject(over);
    expect(detail({ kind: 'open' }, { finished: true })).toMatchObject(help);
    expect(detail({ kind: 'open' }, { spent: true })).toMatchObject(over);
    expect(detail({ kind: 'open' }, { otherKind: true })).toMatchObject({
      detail: expect.stringMatching(/another delivery_mode or logistics_type/) as string,
    });
    expect(detail({ kind: 'open' }, { otherKind: true, spent: true })).toMatchObject(over);
    expect(before({ kind: 'corrected' }, open, { spent: true })).toMatchObject(over);
    expect(detail({ kind: 'refunded' })).toMatchObject({
      detail: expect.stringMatching(/refunded/) as string,
    });
    expect(detail({ kind: 'settled' })).toMatchObject({
      detail: expect.stringMatching(/already settled/) as string,
    });
  });

  it('leaves an event that a newer one under the other key has overtaken to the next claim', () => {
    for (const reading of [open, absent, failed, read({ kind: 'same', count: 0 })])
      expect(before({}, reading, { overtaken: true })).toEqual({
        to: 'pending',
        afterMs: 0,
        spent: false,
        detail: 'a newer version was acknowledged under the other key of the payment',
      });
  });

  it('sends nothing while a row of the other key may be on the wire, whatever the read shows', () => {
    for (const reading of [absent, open, read({ kind: 'same', count: 1 })])
      expect(before({}, reading, { inFlight: true })).toEqual({
        to: 'pending',
        afterMs: defaultTiming.readGapMs,
        spent: false,
        detail: "the payment's other key is on the wire",
      });
  });

  it('waits for a payment that is not found as after a send', () => {
    expect(before({}, absent)).toMatchObject({ to: 'pending', spent: true, afterMs: 15_000 });
    expect(before({ firstSentAtMs: nowMs - dayMs }, absent)).toMatchObject({
      to: 'parked',
      reason: 'payment_not_found',
    });
  });

  it('sends nothing when the read failed, waits longer each time, and gives up at the tenth of a day', () => {
    const unread = (failedReads: number, forMs: number | null) =>
      before({ failedReads, unreadSinceMs: forMs === null ? null : nowMs - forMs }, failed);
    expect(unread(0, null)).toEqual({
      to: 'pending',
      afterMs: 1_000,
      spent: false,
      failedReads: 1,
      detail: 'the read before the write failed: timeout',
    });
    expect(unread(3, 7_000)).toMatchObject({ to: 'pending', afterMs: 8_000, failedReads: 4 });
    expect(unread(99, dayMs)).toMatchObject({ to: 'pending', afterMs: 900_000 });
    expect(unread(8, 9 * dayMs)).toMatchObject({ to: 'pending', spent: false });
    expect(unread(9, dayMs + 1)).toMatchObject({ to: 'parked', reason: 'unreadable', retryAfterMs: null });
  });

  it('gives a correction that waits for a lagging read the same deadline', () => {
    const waiting = (failedReads: number) =>
      before({ kind: 'corrected', failedReads, unreadSinceMs: nowMs - dayMs - 1 }, open, { finished: true });
    expect(waiting(8)).toMatchObject({ to: 'pending', failedReads: 9, spent: false });
    expect(waiting(9)).toMatchObject({ to: 'parked', reason: 'unreadable' });
  });

  it('counts no read that was not sent', () => {
    const old = { failedReads: 40, unreadSinceMs: nowMs - 9 * dayMs };
    expect(before(old, notSent)).toEqual({
      to: 'pending',
      afterMs: defaultTiming.readGapMs,
      spent: false,
      detail: 'not read: connect',
    });
  });

  it('looks at paused reads again after half a minute, and gives the attempt back', () => {
    expect(waitForPausedReads(context)).toMatchObject({ to: 'pending', afterMs: 30_000, spent: false });
  });
});

describe('before a send by an event that is older than the database', () => {
  const before = (change: Partial<LeasedRow>, verdict: Verdict, shipped: boolean) =>
    decideBeforeSend(
      row({ caution: 'older', ...change }),
      { reading: { kind: 'verdict', verdict, shipped }, siblings: noSiblings },
      context,
    );

  it('never restates what WeChat shows', () => {
    for (const verdict of [{ kind: 'open' }, { kind: 'finished', count: 1 }] satisfies Verdict[])
      for (const kind of kinds) expect(lineOf(before({ kind }, verdict, true))).toBe('parked older_event');
  });

  it('acknowledges what WeChat holds already, and sends what it does not know', () => {
    expect(before({}, { kind: 'same', count: 1 }, true).to).toBe('acknowledged');
    expect(before({}, { kind: 'open' }, false)).toEqual({ to: 'send' });
  });

  it('is an event like any other where its caution is another one', () => {
    expect(before({ caution: 'forgotten' }, { kind: 'open' }, true)).toEqual({ to: 'send' });
    expect(before({ caution: null }, { kind: 'open' }, true)).toEqual({ to: 'send' });
  });
});

describe('before a send by an event of a backfill', () => {
  const before = (verdict: Verdict, shipped: boolean, change: Partial<LeasedRow> = {}) =>
    decideBeforeSend(
      row({ caution: 'backfill', ...change }),
      { reading: { kind: 'verdict', verdict, shipped }, siblings: noSiblings },
      context,
    );

  it('leaves a payment as it is that the shop had shipped itself, whatever was said then', () => {
    for (const verdict of [
      { kind: 'open' },
      { kind: 'finished', count: 1 },
      { kind: 'other_kind', count: 0 },
      { kind: 'refunded' },
      { kind: 'settled' },
    ] satisfies Verdict[])
      for (const kind of kinds)
        expect(before(verdict, true, { kind })).toEqual({
          to: 'acknowledged',
          detail: 'WeChat showed the payment as shipped before the backfill: nothing was sent',
        });
  });

  it('says of a payment that was shipped with this very content that WeChat held it', () => {
    expect(before({ kind: 'same', count: 1 }, true)).toEqual({
      to: 'acknowledged',
      detail: 'WeChat held this content already',
    });
  });

  it('ships a payment that WeChat shows as waiting to be shipped', () => {
    expect(before({ kind: 'open' }, false)).toEqual({ to: 'send' });
    expect(lineOf(before({ kind: 'refunded' }, false))).toBe('rejected');
  });

  it('is an event like any other where it is no backfill', () => {
    expect(lineOf(before({ kind: 'finished', count: 1 }, true, { caution: null }))).toBe('parked conflict');
  });
});
