import type { Queryable } from '../../db/client.ts';
import { decidedRow } from './record-rows.ts';
import { recordStatements, staleText, type DecidedFor, type StatementName } from './record-statements.ts';
import type { Decided } from './row.ts';

export type RecordOptions = {
  owner: string;
  acknowledgements: boolean;
  /** The batch may have been written already: its answer was lost. Attempts are then not put on record twice. */
  again?: boolean;
};

/** A row in neither list was locked by another session: it is decided still, and waits for the next try. */
export type Written = { moved: number[]; stale: number[] };

/** Makes one transition for a batch of rows; see record-statements.ts. */
export async function record<N extends StatementName>(
  db: Queryable,
  name: N,
  decided: readonly DecidedFor<N>[],
  options: RecordOptions,
): Promise<Written> {
  const kind = options.acknowledgements ? 'telling' : 'silent';
  const { rows } = await db.query<{ id: number }>({
    name: `upload_${name}_${kind}`,
    text: recordStatements[name].text[kind],
    values: valuesOf(decided, options),
  });
  const moved = rows.map((row) => row.id);
  if (moved.length === decided.length) return { moved, stale: [] };
  const known = new Set(moved);
  const others = decided.filter(({ row }) => !known.has(row.id));
  return { moved, stale: await recordStale(db, others, options) };
}

async function recordStale(
  db: Queryable,
  decided: readonly Decided[],
  options: RecordOptions,
): Promise<number[]> {
  const { rows } = await db.query<{ id: number }>({
    name: 'upload_record_stale',
    text: staleText,
    values: valuesOf(decided, options),
  });
  return rows.map((row) => row.id);
}

const valuesOf = (decided: readonly Decided[], { owner, again }: RecordOptions): unknown[] => [
  JSON.stringify(decided.map(decidedRow)),
  owner,
  again ?? false,
];
