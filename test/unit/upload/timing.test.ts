import { describe, expect, it } from 'vitest';
import { jittered } from '../../../src/clock.ts';
import { backoffMs, defaultTiming, notVisibleWaitMs } from '../../../src/upload/timing.ts';

const timing = defaultTiming;
const at = (random: number) => ({ nowMs: 0, random: () => random, timing });
const secondMs = 1_000;
const dayMs = 24 * 60 * 60 * secondMs;

describe('the waits of the state machine', () => {
  it('give a call 30 s and a stop 12 s', () => {
    expect([timing.leaseMs, timing.drainMs]).toEqual([30 * secondMs, 12 * secondMs]);
  });

  it('ask for an unseen payment for a day, then daily until the fourteenth', () => {
    expect(timing.notVisibleForMs).toBe(dayMs);
    expect([timing.parkedRetryMs, timing.parkedRetryForMs]).toEqual([dayMs, 14 * dayMs]);
    expect([1, 2, 4, 5].map((attempts) => notVisibleWaitMs(attempts, at(0)) / secondMs)).toEqual([
      15, 60, 960, 3_600,
    ]);
  });

  it('read an unknown outcome after 2 s and every 5 s, and leave it to a person after a day', () => {
    expect([timing.readAfterMs, timing.readGapMs]).toEqual([2 * secondMs, 5 * secondMs]);
    expect(timing.unreadableAfterMs).toBe(dayMs);
  });

  it('double from a second to a quarter of an hour, and are no shorter before the first send', () => {
    expect([0, 1, 2, 10, 11, 99].map((attempts) => backoffMs(attempts, at(0)) / secondMs)).toEqual([
      1, 1, 2, 512, 900, 900,
    ]);
    expect([0, 1].map((attempts) => notVisibleWaitMs(attempts, at(0)) / secondMs)).toEqual([15, 15]);
  });

  it('are made longer by up to a fifth, in whole milliseconds', () => {
    expect([0, 0.5, 1].map((random) => jittered(1_000, () => random))).toEqual([1_000, 1_100, 1_200]);
    expect(jittered(7, () => 0.5)).toBe(8);
    expect([backoffMs(99, at(1)), notVisibleWaitMs(99, at(1))]).toEqual([1_080 * secondMs, 4_320 * secondMs]);
  });
});
