import type { Queryable } from '../../db/client.ts';

export type Proposal = {
  id: number;
  source: string;
  appid: string;
  detail: string | null;
  /** The `data` of the correction. */
  proposed: string;
  /** The `source` of the payment's former event. */
  eventSource: string;
};

/** The proposals for a payment, locked. */
export async function readProposals(tx: Queryable, payment: string): Promise<Proposal[]> {
  const { rows } = await tx.query<Proposal>(
    `select p.id, p.source, p.appid, p.detail, p.proposed, coalesce(
       (select u.source from fahuo.upload u where u.payment = p.payment and u.appid = p.appid and u.version = p.version),
       '/adopt/' || p.source) as "eventSource"
     from fahuo.adopt_payment p where p.payment = $1 and p.state = 'proposed' and p.proposed is not null order by p.appid for update of p`,
    [payment],
  );
  return rows;
}

/** The payment's keys are no longer proposed, whatever was decided. */
export async function saveKeysSaid(
  tx: Queryable,
  { source, appid }: Proposal,
  payment: string,
): Promise<void> {
  await tx.query(
    `update fahuo.adopt_key set state = 'said', detail = null, updated_at = clock_timestamp()
     where payment = $1 and appid = $2 and source = $3 and state = 'proposed'`,
    [payment, appid, source],
  );
}

export async function saveApproved(
  tx: Queryable,
  { id, version, write }: { id: number; version: number; write: number },
): Promise<void> {
  await tx.query(
    `update fahuo.adopt_payment set state = 'said', said = proposed, proposed = null, reason = null, detail = null, corrected = true,
       version = $2, write = $3, answer_final = false, updated_at = clock_timestamp() where id = $1`,
    [id, version, write],
  );
}

export async function saveDismissed(
  tx: Queryable,
  { id, write }: { id: number; write: number },
): Promise<void> {
  await tx.query(
    `update fahuo.adopt_payment set state = 'said', dismissed = proposed, proposed = null, reason = null, detail = null, write = $2,
       answer_final = false, updated_at = clock_timestamp() where id = $1`,
    [id, write],
  );
}
