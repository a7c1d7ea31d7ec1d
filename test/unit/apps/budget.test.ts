import { describe, expect, it } from 'vitest';
import {
  claimLifeMs,
  decideGrant,
  freshBudget,
  limitsOf,
  type BudgetState,
  type CallKind,
  type BudgetLimits,
} from '../../../src/apps/budget.ts';
import { createRandom } from '../../support/random.ts';

type Granted = { atMs: number; kind: CallKind; count: number };

const startMs = Date.parse('2026-11-23T10:00:00+08:00');
const readShare = 0.2;
const ratesFromOne = [1, 1.5, 2, 3, 7, 10, 33.3, 99.9, 100, 250, 1000, 5000];
const seeds = [1, 2, 3, 4, 5];

/** A budget under a fake clock, and the record of what it granted. */
class Driven {
  nowMs = startMs;
  state: BudgetState = freshBudget;
  readonly granted: Granted[] = [];
  readonly limits: BudgetLimits;

  constructor(callsPerSecond: number, share = readShare) {
    this.limits = limitsOf({ callsPerSecond }, share);
  }

  take(kind: CallKind, wanted: number): { granted: number; retryAfterMs: number } {
    const { state, ...grant } = decideGrant(this.state, { nowMs: this.nowMs, kind, wanted }, this.limits);
    this.state = state;
    if (grant.granted > 0) this.granted.push({ atMs: this.nowMs, kind, count: grant.granted });
    return grant;
  }

  countOf(kind?: CallKind): number {
    return this.granted
      .filter((entry) => kind === undefined || entry.kind === kind)
      .reduce((sum, { count }) => sum + count, 0);
  }
}

/** The most that any half-open window of this length holds; it is enough to begin one at every grant. */
function busiestWindow(granted: readonly Granted[], lengthMs: number): number {
  let [most, inside, oldest] = [0, 0, 0];
  for (const { atMs, count } of granted) {
    inside += count;
    while (granted[oldest]!.atMs <= atMs - lengthMs) inside -= granted[oldest++]!.count;
    most = Math.max(most, inside);
  }
  return most;
}

/** Callers of both kinds that ask for anything at any time; now and then all are slowed down. */
function wildHistory(callsPerSecond: number, seed: number, steps = 4000): Driven {
  const random = createRandom(seed);
  const driven = new Driven(callsPerSecond);
  const callMs = 1000 / callsPerSecond;
  const gaps = [
    () => 0,
    () => random() * callMs,
    () => random() * callMs * 0.01,
    () => Math.ceil(random() * 20),
    () => (random() < 0.02 ? random() * 3000 : callMs),
  ];
  for (let step = 0; step < steps; step++) {
    driven.nowMs += gaps[Math.floor(random() * gaps.length)]!();
    driven.take(random() < 0.3 ? 'read' : 'write', Math.floor(random() * (2 + callsPerSecond / 20)));
    if (random() < 0.002) driven.state = { ...driven.state, blockedUntilMs: driven.nowMs + 500 };
  }
  return driven;
}

type Caller = { kind: CallKind; wanted: number };

/** Callers that always want more and come back when they were told to, up to 3 ms late. */
function steadyUse(
  driven: Driven,
  callers: readonly Caller[],
  options: { seconds: number; seed: number },
): void {
  const random = createRandom(options.seed);
  const due = callers.map(() => driven.nowMs);
  const endMs = driven.nowMs + options.seconds * 1000;
  for (;;) {
    driven.nowMs = Math.min(...due);
    if (driven.nowMs >= endMs) return;
    const turn = due.indexOf(driven.nowMs);
    const { kind, wanted } = callers[turn]!;
    const { retryAfterMs } = driven.take(kind, wanted);
    due[turn] = driven.nowMs + retryAfterMs + random() * 3;
  }
}

const writer: Caller = { kind: 'write', wanted: 64 };
const reader: Caller = { kind: 'read', wanted: 8 };

describe('a budget under wild use', () => {
  it.each(ratesFromOne)('of %d a second never grants more in any window of one second', (rate) => {
    for (const seed of seeds) {
      const driven = wildHistory(rate, seed);
      expect(driven.countOf()).toBeGreaterThan(100);
      expect(busiestWindow(driven.granted, 1000), `seed ${seed}`).toBeLessThanOrEqual(rate);
    }
  });

  it.each([0.01, 0.1, 0.5, 0.9, 0.999])('of %d a second keeps the calls a whole period apart', (rate) => {
    for (const seed of seeds) {
      const driven = wildHistory(rate, seed, 2000);
      const times = driven.granted.filter(({ count }) => count > 0).map(({ atMs }) => atMs);
      const gaps = times.slice(1).map((atMs, index) => atMs - times[index]!);
      expect(gaps.length).toBeGreaterThan(20);
      expect(Math.min(...gaps), `seed ${seed}`).toBeGreaterThanOrEqual(1000 / rate);
    }
  });

  it('never grants more than was wanted, less than nothing, or a part of a call', () => {
    const random = createRandom(9);
    const driven = new Driven(50);
    for (let step = 0; step < 2000; step++) {
      driven.nowMs += random() * 40;
      const wanted = random() * 6 - 1;
      const { granted, retryAfterMs } = driven.take(random() < 0.5 ? 'read' : 'write', wanted);
      expect(Number.isInteger(granted) && Number.isInteger(retryAfterMs)).toBe(true);
      expect(granted).toBeGreaterThanOrEqual(0);
      expect(granted).toBeLessThanOrEqual(Math.max(0, wanted));
      expect(retryAfterMs > 0).toBe(granted < Math.floor(Math.max(0, wanted)));
    }
  });

  it('refills nothing when the clock steps back, and goes on when it is where it was', () => {
    const driven = new Driven(100);
    expect(driven.take('write', 9).granted).toBe(1);
    driven.nowMs -= 60_000;
    expect(driven.take('write', 9).granted).toBe(0);
    driven.nowMs += 60_000;
    expect(driven.take('write', 9).granted).toBe(0);
    driven.nowMs += 11;
    expect(driven.take('write', 9).granted).toBe(1);
  });
});

describe('a budget in steady use', () => {
  const rates = ratesFromOne.filter(Number.isInteger);

  it.each(rates)('of %d a second uses at least 97 %% of it, and no more than all', (rate) => {
    for (const seed of seeds) {
      const driven = new Driven(rate);
      steadyUse(driven, [writer, writer], { seconds: 60, seed });
      expect(driven.countOf(), `seed ${seed}`).toBeGreaterThanOrEqual(Math.floor(0.97 * rate * 60));
      expect(busiestWindow(driven.granted, 1000)).toBeLessThanOrEqual(rate);
    }
  });

  it.each(rates)('of %d a second does so while reads and writes compete', (rate) => {
    for (const seed of seeds) {
      const driven = new Driven(rate);
      steadyUse(driven, [writer, reader, writer], { seconds: 60, seed });
      expect(driven.countOf(), `seed ${seed}`).toBeGreaterThanOrEqual(Math.floor(0.97 * rate * 60));
      expect(busiestWindow(driven.granted, 1000)).toBeLessThanOrEqual(rate);
    }
  });

  it('answers with a wait after which something can be granted', () => {
    const random = createRandom(3);
    for (const rate of [0.5, ...ratesFromOne]) {
      const driven = new Driven(rate);
      for (let step = 0; step < 200; step++) {
        const { retryAfterMs } = driven.take('write', 1 + Math.floor(random() * rate));
        driven.nowMs += retryAfterMs;
        if (retryAfterMs > 0) expect(driven.take('write', 1).granted).toBe(1);
      }
    }
  });

  it('begins with a single call and not with a burst', () => {
    for (const rate of ratesFromOne) expect(new Driven(rate).take('write', 1000).granted).toBe(1);
  });
});

describe('the share of reads', () => {
  it.each([10, 100, 1000])('of a fifth of %d a second is theirs under a flood of writes', (rate) => {
    for (const seed of seeds) {
      const driven = new Driven(rate);
      steadyUse(driven, [writer, writer, writer, writer, reader], { seconds: 30, seed });
      expect(driven.countOf('read'), `seed ${seed}`).toBeGreaterThanOrEqual(0.97 * 0.2 * rate * 30);
    }
  });

  it('is used by writes as long as no read asks', () => {
    const driven = new Driven(100);
    steadyUse(driven, [writer], { seconds: 60, seed: 1 });
    expect(driven.countOf('write')).toBeGreaterThanOrEqual(0.97 * 100 * 60);
  });

  it('leaves writes their part under a flood of reads', () => {
    const driven = new Driven(100);
    steadyUse(driven, [reader, reader, reader, writer], { seconds: 30, seed: 1 });
    expect(driven.countOf('write')).toBeGreaterThan(0.2 * 100 * 30);
  });

  it('makes a write step around what a refused read was promised', () => {
    const driven = new Driven(10);
    driven.take('write', 1);
    const { granted, retryAfterMs } = driven.take('read', 1);
    driven.nowMs += retryAfterMs;
    expect([granted, driven.take('write', 1).granted, driven.take('read', 1).granted]).toEqual([0, 0, 1]);
  });

  it('frees a promise that nobody comes back for', () => {
    const driven = new Driven(10);
    driven.take('write', 1);
    const { retryAfterMs } = driven.take('read', 1);
    driven.nowMs += retryAfterMs + claimLifeMs;
    expect(driven.take('write', 1).granted).toBe(1);
  });

  it('of nothing promises nothing', () => {
    const driven = new Driven(10, 0);
    driven.take('write', 1);
    const { retryAfterMs } = driven.take('read', 1);
    driven.nowMs += retryAfterMs;
    expect(driven.take('write', 1).granted).toBe(1);
  });
});

describe('one request of a budget', () => {
  const limits: BudgetLimits = {
    kind: 'limited',
    perMs: 0.01,
    capacity: 4,
    readPerMs: 0.002,
    readCapacity: 2,
  };
  const used: BudgetState = { ...freshBudget, level: 3, atMs: startMs, readCredit: 1 };
  const ask = (state: BudgetState, kind: CallKind, wanted: number, nowMs = startMs) =>
    decideGrant(state, { nowMs, kind, wanted }, limits);

  it('finds what was refilled since the last, up to the capacity, and credit for reads likewise', () => {
    const after = (ms: number): Partial<BudgetState> => ask(used, 'write', 0, startMs + ms).state;
    expect(after(50)).toMatchObject({ level: 3.5, readCredit: 1.1, atMs: startMs + 50 });
    expect(after(100)).toMatchObject({ level: 4, readCredit: 1.2 });
    expect(after(101)).toMatchObject({ level: 4 });
    expect(after(1_000)).toMatchObject({ level: 4, readCredit: 2 });
    expect(after(-1_000)).toEqual(used);
  });

  it('that is the first finds one call, and the whole credit of reads', () => {
    expect(ask({ ...freshBudget, readClaim: 1 }, 'write', 0).state).toEqual({
      ...freshBudget,
      level: 1,
      atMs: startMs,
      readCredit: 2,
    });
  });

  it('that gets all it wants waits for nothing, and otherwise until half a budget or what is missing', () => {
    expect(ask(used, 'write', 3)).toMatchObject({ granted: 3, retryAfterMs: 0, state: { level: 0 } });
    expect(ask(used, 'write', 4)).toMatchObject({ granted: 3, retryAfterMs: 100 });
    expect(ask(used, 'write', 9)).toMatchObject({ granted: 3, retryAfterMs: 200 });
    expect(ask({ ...used, level: 1.5 }, 'write', 9)).toMatchObject({ granted: 1, retryAfterMs: 150 });
    expect(ask({ ...used, level: 0.999 }, 'write', 1)).toMatchObject({ granted: 0, retryAfterMs: 1 });
    const small = decideGrant(
      { ...used, level: 0.5 },
      { nowMs: startMs, kind: 'write', wanted: 9 },
      { ...limits, capacity: 1 },
    );
    expect(small).toMatchObject({ granted: 0, retryAfterMs: 50 });
  });

  it('that is a write leaves what is claimed, until the claim ends; a read takes it', () => {
    const claimed = { ...used, readClaim: 2, claimUntilMs: startMs + 10 };
    expect(ask(claimed, 'write', 3)).toMatchObject({
      granted: 1,
      retryAfterMs: 200,
      state: { readClaim: 2 },
    });
    expect(ask(claimed, 'read', 3)).toMatchObject({ granted: 3, retryAfterMs: 0 });
    expect(ask({ ...claimed, level: 1 }, 'write', 1)).toMatchObject({ granted: 0, retryAfterMs: 200 });
    expect(ask(claimed, 'write', 3, startMs + 9).granted).toBe(1);
    expect(ask(claimed, 'write', 3, startMs + 10)).toMatchObject({ granted: 3, state: { readClaim: 0 } });
  });

  it('that is a read and gets too little claims what its credit allows, in whole calls', () => {
    const poor = { ...used, level: 0, readCredit: 1.9 };
    expect(ask(poor, 'read', 5).state).toMatchObject({
      readClaim: 1,
      readCredit: 1.9,
      claimUntilMs: startMs + 200 + claimLifeMs,
    });
    expect(ask({ ...poor, readCredit: 0.9 }, 'read', 5).state.readClaim).toBe(0);
    expect(ask({ ...poor, readCredit: 9 }, 'read', 1).state.readClaim).toBe(1);
  });

  it('that is a read spends its credit and its claim, and keeps what other reads claimed', () => {
    const claimed = { ...used, readCredit: 2, readClaim: 2, claimUntilMs: startMs + 10 };
    expect(ask(claimed, 'read', 1).state).toMatchObject({
      readCredit: 1,
      readClaim: 1,
      claimUntilMs: startMs + 10,
    });
    expect(ask(claimed, 'read', 3).state).toMatchObject({ readCredit: 0, readClaim: 0, level: 0 });
  });
});

describe('a slowed-down budget', () => {
  it.each(['unlimited', { callsPerSecond: 1000 }] as const)(
    'grants nothing until the time is over: %j',
    (rate) => {
      const limits = limitsOf(rate, readShare);
      const blocked = { ...freshBudget, blockedUntilMs: startMs + 60_000 };
      const at = (nowMs: number) => decideGrant(blocked, { nowMs, kind: 'write', wanted: 1 }, limits);
      expect(at(startMs)).toMatchObject({ granted: 0, retryAfterMs: 60_000 });
      expect(at(startMs + 59_999.5)).toMatchObject({ granted: 0, retryAfterMs: 1 });
      expect(at(startMs + 60_000)).toMatchObject({ granted: 1, retryAfterMs: 0 });
    },
  );
});

describe('a rate', () => {
  it('that is unlimited grants whatever is wanted', () => {
    const limits = limitsOf('unlimited', readShare);
    const grant = decideGrant(freshBudget, { nowMs: startMs, kind: 'read', wanted: 1e6 }, limits);
    expect(grant).toEqual({ state: freshBudget, granted: 1e6, retryAfterMs: 0 });
  });

  it.each([0, -1, Number.NaN])('of %d is refused as misconfiguration', (callsPerSecond) => {
    expect(() => limitsOf({ callsPerSecond }, readShare)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it.each([
    [0.5, 1, 0.4925],
    [1, 1.01, 0.985],
    [1.5, 1.015, 0.985],
    [3, 1.03, 2.955],
    [100, 2, 98.5],
    [1_000, 11, 985],
  ])('of %d a second has room for %d calls and is refilled by %d a second', (rate, capacity, refill) => {
    const limits = limitsOf({ callsPerSecond: rate }, readShare) as Extract<
      BudgetLimits,
      { kind: 'limited' }
    >;
    expect(limits.capacity).toBeCloseTo(capacity, 9);
    expect(limits.perMs).toBeCloseTo(refill / 1000, 9);
    expect(limits.readPerMs).toBeCloseTo((0.2 * refill) / 1000, 9);
    expect(limits.readCapacity).toBeCloseTo(Math.max(1, 0.1 * refill), 9);
  });

  it('without a share of reads saves up nothing for them', () => {
    expect(limitsOf({ callsPerSecond: 100 }, 0)).toMatchObject({ readPerMs: 0, readCapacity: 0 });
  });

  it('gives reads at most half, and at least nothing', () => {
    expect(limitsOf({ callsPerSecond: 100 }, 0.9)).toEqual(limitsOf({ callsPerSecond: 100 }, 0.5));
    expect(limitsOf({ callsPerSecond: 100 }, -1)).toEqual(limitsOf({ callsPerSecond: 100 }, 0));
  });
});
