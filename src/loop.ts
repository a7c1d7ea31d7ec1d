import { sleep } from './clock.ts';
import { messageOf } from './errors.ts';
import type { Heartbeats } from './heartbeats.ts';
import type { Log } from './log.ts';

export type LoopOptions = {
  name: string;
  /** Wait after a step that found nothing: doubles from `idleMinMs` to `idleMaxMs`. */
  idleMinMs: number;
  idleMaxMs: number;
  /** Wait after a step that threw: doubles from `errorMinMs` to `errorMaxMs`. */
  errorMinMs: number;
  errorMaxMs: number;
  log: Log;
  /** Told before each step and each wait; /livez reads it. */
  heartbeats?: Heartbeats;
  /** Ends an idle wait early; see {@link createDoorbell}. */
  doorbell?: Doorbell;
};

/** A hint that there may be work; losing a ring costs latency, never an event. */
export type Doorbell = { ring: () => void; waitFor: (ms: number, signal: AbortSignal) => Promise<void> };

/** For one waiter. A ring while nobody waits ends the next wait at once. */
export function createDoorbell(): Doorbell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      rung = true;
      wake?.();
    },
    waitFor: (ms, signal) =>
      new Promise((resolve) => {
        const end = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          wake = undefined;
          rung = false;
          resolve();
        };
        const timer = setTimeout(end, ms);
        if (rung || signal.aborted) return end();
        signal.addEventListener('abort', end, { once: true });
        wake = end;
      }),
  };
}

/** What a step found: `busy` asks for the next step at once. */
export type StepResult = 'busy' | 'idle';

/**
 * Runs `step` until `signal` aborts: at once again while it is busy, backing off while it is idle or failing.
 * A step that throws is logged and tried again, so a database that restarts needs no restart of ours.
 */
export async function runLoop(
  step: (signal: AbortSignal) => Promise<StepResult>,
  options: LoopOptions,
  signal: AbortSignal,
): Promise<void> {
  let idleMs = options.idleMinMs;
  let errorMs = options.errorMinMs;
  const beat = (waitMs: number): void => options.heartbeats?.beat(options.name, waitMs);
  while (!signal.aborted) {
    beat(0);
    try {
      const result = await step(signal);
      errorMs = options.errorMinMs;
      if (result === 'busy') {
        idleMs = options.idleMinMs;
        continue;
      }
      beat(idleMs);
      await (options.doorbell?.waitFor(idleMs, signal) ?? sleep(idleMs, signal));
      idleMs = Math.min(idleMs * 2, options.idleMaxMs);
    } catch (error) {
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it changes while the step runs
      if (signal.aborted) break;
      options.heartbeats?.failed(options.name);
      options.log.warn(
        { loop: options.name, err: messageOf(error), retry_in_ms: errorMs },
        'loop.step_failed',
      );
      beat(errorMs);
      await sleep(errorMs, signal);
      errorMs = Math.min(errorMs * 2, options.errorMaxMs);
    }
  }
  options.heartbeats?.end(options.name);
}
