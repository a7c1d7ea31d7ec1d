import type { Queryable } from '../../db/client.ts';
import { readPassedOver } from './partitions/store.ts';
import { sequenceFault, type SequenceFault } from './sequence.ts';
import { readPosition } from './snapshot-store.ts';

/** What the relay cannot reach by itself. */
export type Repair = {
  sequence: SequenceFault | null;
  passedOver: number;
  defaultRows: number;
  /** Of the copy that a repair leaves until it was compared: 0 unless it was cut off. */
  movedRows: number;
  needed: boolean;
};

/** One deployment has one shard; db/functions/repair_outbox.sql knows no other. */
const shard = 0;

export async function planRepair(db: Queryable): Promise<Repair> {
  const position = await readPosition(db, shard);
  const sequence = sequenceFault(position);
  const { rows: passedOver } = await readPassedOver(db, { from: 0, to: position.cursor });
  const defaultRows = await countRows(db, 'outbox_default');
  const movedRows = (await hasMoved(db)) ? await countRows(db, 'outbox_moved') : 0;
  const needed = sequence !== null || passedOver + defaultRows + movedRows > 0;
  return { sequence, passedOver, defaultRows, movedRows, needed };
}

/**
 * Each step is one statement: db/functions/repair_outbox.sql has the locks and why no row is lost on the way. Rejects when
 * a lock was not to be had for some seconds; what was done before stays done, and the next call does the rest.
 */
export async function executeRepair(db: Queryable): Promise<{ released: number; moved: number }> {
  const released = await call(db, 'release_passed_over');
  const before = await call(db, 'drop_outbox_moved');
  await call(db, 'repair_outbox_default');
  const moved = await call(db, 'drop_outbox_moved');
  return { released, moved: before + moved };
}

type Step = 'release_passed_over' | 'repair_outbox_default' | 'drop_outbox_moved';

async function call(db: Queryable, step: Step): Promise<number> {
  const { rows } = await db.query<{ rows: number | null }>(`select fahuo.${step}() as rows`);
  return rows[0]?.rows ?? 0;
}

async function hasMoved(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ any: boolean }>(
    `select to_regclass('fahuo.outbox_moved') is not null as any`,
  );
  return rows[0]?.any === true;
}

async function countRows(db: Queryable, name: 'outbox_default' | 'outbox_moved'): Promise<number> {
  const { rows } = await db.query<{ rows: number }>(`select count(*) as rows from fahuo.${name}`);
  return rows[0]?.rows ?? 0;
}
