/** The kind of a key and the key itself, as text: a column of the parts query, and its value (`order_id`, `1024`). */
export type Key = { kind: string; ref: string };

/** A row of `fahuo_touched`: one change of a watched row, which committed with it. */
export type Touched = Key & {
  /** Grows as rows are inserted; no order of commits. As text: it may be beyond 2^53. */
  id: string;
  /** When the shop's statement ran, in milliseconds since 1970. */
  touchedAtMs: number;
};

/** A row of the parts query: null where the shop has none, else a text, whatever the column's type. */
export type RawPart = Readonly<Record<string, string | null>>;

/** What the shop's database answered to a query of ours. */
export type Parts =
  | { kind: 'rows'; rows: RawPart[] }
  /** The query failed over what stands in the rows of these keys, or took too long: with fewer keys it may work. */
  | { kind: 'failed'; message: string }
  /** The query fails whatever the keys are: a table, a column or a right is missing. Nothing of it can be looked at. */
  | { kind: 'broken'; message: string };

/** What `fahuo_answer`, and the columns that the file names, are to say about one key. */
export type ShopAnswer = Key & {
  appid: string;
  payment: string;
  version: number | null;
  /** Of the newest event; `held` and `proposed` wait for a person, `skipped` has no event. */
  state: ShopAnswerState;
  errcode: number | null;
  errmsg: string | null;
  rid: string | null;
  /** Why, with the remedy; null where there is nothing to say. */
  reason: string | null;
  atMs: number;
};

export const shopAnswerStates = [
  'waiting',
  'acknowledged',
  'rejected',
  'superseded',
  'held',
  'proposed',
] as const;
export type ShopAnswerState = (typeof shopAnswerStates)[number];

export type ColumnType = {
  /** As the dialect calls it, lower case: `bigint`, `timestamp without time zone`, `datetime`. */
  type: string;
  nullable: boolean;
};

/** What the database says of a watched table; null where there is no such table. */
export type TableShape = {
  columns: Readonly<Record<string, ColumnType>>;
  primaryKey: readonly string[];
} | null;

/** Something that a person should know before `apply`, or must mend first. */
export type Finding = { level: 'problem' | 'warning'; what: string; remedy: string };

export type WalkOptions = {
  kind: string;
  /** Beyond this key, in the order of the column; null from the beginning. */
  after: string | null;
  /** Orders of this moment and later, where the file names the column for it. */
  sinceMs: number | null;
  limit: number;
  /** The greatest keys, descending, for a sample; `after` is not asked for then. */
  newestFirst?: boolean;
};

/**
 * The order database of a shop: Postgres or MySQL. Whatever talks to it stands behind this. Each call rejects where the
 * database is away, refuses the login, or may not be written to: the loop says so, waits and tries again.
 */
export type Shop = {
  /** In the order of `id`; beyond `afterId` where that is given. */
  takeTouched: (limit: number, afterId: string | null) => Promise<Touched[]>;
  forgetTouched: (ids: readonly string[]) => Promise<void>;
  /** How many rows wait, counted to 1,000,000 at most, and since when. */
  countTouched: () => Promise<{ waiting: number; oldestMs: number | null }>;
  /** The parts query, for these keys alone: read-only, with the file's time limit. */
  readParts: (keys: readonly Key[]) => Promise<Parts>;
  /**
   * Resolves when all that could be read before is on the shop's disk. InnoDB shows a commit before its log is flushed, and
   * Postgres does where synchronous_commit is off: a crash would undo what was said already (P2).
   */
  flush: () => Promise<void>;
  /** Keys of orders in the order of their column, for `backfill`. */
  walk: (options: WalkOptions) => Promise<string[]>;
  /**
   * Writes into `fahuo_answer`, and into the columns that the file names; the newest answer of a key stands. Rows that the
   * shop has locked are not waited for: their keys come back, and their answers are to be written again later.
   */
  writeAnswers: (answers: readonly ShopAnswer[]) => Promise<Key[]>;
  readShapes: (tables: readonly string[]) => Promise<ReadonlyMap<string, TableShape>>;
  /** What stands in the way of triggers, rights and queries, and what may surprise. */
  findings: () => Promise<Finding[]>;
  /** Whether `apply` was done, and with the triggers that the file asks for now. */
  readApplied: () => Promise<'applied' | 'outdated' | 'absent'>;
  /** The statements of `apply` and of `undo`, as a person reviews them; they are run as they stand. */
  planApply: () => Promise<string[]>;
  planUndo: () => Promise<string[]>;
  run: (statements: readonly string[]) => Promise<void>;
  close: () => Promise<void>;
};
