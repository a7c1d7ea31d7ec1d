import type { Pool } from '../../db/client.ts';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { WechatClient } from '../wechat/client.ts';
import type { AppReach } from './app-reach.ts';
import type { Pauses } from './pauses.ts';

/** What the loops of one process need that look after its apps. */
export type AppDeps = {
  pool: Pool;
  log: Log;
  metrics: Metrics;
  clock: Clock;
  reach: AppReach;
  pauses: Pauses;
  wechat: Pick<WechatClient, 'getQuota'>;
};
