import { describe, expect, it } from 'vitest';
import { afterNotSent, afterProbe, afterSent, freshHold, type Hold } from '../../../src/apps/hold.ts';

const now = (nowMs: number, random = 0) => ({ nowMs, random: () => random });
const refused = (startedAtMs: number) => ({ startedAtMs, reason: 'refused' });
const waitOf = (hold: Hold, nowMs: number): number => (hold.kind === 'held' ? hold.probeAtMs - nowMs : -1);

describe('an app whose calls do not go out', () => {
  it('is held from the first one, and says why and since when', () => {
    const hold = afterNotSent(freshHold, refused(90), now(100));
    expect(hold).toMatchObject({ kind: 'held', sinceMs: 100, probeAtMs: 300, reason: 'refused' });
  });

  it('is not held when another call went out since that one began', () => {
    const open = afterSent(95);
    expect(afterNotSent(open, refused(95), now(100))).toBe(open);
    expect(afterNotSent(open, refused(96), now(100))).toMatchObject({ kind: 'held' });
  });

  it('is held once, however many calls fail together', () => {
    const hold = afterNotSent(freshHold, refused(90), now(100));
    expect(afterNotSent(hold, refused(90), now(150))).toBe(hold);
  });

  it('is probed after 200, 400, 800, 800 … ms, a fifth more at most, and held since the same time', () => {
    let hold = afterNotSent(freshHold, refused(0), now(0));
    const waits = [waitOf(hold, 0)];
    for (const atMs of [200, 600, 1_400, 2_200]) {
      hold = afterProbe(hold, 'no route', now(atMs));
      waits.push(waitOf(hold, atMs));
    }
    expect(waits).toEqual([200, 400, 800, 800, 800]);
    expect(hold).toMatchObject({ sinceMs: 0, reason: 'no route' });
    expect(waitOf(afterProbe(hold, 'no route', now(0, 1)), 0)).toBe(960);
  });

  it('is open after a probe that went out, and held for longer when its calls still fail', () => {
    const hold = afterProbe(afterNotSent(freshHold, refused(0), now(0)), null, now(1_000));
    expect(hold.kind).toBe('open');
    expect(waitOf(afterNotSent(hold, refused(1_000), now(1_001)), 1_001)).toBe(400);
  });

  it('is open at once when any call goes out, with nothing left of the waits', () => {
    expect(waitOf(afterNotSent(afterSent(500), refused(501), now(502)), 502)).toBe(200);
  });

  it('stays open when a probe fails after a call went out', () => {
    const open = afterSent(500);
    expect(afterProbe(open, 'refused', now(600))).toBe(open);
  });
});
