import type { CopySession } from '../../db/copy.ts';
import { FahuoError } from '../errors.ts';
import { columns, idOf, withRoom, type OutboxRow } from './row.ts';

/** Memory for the rows of one read, which the next read into it writes over. */
export type Arena = { bytes: Buffer };

/**
 * Step 3: the snapshot of this statement is taken after step 2, and after the lock. A copy takes its snapshot before it
 * waits for the table: behind `fahuo outbox repair`, which moves rows from one partition to another, it would see neither
 * place, and the cursor would pass them. Both go out together, in one transaction.
 */
export const readRows = (
  db: CopySession,
  arena: Arena,
  range: { after: number; upTo: number; limit: number },
): Promise<OutboxRow[]> =>
  copyRows(
    db,
    arena,
    `lock table only fahuo.outbox in access share mode; copy (
      select id, ${copied} from fahuo.outbox where id > ${whole(range.after)} and id <= ${whole(range.upTo)}
      order by id limit ${whole(range.limit)}
    ) to stdout (format binary)`,
  );

/** What a row carries, as columns of the outbox or of relay_parked. */
export const copied = columns.map((column) => (column === 'version' ? 'version::text' : column)).join(', ');

/** Rows that begin with their id and go on with `copied`. */
export async function copyRows(db: CopySession, arena: Arena, sql: string): Promise<OutboxRow[]> {
  const rows: OutboxRow[] = [];
  let end = 0;
  await db.copyOut(sql, (chunk, from) => {
    arena.bytes = withRoom(arena.bytes, end, chunk.length - from);
    rows.push({ id: idOf(chunk, from), bytes: arena.bytes, start: end });
    end += chunk.copy(arena.bytes, end, from);
  });
  return rows;
}

/** COPY takes no parameters. */
export function whole(value: number): string {
  if (!Number.isSafeInteger(value)) throw new FahuoError('INVARIANT', `${value} is not a whole number`);
  return String(value);
}
