import type { Queryable } from '../../db/client.ts';
import type { LeasedRow } from './row.ts';

/**
 * Keeps slow calls ours: only where the epoch is still the claim's. A row that is being recorded at this moment is
 * left out: waiting for it in another order than the recorder's would be a deadlock. Returns the ids that are ours.
 */
export async function renewLeases(
  db: Queryable,
  leased: readonly LeasedRow[],
  lease: { owner: string; leaseMs: number },
): Promise<number[]> {
  const { rows } = await db.query<{ id: number }>(
    `with mine as (
      select u.id from fahuo.upload u, unnest($1::bigint[], $2::bigint[]) as h(id, epoch)
      where u.id = h.id and u.lease_epoch = h.epoch and u.lease_owner = $4 and u.state in ('uploading', 'unknown')
      for update of u skip locked
    )
    update fahuo.upload u set lease_until = clock_timestamp() + $3 * interval '1 millisecond'
    from mine where u.id = mine.id
    returning u.id`,
    [leased.map((row) => row.id), leased.map((row) => row.epoch), lease.leaseMs, lease.owner],
  );
  return rows.map((row) => row.id);
}

/**
 * `uploading → unknown` where the lease ran out: its owner died or lost touch, and nobody knows whether the send
 * went out. The attempt goes on record as unanswered (P6); the new epoch fences the old owner. Returns the count.
 */
export async function expireLeases(db: Queryable, readAfterMs: number): Promise<number> {
  const { rowCount } = await db.query(
    `with expired as (
      select id, lease_owner from fahuo.upload
      where state = 'uploading' and lease_until < now()
      limit 500 for update skip locked
    ), moved as (
      update fahuo.upload u set state = 'unknown', lease_owner = null, lease_until = null,
        lease_epoch = u.lease_epoch + 1, absent_reads = 0, errcode = null,
        next_attempt_at = clock_timestamp() + $1 * interval '1 millisecond',
        detail = 'the lease ran out before an answer was recorded'
      from expired e where u.id = e.id
      returning u.id, u.attempts, u.upload_time, e.lease_owner
    )
    insert into fahuo.attempt (upload_id, number, kind, outcome, upload_time, failure, owner)
    select id, attempts, 'send', 'unanswered', upload_time, 'lease_expired', lease_owner from moved`,
    [readAfterMs],
  );
  return rowCount ?? 0;
}

/** Freezes what is sent of a later part; the first to write it wins. Null when the lease was lost. */
export async function freezeDelta(db: Queryable, row: LeasedRow, delta: string): Promise<string | null> {
  const { rows } = await db.query<{ delta: string }>(
    `update fahuo.upload set delta_body = coalesce(delta_body, $3)
     where id = $1 and lease_epoch = $2 and state = 'uploading' returning delta_body as delta`,
    [row.id, row.epoch, delta],
  );
  return rows[0]?.delta ?? null;
}
