import type { Pool } from '../../db/client.ts';
import type { Budget } from '../apps/budget.ts';
import type { Pauses } from '../apps/pauses.ts';
import type { Clock } from '../clock.ts';
import type { AcceptDeps, AcceptOptions } from '../consumer/accepted.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Received } from '../kafka/message.ts';
import type { WechatClient } from '../wechat/client.ts';

/** The consumer's door; consumer/handle.ts. */
type AcceptMessages = (
  deps: AcceptDeps,
  messages: readonly Received[],
  options: AcceptOptions,
) => Promise<unknown>;

export type ReconcileDeps = {
  pool: Pool;
  log: Log;
  metrics: Metrics;
  wechat: Pick<WechatClient, 'listOrders' | 'getOrder' | 'getQuota'>;
  budget: Budget;
  pauses: Pauses;
  clock: Clock;
  random: () => number;
  acceptMessages: AcceptMessages;
};

export type ReconcileOptions = {
  /** The name of this process: a sweep is its own while the lease lasts. */
  owner: string;
  /** Longer than a call and a page's transaction; each page renews it, and a page that lost it moves nothing on. */
  leaseMs: number;
  everyMs: number;
  wholeEveryMs: number;
  horizonMs: number;
  overlapMs: number;
  apartMs: number;
  pageSize: number;
  topics: { events: string; acks: string };
  /** The live consumer group: what it has passed and left nothing of is lost. */
  group: string;
  accept: AcceptOptions;
};
