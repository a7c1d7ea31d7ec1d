/**
 * How far the outbox may be published.
 *
 * Ids are drawn before their transaction commits, so a row with a smaller id may appear after one with a greater id.
 * What settles it: a writer of the outbox takes RowExclusiveLock on the table before it draws an id, and lets go of
 * it after its commit is visible. A look reads (1) H, the last id drawn, and then (2) the transactions that hold the
 * lock. Let H′ be the H of the look before.
 *
 * - A transaction that holds the lock now and did not at the last look took it after that look's step 2, so after
 *   its step 1: all its ids are greater than H′. H′ is its floor, and stays it while the transaction lives.
 * - A transaction that drew an id ≤ H and holds the lock no more has ended, and was visible before it let go: a
 *   snapshot taken after step 2 shows its rows, or it rolled back.
 *
 * So, with a snapshot taken after step 2, every row with an id up to the least floor (H where nobody holds the lock)
 * is either visible or will never be. A prepared transaction changes its name and loses its pid, and after a
 * take-over everybody is new: such a writer's floor is what was settled before, which is always safe.
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
  settled: number;
  /** H of the look, null before the first. */
  lastId: number | null;
  floors: ReadonlyMap<string, number>;
};

/** Where a leader begins: at the cursor that was saved. */
export const beginAt = (cursor: number): Frontier => ({ settled: cursor, lastId: null, floors: new Map() });

/**
 * Whether the sequence was set back: it draws ids again that were drawn before, so no floor holds. What was settled is
 * behind it as well.
 */
export const wentBack = (before: Frontier, look: Snapshot): boolean =>
  look.lastId < Math.max(before.settled, before.lastId ?? 0);

/** The frontier after a look. Never moves back, as long as the sequence does not. */
export function advance(before: Frontier, look: Snapshot): Frontier {
  const floors = new Map(look.writers.map((writer) => [writer.name, floorOf(writer, before)]));
  return { settled: Math.min(look.lastId, ...floors.values()), lastId: look.lastId, floors };
}

function floorOf(writer: Writer, before: Frontier): number {
  const known = before.floors.get(writer.name);
  if (known !== undefined) return known;
  return writer.pid === null || before.lastId === null ? before.settled : before.lastId;
}
