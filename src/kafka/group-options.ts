import type { Log } from '../log.ts';
import type { Received } from './message.ts';

export type Batch = {
  topic: string;
  partition: number;
  messages: Received[];
  /** The offset after the last message, and after what no read shows: gaps, markers of transactions. */
  next: number;
  /** The next offset that the partition will give. */
  highWatermark: number;
};

export type GroupOptions = {
  groupId: string;
  topic: string;
  /** After this a member that died is given up and its partitions go to the others. */
  sessionTimeoutMs: number;
  /** Stands beside every offset that is committed. */
  mark?: string;
  log: Log;
  /** By partition, the offset below which the database says that it holds everything; see {@link decideBeginning}. */
  readNoted: () => Promise<ReadonlyMap<number, number>>;
  /** Why nothing is read now; null when the group reads. */
  onWait?: (reason: string | null) => void;
  /** Messages that Kafka forgot before they were read: `from` is the first, `to` is still there. */
  onLost?: (lost: { partition: number; from: number; to: number }) => void;
  /**
   * Resolves when every message of the batch is in the database; the offset is committed after that and only then.
   * It retries by itself, as long as it takes; `false` says that it stopped before the batch was in.
   */
  onBatch: (batch: Batch, signal: AbortSignal) => Promise<boolean>;
};

export type MemberOptions = GroupOptions & {
  /** Called after each fetch that was answered. */
  onFetched: () => void;
  /** By partition, the offset that is read next, as far as this member knows it. */
  reached: Map<number, number>;
};
