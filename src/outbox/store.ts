import { FahuoError } from '../errors.ts';
import type { RunStatement } from './transaction.ts';

/** As text, the id is the same whatever a driver makes of a bigint. */
const statement = 'select fahuo.enqueue($1)::text as id';

/** Writes one event's text through the database's own door; returns the outbox id. */
export async function insertEvent(run: RunStatement, text: string): Promise<number> {
  const id = Number(firstValue(await run(statement, text)));
  if (!Number.isSafeInteger(id))
    throw new FahuoError('INVARIANT', 'the answer of fahuo.enqueue has no outbox id: roll back');
  return id;
}

/** One part of a combined payment, and its outbox row: 0 where retention has dropped the row of the same event. */
export type EnqueuedPart = { payment: string; outboxId: number; version: number };

/** As one text, the rows are the same whatever a driver makes of a bigint, and of a set. */
const combinedStatement = `select json_agg(json_build_object('payment', p.payment, 'outboxId', p.outbox_id, 'version', p.version))::text as parts
from fahuo.enqueue_combined($1) p`;

/** Writes a combined event's text through the database's own door; returns its parts in the order of `sub_orders`. */
export async function insertCombined(run: RunStatement, text: string): Promise<EnqueuedPart[]> {
  const parts = firstValue(await run(combinedStatement, text));
  if (typeof parts !== 'string')
    throw new FahuoError('INVARIANT', 'the answer of fahuo.enqueue_combined has no parts: roll back');
  return JSON.parse(parts) as EnqueuedPart[];
}

/** Whether the database's own door would take this text; writes nothing, and raises nothing over content. */
export const isInOrder = async (run: RunStatement, text: string): Promise<boolean> =>
  firstValue(await run('select (not exists (select from fahuo.problems($1)))::text as fine', text)) ===
  'true';

/** Drivers answer with rows, or with an object that holds them; and what names a column may have been renamed. */
function firstValue(answer: unknown): unknown {
  const rows = Array.isArray(answer) ? answer : (answer as { rows?: unknown } | null)?.rows;
  return Object.values(Object((rows as unknown[] | undefined)?.[0]) as Record<string, unknown>)[0];
}
