import { describe, expect, it } from 'vitest';
import { waitAtMost } from '../../src/clock.ts';

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

describe('a wait with a limit', () => {
  it('leaves no timer that would keep the process alive', async () => {
    const before = timers();
    await waitAtMost(60_000, Promise.resolve());
    await waitAtMost(60_000, Promise.reject(new TypeError('whatever')));
    expect(timers()).toBe(before);
  });

  it('ends though the work does not', async () => {
    await waitAtMost(1, new Promise(() => undefined));
  });
});
