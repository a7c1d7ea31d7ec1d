/**
 * How far the outbox may be published.
 *
 * Ids are drawn before their transaction commits, so a row with a smaller id may appear after one with a greater id.
 * The table's lock tells: a writer of the outbox takes RowExclusiveLock on the table before it draws an id, and
 * releases the lock after its commit is visible. A snapshot reads (1) H, the last id drawn, and then (2) the
 * transactions that hold the lock. Let H′ be the H of the snapshot before.
 *
 * - A transaction that holds the lock now and did not at the last snapshot took it after that snapshot's step 2, so
 *   after its step 1: all its ids are greater than H′. H′ is its floor while the transaction lives.
 * - A transaction that drew an id ≤ H and holds the lock no more has ended, and was visible before it released the
 *   lock: a statement that begins after step 2 shows its rows, or the transaction rolled back.
 *
 * So, to a statement that begins after step 2, every row with an id up to the least floor (H where nobody holds the
 * lock) is either visible or will never be. A prepared transaction changes its name and loses its pid, and after a
 * take-over everybody is new: such a writer's floor is the safe id of the snapshot before, which stays safe.
 */
export type Snapshot = {
  /** The last id drawn from the sequence; 0 before the first. */
  lastId: number;
  writers: readonly Writer[];
};

/** A transaction that holds RowExclusiveLock on the outbox. */
export type Writer = {
  /** `virtualtransaction`: unique while the server runs. */
  name: string;
  /** Null for a prepared transaction. */
  pid: number | null;
};

export type Frontier = {
  /** Everything up to here is visible, or never will be. */
  safeId: number;
  /** H of the last snapshot, null before the first. */
  lastId: number | null;
  floors: ReadonlyMap<string, number>;
};

/** Where a leader begins: at the cursor that was saved. */
export const beginAt = (cursor: number): Frontier => ({ safeId: cursor, lastId: null, floors: new Map() });

/**
 * Whether the sequence was set back: it draws ids again that were drawn before, so no floor holds. Its
 * last id may be behind the safe id as well.
 */
export const wentBack = (before: Frontier, snapshot: Snapshot): boolean =>
  snapshot.lastId < Math.max(before.safeId, before.lastId ?? 0);

/** The frontier after a snapshot. Never moves back, as long as the sequence does not. */
export function advance(before: Frontier, snapshot: Snapshot): Frontier {
  const floors = new Map(snapshot.writers.map((writer) => [writer.name, floorOf(writer, before)]));
  return { safeId: Math.min(snapshot.lastId, ...floors.values()), lastId: snapshot.lastId, floors };
}

function floorOf(writer: Writer, before: Frontier): number {
  const known = before.floors.get(writer.name);
  if (known !== undefined) return known;
  return writer.pid === null || before.lastId === null ? before.safeId : before.lastId;
}
