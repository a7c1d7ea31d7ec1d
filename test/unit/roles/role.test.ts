import { describe, expect, it } from 'vitest';
import { runTogether } from '../../../src/roles/role.ts';

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });

describe('roles that run together', () => {
  it('end together when they are stopped', async () => {
    const stop = new AbortController();
    const running = runTogether([untilAborted, untilAborted], stop.signal);
    stop.abort();
    await running;
  });

  it('are stopped by the first that fails, and only then is it thrown', async () => {
    const ended: string[] = [];
    const other = async (signal: AbortSignal): Promise<void> => {
      await untilAborted(signal);
      ended.push('other');
    };
    const failing = (): Promise<void> => Promise.reject(new TypeError('the first'));
    const late = async (signal: AbortSignal): Promise<void> => {
      await untilAborted(signal);
      throw new TypeError('the second');
    };
    const stop = new AbortController();
    await expect(runTogether([other, failing, late], stop.signal)).rejects.toThrow('the first');
    expect(ended).toEqual(['other']);
  });
});
