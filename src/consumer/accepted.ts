import type { Queryable } from '../../db/client.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { DecodeOptions } from './decode.ts';

export type AcceptDeps = { pool: Queryable; log: Log; metrics: Metrics };
export type AcceptOptions = DecodeOptions & {
  acknowledgements: boolean;
  /** The events may have been sent before: what becomes a row is read before its first send. */
  readFirst?: boolean;
  /** Told of carriers that a refused message names and nobody knows: whether one of them is known after all. */
  askCarriers?: (ids: readonly string[]) => Promise<boolean>;
};

/** What became of messages; the numbers add up to the messages given. */
export type Accepted = { inserted: number; duplicate: number; superseded: number; dead: number };

export const noneAccepted: Accepted = { inserted: 0, duplicate: 0, superseded: 0, dead: 0 };

export const addAccepted = (left: Accepted, right: Accepted): Accepted => ({
  inserted: left.inserted + right.inserted,
  duplicate: left.duplicate + right.duplicate,
  superseded: left.superseded + right.superseded,
  dead: left.dead + right.dead,
});
