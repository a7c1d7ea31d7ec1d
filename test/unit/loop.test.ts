import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/log.ts';
import { runLoop } from '../../src/loop.ts';
import { createMetrics } from '../../src/metrics.ts';

const log = createLog({ level: 'silent' });
const waits = { idleMinMs: 1, idleMaxMs: 1, errorMinMs: 1, errorMaxMs: 1 };

describe('a loop', () => {
  it('counts the steps that threw, and goes on', async () => {
    const metrics = createMetrics();
    const stop = new AbortController();
    let steps = 0;
    const step = (): Promise<'idle'> => {
      steps += 1;
      if (steps < 3) return Promise.reject(new TypeError('once more'));
      stop.abort();
      return Promise.resolve('idle');
    };
    await runLoop(step, { name: 'tried', heartbeats: metrics.heartbeats, log, ...waits }, stop.signal);
    expect((await metrics.loopFailures.get()).values).toMatchObject([
      { labels: { loop: 'tried' }, value: 2 },
    ]);
  });
});
