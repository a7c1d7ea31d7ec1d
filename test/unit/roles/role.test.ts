import { describe, expect, it, vi } from 'vitest';
import { runTogether, watchEnds } from '../../../src/roles/role.ts';

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

describe('roles that are to end', () => {
  const never = (): Promise<void> => new Promise(() => undefined);

  it('are named when one of them does not, also where it was another one that failed', async () => {
    const failing = (): Promise<void> => Promise.reject(new TypeError('the first'));
    const late = await new Promise<string[]>((resolve) => {
      const works = watchEnds(
        [
          { name: 'relay', run: untilAborted },
          { name: 'consume', run: never },
          { name: 'upload', run: failing },
        ],
        1,
        resolve,
      );
      void runTogether(works, new AbortController().signal);
    });
    expect(late).toEqual(['consume']);
  });

  it('are named as well when the stop came before they began', async () => {
    const late = await new Promise<string[]>((resolve) => {
      const works = watchEnds([{ name: 'relay', run: never }], 1, resolve);
      void runTogether(works, AbortSignal.abort());
    });
    expect(late).toEqual(['relay']);
  });

  it('are not named when all have ended in time, or nobody has stopped them', async () => {
    vi.useFakeTimers();
    try {
      const onLate = vi.fn();
      const stop = new AbortController();
      const works = [
        { name: 'relay', run: untilAborted },
        { name: 'upload', run: untilAborted },
      ];
      const running = runTogether(watchEnds(works, 10, onLate), stop.signal);
      await vi.advanceTimersByTimeAsync(100);
      stop.abort();
      await running;
      await vi.advanceTimersByTimeAsync(100);
      expect(onLate).not.toHaveBeenCalled();
    } finally {
      vi.useRealTimers();
    }
  });
});
