import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Usage } from '../../../src/sandbox/usage.ts';

const minuteMs = 60_000;
const startMs = Date.parse('2026-11-23T10:00:00+08:00');
const midnightMs = Date.parse('2026-11-24T00:00:00+08:00');

function usageWith(daily: number, perMinute: number): Usage {
  const usage = new Usage();
  usage.quotas.set('upload', { daily, per_minute: perMinute });
  return usage;
}
const admitAt = (usage: Usage, nowMs: number, count = 1) =>
  Array.from({ length: count }, () => usage.admit('app', 'upload', nowMs));

describe('a quota', () => {
  it('of a minute answers 45011 when it is used up, until the minute is over', () => {
    const usage = usageWith(100, 2);
    expect(admitAt(usage, startMs, 3)).toEqual([null, null, 45011]);
    expect(admitAt(usage, startMs + minuteMs - 1)).toEqual([45011]);
    expect(admitAt(usage, startMs + minuteMs, 3)).toEqual([null, null, 45011]);
  });

  it('of a day answers 45009 when it is used up, until midnight in Beijing', () => {
    const usage = usageWith(3, 100);
    expect(admitAt(usage, startMs, 4)).toEqual([null, null, null, 45009]);
    expect(admitAt(usage, midnightMs - 1)).toEqual([45009]);
    expect(admitAt(usage, midnightMs)).toEqual([null]);
  });

  it('of a day speaks before that of the minute', () => {
    expect(admitAt(usageWith(0, 0), startMs)).toEqual([45009]);
  });

  it('is not used by what it refuses', () => {
    const usage = usageWith(100, 2);
    admitAt(usage, startMs, 10);
    expect(usage.used('app', 'upload', startMs)).toBe(2);
    expect(usage.used('app', 'upload', midnightMs)).toBe(0);
  });

  it('is each app’s and each endpoint’s own', () => {
    const usage = usageWith(1, 1);
    admitAt(usage, startMs);
    expect(usage.admit('other-app', 'upload', startMs)).toBeNull();
    expect(usage.admit('app', 'get_order', startMs)).toBeNull();
    expect(usage.admit('app', 'upload', startMs)).toBe(45009);
  });

  it('that was never set lets everything in, and counts it', () => {
    const usage = new Usage();
    expect(new Set(admitAt(usage, startMs, 1000))).toEqual(new Set([null]));
    expect(usage.used('app', 'upload', startMs)).toBe(1000);
  });

  it('set while the day goes on counts what went before', () => {
    const usage = new Usage();
    admitAt(usage, startMs, 5);
    usage.quotas.set('upload', { daily: 6, per_minute: 100 });
    expect(admitAt(usage, startMs, 2)).toEqual([null, 45009]);
  });
});

describe('the record', () => {
  it('counts answers by endpoint and by what was answered', () => {
    const usage = new Usage();
    for (const answer of ['0', '0', 'hang', '45009']) usage.answered('upload', answer);
    usage.answered('token', '0');
    expect(usage.requests()).toEqual({ upload: { '0': 2, hang: 1, '45009': 1 }, token: { '0': 1 } });
  });

  it('counts how often each fault was met', () => {
    const usage = new Usage();
    for (const fault of ['hang', 'hang', 'status 502']) usage.injected(fault);
    expect(usage.faults()).toEqual({ hang: 2, 'status 502': 1 });
  });

  it('is empty after a reset, and the day’s use with it', () => {
    const usage = usageWith(1, 1);
    admitAt(usage, startMs);
    usage.answered('upload', '0');
    usage.injected('hang');
    usage.reset();
    expect([usage.requests(), usage.faults()]).toEqual([{}, {}]);
    expect([usage.used('app', 'upload', startMs), usage.busiestSecond()]).toEqual([0, 0]);
    expect(admitAt(usage, startMs)).toEqual([null]);
  });
});

describe('the busiest second', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => vi.useRealTimers());

  const admitAfter = (usage: Usage, ms: number, count: number) => {
    vi.advanceTimersByTime(ms);
    admitAt(usage, startMs, count);
    return usage.busiestSecond();
  };

  it('is the most uploads in any window of one second, refused ones included', () => {
    const usage = usageWith(1, 1);
    expect(admitAfter(usage, 0, 4)).toBe(4);
    expect(admitAfter(usage, 999, 3)).toBe(7);
    expect(admitAfter(usage, 1, 3)).toBe(7);
    expect(admitAfter(usage, 998, 2)).toBe(8);
    expect(admitAfter(usage, 5000, 1)).toBe(8);
  });

  it('counts uploads alone', () => {
    const usage = new Usage();
    usage.admit('app', 'get_order', startMs);
    expect(usage.busiestSecond()).toBe(0);
  });

  it('stays right over more uploads than are kept', () => {
    const usage = new Usage();
    for (let second = 0; second < 110; second++) admitAfter(usage, 1000, 1000);
    expect(usage.busiestSecond()).toBe(1000);
    expect(admitAfter(usage, 999, 1)).toBe(1001);
  });
});
