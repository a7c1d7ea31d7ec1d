import { inTransaction, type Pool, type Queryable } from '../../db/client.ts';
import type { AcceptDeps, AcceptOptions } from '../consumer/accepted.ts';
import { isLeftOut, isOutdated, judgeLeftOut } from '../consumer/batch.ts';
import { fromBinary, fromStructured, header, type Candidate } from '../consumer/candidate.ts';
import { decode } from '../consumer/decode.ts';
import { acceptMessages } from '../consumer/handle.ts';
import { lockOpenLetter, markRedriven, type Letter } from '../consumer/redrive-store.ts';
import { readReceiptRivals } from '../consumer/receipt-store.ts';
import { judgeReceipt, type NewReceipt } from '../consumer/receipt.ts';
import { renderReceipt, renderUpload } from '../consumer/render.ts';
import type { Received } from '../kafka/message.ts';
import { readRivals } from '../upload/insert-store.ts';
import { readTombstones } from '../upload/tombstone-store.ts';
import { diffLines, renderDiff } from './diff.ts';

/**
 * Redriving dead letters. Reads fahuo.dead_letter; writes through the consumer's door alone.
 *
 * R1 A plan judges by today's rules, and writes nothing.
 * R2 A letter is redriven once, in the transaction of what became of it: who did it, when and as what is on record.
 * R3 What is still refused stays as it is: it makes no second letter.
 */
export type RedriveDeps = Omit<AcceptDeps, 'pool'> & { pool: Pool };

/** What would become of a letter that is offered again. */
export type Fate =
  | { kind: 'to_send' }
  /** On record, and not sent: WeChat has a newer version. */
  | { kind: 'superseded' }
  /** On record as well: the payment has its one reminder. */
  | { kind: 'second' }
  /** Its upload is there already, or was forgotten since. */
  | { kind: 'known' }
  | { kind: 'refused'; detail: string };

export type RedrivePlan = {
  letter: Letter;
  offer: Received;
  edited: string | null;
  diff: string[];
  fate: Fate;
};

/** `edited` is the whole event as a person changed it. */
export async function planRedrive(
  db: Queryable,
  { letter, edited }: { letter: Letter; edited: string | null },
  options: AcceptOptions,
): Promise<RedrivePlan> {
  const offer = edited === null ? letter.received : offerOf(letter.received, edited);
  const diff = edited === null ? [] : renderDiff(diffLines(linesOf(letter.received), linesOf(offer)));
  return { letter, offer, edited, diff, fate: await fateOf(db, offer, options) };
}

const offerOf = (received: Received, edited: string): Received => ({
  ...received,
  value: Buffer.from(edited),
  headers: { 'content-type': Buffer.from('application/cloudevents+json') },
});

async function fateOf(db: Queryable, offer: Received, options: AcceptOptions): Promise<Fate> {
  const decoded = decode(offer, options);
  if (decoded.kind === 'dead') return { kind: 'refused', detail: decoded.detail };
  if (decoded.kind === 'received') return fateOfReceipt(db, renderReceipt(decoded));
  const upload = renderUpload(decoded);
  const [grave] = await readTombstones(db, [upload]);
  if (grave !== undefined && grave.lastVersion >= upload.version) return { kind: 'known' };
  const rivals = await readRivals(db, [upload]);
  if (!isLeftOut(upload, rivals)) return { kind: isOutdated(upload, rivals) ? 'superseded' : 'to_send' };
  const judged = judgeLeftOut(upload, rivals);
  return judged.kind === 'dead' ? { kind: 'refused', detail: judged.detail } : { kind: 'known' };
}

async function fateOfReceipt(db: Queryable, receipt: NewReceipt): Promise<Fate> {
  const judged = judgeReceipt(receipt, await readReceiptRivals(db, [receipt]));
  switch (judged.kind) {
    case 'first':
      return { kind: 'to_send' };
    case 'second':
      return { kind: 'second' };
    case 'duplicate':
      return { kind: 'known' };
    case 'conflict':
      return { kind: 'refused', detail: judged.detail };
  }
}

/** Does what the plan says; false when the letter was redriven meanwhile, or is refused after all. */
export const executeRedrive = (
  deps: RedriveDeps,
  { letter, offer, edited }: RedrivePlan,
  { by, ...options }: AcceptOptions & { by: string },
): Promise<boolean> =>
  inTransaction(deps.pool, async (tx) => {
    if (!(await lockOpenLetter(tx, letter.id))) return false;
    const accepted = await acceptMessages({ ...deps, pool: tx }, [offer], options);
    if (accepted.dead > 0) throw new RefusedAfterAll();
    await markRedriven(tx, { id: letter.id, by, event: edited });
    return true;
  }).catch((error: unknown) => {
    if (error instanceof RefusedAfterAll) return false;
    throw error;
  });

/** Rolls back the letter that the door has made of it. */
class RefusedAfterAll extends Error {}

/** The event of a message, as `fahuo enqueue` would take it; null where the value is no JSON. */
export function eventOf(received: Received): Candidate | null {
  try {
    const value: unknown = JSON.parse(received.value?.toString('utf8') ?? '');
    const structured = header(received, 'content-type')?.toLowerCase().startsWith('application/cloudevents');
    return structured === true ? fromStructured(value) : fromBinary(received, value);
  } catch {
    return null;
  }
}

/** The event as people edit it, or the bare text of what is none. */
export const eventText = (received: Received): string => {
  const event = eventOf(received);
  return event === null ? (received.value?.toString('utf8') ?? '') : JSON.stringify(event, null, 2);
};

const linesOf = (received: Received): string[] => eventText(received).split('\n');
