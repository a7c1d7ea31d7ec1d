import { inTransaction, type Connection, type Pool } from '../../db/client.ts';
import { FahuoError } from '../errors.ts';
import type { Shipment } from '../shipment/events.ts';
import { readProposals, saveApproved, saveDismissed, saveKeysSaid, type Proposal } from './approve-store.ts';
import { correctedEvent } from './look.ts';
import { beginWrite, offerEvents, readRefusal } from './store.ts';

export type Approved =
  | { kind: 'approved'; version: number }
  | { kind: 'dismissed' }
  | { kind: 'nothing' }
  | { kind: 'refused'; why: string };

export type Approval = {
  payment: string;
  approvedBy: string;
  /** Null: the proposal's own. */
  reason: string | null;
  nowMs: number;
  newId: () => string;
};

/** Writes the correction that is proposed for a payment, as it is proposed at this moment: it spends the one chance (P5). */
export const approve = (pool: Pool, { payment, ...given }: Approval): Promise<Approved> =>
  withProposal(pool, payment, async (tx, proposal, write) => {
    const eventId = `adopt-${given.newId()}`;
    const event = correctedEvent(JSON.parse(proposal.proposed) as Shipment, {
      appid: proposal.appid,
      touchedAtMs: given.nowMs,
      eventId,
      source: proposal.eventSource,
      reason: given.reason ?? proposal.detail ?? 'changed in the shop',
      approvedBy: given.approvedBy,
    });
    const [version = null] = await offerEvents(tx, [JSON.stringify(event)]);
    if (version === null)
      return { kind: 'refused', why: (await readRefusal(tx, eventId)) ?? 'the door refused it' };
    await saveApproved(tx, { id: proposal.id, version, write });
    return { kind: 'approved', version };
  });

/** What was said stays; the same change is not proposed again. */
export const dismiss = (pool: Pool, payment: string): Promise<Approved> =>
  withProposal(pool, payment, async (tx, { id }, write) => {
    await saveDismissed(tx, { id, write });
    return { kind: 'dismissed' };
  });

function withProposal(
  pool: Pool,
  payment: string,
  work: (tx: Connection, proposal: Proposal, write: number) => Promise<Approved>,
): Promise<Approved> {
  return inTransaction(pool, async (tx) => {
    const proposals = await readProposals(tx, payment);
    const [proposal] = proposals;
    if (proposal === undefined) return { kind: 'nothing' };
    if (proposals.length > 1)
      throw new FahuoError(
        'USAGE',
        `${payment} is a payment of ${proposals.map(({ appid }) => appid).join(' and ')}: two apps propose a correction`,
      );
    const write = await beginWrite(tx, proposal.source);
    const done = await work(tx, proposal, write);
    if (done.kind !== 'refused') await saveKeysSaid(tx, proposal, payment);
    return done;
  });
}
