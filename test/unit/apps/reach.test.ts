import { describe, expect, it } from 'vitest';
import { afterNotSent, afterProbe, afterSent, freshReach, type Reach } from '../../../src/apps/reach.ts';

const now = (nowMs: number, random = 0) => ({ nowMs, random: () => random });
const refused = (startedAtMs: number) => ({ startedAtMs, reason: 'refused' });
const waitOf = (reach: Reach, nowMs: number): number =>
  reach.kind === 'unreachable' ? reach.probeAtMs - nowMs : -1;

describe('an app whose calls do not go out', () => {
  it('is unreachable from the first one, and says why and since when', () => {
    const reach = afterNotSent(freshReach, refused(90), now(100));
    expect(reach).toMatchObject({ kind: 'unreachable', sinceMs: 100, probeAtMs: 300, reason: 'refused' });
  });

  it('stays reachable when another call went out since that one began', () => {
    const reachable = afterSent(95);
    expect(afterNotSent(reachable, refused(95), now(100))).toBe(reachable);
    expect(afterNotSent(reachable, refused(96), now(100))).toMatchObject({ kind: 'unreachable' });
  });

  it('is unreachable once, however many calls fail together', () => {
    const reach = afterNotSent(freshReach, refused(90), now(100));
    expect(afterNotSent(reach, refused(90), now(150))).toBe(reach);
  });

  it('is probed after 200, 400, 800, 800 … ms, a fifth more at most, and unreachable since the same time', () => {
    let reach = afterNotSent(freshReach, refused(0), now(0));
    const waits = [waitOf(reach, 0)];
    for (const atMs of [200, 600, 1_400, 2_200]) {
      reach = afterProbe(reach, 'no route', now(atMs));
      waits.push(waitOf(reach, atMs));
    }
    expect(waits).toEqual([200, 400, 800, 800, 800]);
    expect(reach).toMatchObject({ sinceMs: 0, reason: 'no route' });
    expect(waitOf(afterProbe(reach, 'no route', now(0, 1)), 0)).toBe(960);
  });

  it('is reachable after a probe that went out, and unreachable for longer when its calls still fail', () => {
    const reach = afterProbe(afterNotSent(freshReach, refused(0), now(0)), null, now(1_000));
    expect(reach.kind).toBe('reachable');
    expect(waitOf(afterNotSent(reach, refused(1_000), now(1_001)), 1_001)).toBe(400);
  });

  it('is reachable at once when any call goes out, with nothing left of the waits', () => {
    expect(waitOf(afterNotSent(afterSent(500), refused(501), now(502)), 502)).toBe(200);
  });

  it('stays reachable when a probe fails after a call went out', () => {
    const reachable = afterSent(500);
    expect(afterProbe(reachable, 'refused', now(600))).toBe(reachable);
  });
});
