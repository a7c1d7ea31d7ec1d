import type { Pool } from '../../db/client.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { AppEffect, Endpoint } from './effect.ts';
import { deleteEndedPauses, insertPause, prolongQuotaPause, readPauses, type Pause } from './pause-store.ts';

/** What must not be called now; the table is the truth, this is its copy of at most a second ago. */
export type Pauses = {
  isPaused: (appid: string, endpoint: 'upload' | 'read') => boolean;
  /** Puts a stop of WeChat's on record, and alerts if it is new. True when this process did not know of it. */
  impose: (appid: string, effect: Imposed) => Promise<boolean>;
  /** Moves the end of a quota's pause to a later time. */
  prolong: (appid: string, effect: Imposed) => Promise<void>;
  refresh: () => Promise<void>;
};

type Imposed = Extract<AppEffect, { kind: 'pause' }>;

export function createPauses({ pool, log, metrics }: { pool: Pool; log: Log; metrics: Metrics }): Pauses {
  let current: readonly Pause[] = [];
  const covers = (pause: Pause, endpoint: Endpoint): boolean =>
    pause.endpoint === '*' || pause.endpoint === endpoint;
  const refresh = async (): Promise<void> => {
    await deleteEndedPauses(pool);
    const before = current;
    current = await readPauses(pool);
    show(metrics, current);
    for (const ended of before.filter((pause) => !current.some((other) => same(pause, other))))
      log.info({ appid: ended.appid, endpoint: ended.endpoint }, 'app.resumed');
  };
  return {
    isPaused: (appid, endpoint) => current.some((pause) => pause.appid === appid && covers(pause, endpoint)),
    impose: async (appid, { endpoint, errcode, reason, resumeAt }) => {
      const known = current.some((pause) => pause.appid === appid && pause.endpoint === endpoint);
      if (known) return false;
      current = [...current, { appid, endpoint, errcode, reason, pausedAt: new Date(0), resumeAt }];
      if (await insertPause(pool, { appid, endpoint, errcode, reason, resumeAt }))
        log.error({ appid, endpoint, errcode, reason, resume_at: resumeAt }, 'app.paused');
      return true;
    },
    prolong: async (appid, { endpoint, errcode, reason, resumeAt }) => {
      if (!(await prolongQuotaPause(pool, { appid, endpoint, reason, resumeAt }))) return;
      log.error({ appid, endpoint, errcode, reason, resume_at: resumeAt }, 'app.paused');
    },
    refresh,
  };
}

const same = (left: Pause, right: Pause): boolean =>
  left.appid === right.appid && left.endpoint === right.endpoint;

function show(metrics: Metrics, pauses: readonly Pause[]): void {
  metrics.paused.reset();
  for (const { appid, endpoint } of pauses) metrics.paused.set({ appid, endpoint }, 1);
}
