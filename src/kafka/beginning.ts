/** What is known of a partition when it is assigned: offsets are those of the next message. */
export type Positions = {
  /** The group's offset in Kafka. */
  committed: number | null;
  /** What the database says that it holds. */
  noted: number | null;
  /** First and next offset of the log. */
  low: number;
  high: number;
};

/** Where to begin; without `from` it is where the group's offset points, or at the beginning where it has none. */
export type Beginning =
  | { kind: 'agreed' }
  /** The database is ahead: a commit was lost. What comes again is known. */
  | { kind: 'commit_lost' }
  /** The group has no offset (it expired, or the topic is another one): everything comes again, and is known or new. */
  | { kind: 'uncommitted' }
  /** The database is behind what was committed: it lost rows, a failover to a late copy or a restore. */
  | { kind: 'rows_lost'; from: number }
  /** Somebody was beyond the log's end: it was made again, or cut. Whether it has grown past that since is not known. */
  | { kind: 'topic_made_again'; from: number }
  /** The log begins later than we stopped: what lay between is gone. */
  | { kind: 'messages_gone'; from: number; firstGone: number };

/**
 * Begins at the older of what Kafka and the database say, within what the log holds, and at its start rather than at its
 * end in doubt: what is delivered twice costs a look-up, what is skipped is lost (P1). Pure.
 */
export function decideBeginning({ committed, noted, low, high }: Positions): Beginning {
  const known = [committed, noted].filter((offset) => offset !== null);
  if (known.some((offset) => offset > high)) return { kind: 'topic_made_again', from: low };
  if (committed === null) return { kind: noted === null ? 'agreed' : 'uncommitted' };
  const older = Math.min(...known);
  if (older < low) return { kind: 'messages_gone', from: low, firstGone: older };
  if (older < committed) return { kind: 'rows_lost', from: older };
  return { kind: noted === null || noted === committed ? 'agreed' : 'commit_lost' };
}
