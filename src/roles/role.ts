import type { Pool } from '../../db/client.ts';
import type { AppSet } from '../apps/app-set.ts';
import type { Routes } from '../http/serve.ts';
import type { Admin } from '../kafka/admin.ts';
import type { Log } from '../log.ts';
import type { Doorbell } from '../loop.ts';
import type { Metrics } from '../metrics.ts';
import type { Config } from './config.ts';

/** What the roles of one process share; each runs as well in a process of its own. */
export type Context = {
  config: Config;
  log: Log;
  metrics: Metrics;
  pool: Pool;
  admin: Admin;
  /** Names this process in leases and attempts. */
  instance: string;
  /** The apps that this process serves; none where no role calls WeChat. */
  apps: AppSet;
  /** Rung by the consumer, heard by the uploader. */
  doorbell: Doorbell;
  /** Routes that the console is to serve beside its own; null where this process has no console. */
  routes: Routes[] | null;
  /** Told at SIGHUP what the settings are now. */
  onReload: ((config: Config) => void)[];
};

/** A role that is open. */
export type Role = {
  /** Works until `signal` aborts and what was under way has ended; rejects when it failed for good. */
  run: (signal: AbortSignal) => Promise<void>;
  close: () => Promise<void>;
  /** Where it listens. */
  url?: string;
};

export type OpenRole = (context: Context) => Promise<Role>;

/** A role that opens nothing before it runs. */
export const opensNothing = (run: Role['run']): Promise<Role> =>
  Promise.resolve({ run, close: () => Promise.resolve() });

export type Named = { name: string; run: Role['run'] };

/**
 * The same works; `onLate` is given the names of those that have not ended `ms` after the stop. Each wait within a role has
 * an end of its own (ADR 17): this is for the one that nobody thought of.
 */
export function watchEnds(
  works: readonly Named[],
  ms: number,
  onLate: (names: string[]) => void,
): Role['run'][] {
  const unended = new Set(works.map(({ name }) => name));
  let timer: NodeJS.Timeout | undefined;
  const watch = (): void => {
    timer ??= setTimeout(() => onLate([...unended]), ms);
  };
  return works.map(({ name, run }) => async (signal) => {
    if (signal.aborted) watch();
    else signal.addEventListener('abort', watch, { once: true });
    try {
      await run(signal);
    } finally {
      unended.delete(name);
      if (unended.size === 0) clearTimeout(timer);
    }
  });
}

/** Resolves when all have ended. The first that fails stops the others, and is thrown when they have ended. */
export async function runTogether(
  works: readonly ((signal: AbortSignal) => Promise<unknown>)[],
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  let failure: { error: unknown } | undefined;
  const ended = (work: (typeof works)[number]): Promise<unknown> =>
    work(stop).catch((error: unknown) => {
      failure ??= { error };
      failed.abort();
    });
  await Promise.all(works.map(ended));
  if (failure !== undefined) throw failure.error;
}
