import { describe, expect, it } from 'vitest';
import { afterGrant, openClaimWindow, rowsToClaim } from '../../../src/upload/claim-window.ts';

const full = openClaimWindow(32);

describe('rows are claimed', () => {
  it('for the window of calls and one more window ahead', () => {
    expect(rowsToClaim(full, { busy: 0, ready: 0 })).toBe(64);
    expect(rowsToClaim(full, { busy: 30, ready: 10 })).toBe(24);
  });

  it('only when there is room for a quarter of a window', () => {
    expect(rowsToClaim(full, { busy: 32, ready: 24 })).toBe(8);
    expect(rowsToClaim(full, { busy: 32, ready: 25 })).toBe(0);
  });

  it('one at a time where the window is smaller than that, and never for no room at all', () => {
    const narrow = openClaimWindow(2);
    expect(rowsToClaim(narrow, { busy: 2, ready: 1 })).toBe(1);
    expect(rowsToClaim(narrow, { busy: 2, ready: 2 })).toBe(0);
    expect(rowsToClaim(narrow, { busy: 2, ready: 3 })).toBe(0);
  });

  it('one at a time under a limit that grants one at a time', () => {
    const slow = afterGrant(full, { wanted: 20, granted: 1 });
    expect(rowsToClaim(slow, { busy: 32, ready: 0 })).toBe(1);
    expect(rowsToClaim(slow, { busy: 32, ready: 1 })).toBe(0);
  });
});

describe('the claim ahead', () => {
  it('is what the last limited grant was, one at least', () => {
    expect(afterGrant(full, { wanted: 20, granted: 7 })).toEqual({ window: 32, ahead: 7 });
    expect(afterGrant(full, { wanted: 20, granted: 0 })).toEqual({ window: 32, ahead: 1 });
  });

  it('doubles with each whole grant, up to a window', () => {
    let claims = afterGrant(full, { wanted: 20, granted: 5 });
    const aheads = [];
    for (let grant = 0; grant < 4; grant++) {
      claims = afterGrant(claims, { wanted: 3, granted: 3 });
      aheads.push(claims.ahead);
    }
    expect(aheads).toEqual([10, 20, 32, 32]);
  });
});
