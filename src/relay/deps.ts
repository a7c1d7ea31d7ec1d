import type { Pool } from '../../db/client.ts';
import type { Publisher } from '../kafka/publisher.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Topics } from './batch.ts';

export type RelayDeps = {
  pool: Pool;
  createPublisher: () => Publisher;
  partitionCount: (topic: string) => Promise<number | null>;
  log: Log;
  metrics: Metrics;
};

/** What the leader's housekeeping needs. */
export type MaintenanceDeps = Pick<RelayDeps, 'pool' | 'log' | 'metrics'>;

export type RelayOptions = {
  databaseUrl: string;
  instance: string;
  shard: number;
  topics: Topics;
  batchRows: number;
  /** How long one wait for new rows lasts, and how often the server reads the sequence meanwhile. */
  waitMs: number;
  waitStepMs: number;
  /** The longest wait between two snapshots while a writer holds the frontier back. */
  blockedMaxMs: number;
  /** The longest back-off while many are writing: see pacing.ts. */
  backOffMaxMs: number;
  standbyPollMs: number;
  retentionHours: number;
};
