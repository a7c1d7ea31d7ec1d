import type { Queryable } from '../../db/client.ts';

/**
 * `parked → pending` by an operator's wish, with new clocks. It counts as sent once at least, so that whatever parked it
 * the state machine reads before it writes: no retry spends the chance (P5). Returns the count.
 */
export async function retryParked(db: Queryable, ids: readonly number[]): Promise<number> {
  const { rowCount } = await db.query(
    `update fahuo.upload set state = 'pending', park_reason = null, next_attempt_at = clock_timestamp(),
       attempts = greatest(attempts, 1), first_sent_at = null, failed_reads = 0, unread_since = null
     where id = any($1::bigint[]) and state = 'parked'`,
    [ids],
  );
  return rowCount ?? 0;
}
