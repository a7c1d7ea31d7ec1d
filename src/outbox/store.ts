import { sql } from 'drizzle-orm';

type PgTransaction = {
  query: (text: string, values: unknown[]) => Promise<{ rows: Record<string, unknown>[] }>;
};
type DrizzleTransaction = { execute: (query: ReturnType<typeof sql>) => Promise<unknown> };
/** The caller's open transaction: a pg client, or drizzle's `tx`. */
export type OutboxTransaction = PgTransaction | DrizzleTransaction;

/** Writes one event's text through the database's own door; returns the outbox id. */
export async function insertEvent(tx: OutboxTransaction, text: string): Promise<number> {
  const answer =
    'execute' in tx
      ? await tx.execute(sql`select fahuo.enqueue(${text}) as id`)
      : await tx.query('select fahuo.enqueue($1) as id', [text]);
  const [row] = (answer as { rows: { id: unknown }[] }).rows;
  return Number(row?.id);
}
