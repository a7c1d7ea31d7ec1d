import type { Pool } from '../../db/client.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Doorbell } from '../loop.ts';
import type { Metrics } from '../metrics.ts';
import type { WechatClient } from '../wechat/client.ts';
import type { AppReach } from '../apps/app-reach.ts';
import type { AppSet } from '../apps/app-set.ts';
import type { Budget } from '../apps/budget.ts';
import type { Pauses } from '../apps/pauses.ts';
import type { Leases } from './leases.ts';
import type { Recorder } from './recorder.ts';
import type { Context, Timing } from './timing.ts';

export type UploaderDeps = {
  pool: Pool;
  wechat: Pick<WechatClient, 'upload' | 'getOrder' | 'getQuota'>;
  budget: Budget;
  log: Log;
  metrics: Metrics;
  clock: Clock;
  random: () => number;
  /** Rung by the consumer when it has inserted rows. */
  doorbell: Doorbell;
};

/** What the loops of one process share. */
export type AttemptDeps = UploaderDeps & {
  pauses: Pauses;
  recorder: Recorder;
  leases: Leases;
  reach: AppReach;
};

export type UploaderOptions = {
  /** Followed: an app that comes is served, one that retires ends what it has in flight. */
  apps: Pick<AppSet, 'appids' | 'each'>;
  /** Names this process in leases and attempts; unique per start. */
  instance: string;
  /** Uploads on the wire at once, per app. */
  window: number;
  timing: Timing;
  /** The longest that one call can take, from the HTTP settings. */
  callTimeoutMs: number;
  /** Read before the first send too: for shops whose staff also ships in WeChat's console. */
  readBeforeFirstSend: boolean;
  /** Apps whose later parts of a split shipment carry the new parcels alone. */
  deltaApps: Pick<ReadonlySet<string>, 'has'>;
  /** Write acknowledgements to the ack topic as well as to the view. */
  acknowledgements: boolean;
};

export const contextOf = (
  { clock, random }: Pick<UploaderDeps, 'clock' | 'random'>,
  { timing }: UploaderOptions,
): Context => ({ nowMs: clock().getTime(), random, timing });
