import type { Queryable } from '../../db/client.ts';
import type { DeadLetterReason } from '../../db/states.ts';
import type { Received } from '../kafka/message.ts';
import { lastOfEach } from '../kafka/received.ts';
import { headersIn } from './letter-headers.ts';

/** A dead letter with its message as it came. */
export type Letter = {
  id: number;
  reason: DeadLetterReason;
  detail: string;
  eventId: string | null;
  payment: string | null;
  receivedAt: Date;
  redrivenAt: Date | null;
  redrivenBy: string | null;
  redrivenEvent: string | null;
  received: Received;
};

/** Each member that is not null narrows; letters come by id, those behind `after`. */
export type LetterSelection = {
  ids: readonly number[] | null;
  payment: string | null;
  reason: string | null;
  limit: number;
  after: number;
};

const columns = `d.id, d.reason::text as reason, d.detail, d.event_id as "eventId", d.payment, d.received_at as "receivedAt",
  d.redriven_at as "redrivenAt", d.redriven_by as "redrivenBy", d.redriven_event as "redrivenEvent",
  d.topic, d.partition, d."offset", d.key, d.value, d.headers`;

type LetterRow = Omit<Letter, 'received'> & Omit<Received, 'headers'> & { headers: string };

const letterOf = ({ topic, partition, offset, key, value, headers, ...rest }: LetterRow): Letter => ({
  ...rest,
  received: {
    topic,
    partition,
    offset,
    key,
    value,
    headers: lastOfEach(headersIn(headers)),
    rawHeaders: headersIn(headers),
  },
});

/** Letters that were not redriven, in their order; by index whichever way they are chosen. */
export async function readOpenLetters(
  db: Queryable,
  { ids, payment, reason, limit, after }: LetterSelection,
): Promise<Letter[]> {
  const values: unknown[] = [after, limit];
  const narrow = (condition: string, value: unknown): string =>
    value === null ? '' : ` and ${condition.replace('$', `$${values.push(value)}`)}`;
  const where =
    narrow('d.id = any($::bigint[])', ids) +
    narrow('d.payment = $::text', payment) +
    narrow('d.reason::text = $::text', reason);
  const { rows } = await db.query<LetterRow>(
    `select ${columns} from fahuo.dead_letter d
     where d.redriven_at is null and d.id > $1${where} order by d.id limit $2`,
    values,
  );
  return rows.map(letterOf);
}

export async function readLetter(db: Queryable, id: number): Promise<Letter | null> {
  const { rows } = await db.query<LetterRow>(`select ${columns} from fahuo.dead_letter d where d.id = $1`, [
    id,
  ]);
  return rows[0] === undefined ? null : letterOf(rows[0]);
}

/** Keeps the letter from others until the transaction ends; false when it was redriven meanwhile, or is gone. */
export async function lockOpenLetter(tx: Queryable, id: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    'select from fahuo.dead_letter where id = $1 and redriven_at is null for update',
    [id],
  );
  return rowCount === 1;
}

/** Puts on record that the letter was offered again: when, by whom, and as what where it was edited. */
export async function markRedriven(
  tx: Queryable,
  { id, by, event }: { id: number; by: string; event: string | null },
): Promise<void> {
  await tx.query(
    `update fahuo.dead_letter set redriven_at = clock_timestamp(), redriven_by = $2, redriven_event = $3 where id = $1`,
    [id, by, event],
  );
}
