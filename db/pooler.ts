import type pg from 'pg';
import { connectAlone } from './client.ts';

/** What a look through a database URL saw; `null` where one client has one session of Postgres to itself. */
export type PoolerSign = string | null;

/**
 * A pooler that reuses the latest session shows itself at once; one that takes turns, or is busy, within a few. Two rounds
 * missed a busy one now and then, which let a start go on behind a pooler; a round takes a millisecond or two.
 */
const directRounds = 6;
const suspectRounds = 12;

/**
 * Whether something between us and Postgres moves a client from one session to another between transactions, as
 * PgBouncer does in transaction mode. One client says which session serves it; while it is idle a second one opens a
 * transaction, which takes an idle session away from a pooler: either the first one's own, or the first one is found
 * elsewhere afterwards. Postgres itself never does either. Chance can only hide a pooler, so a suspect (its key for
 * cancelling names another session than the one that answers) is looked at for longer.
 */
export async function findPooler(databaseUrl: string): Promise<PoolerSign> {
  const clients: pg.Client[] = [];
  try {
    for (const name of ['fahuo-start', 'fahuo-start']) clients.push(await connectAlone(databaseUrl, name));
    const [one, other] = clients as [pg.Client, pg.Client];
    const first = await sessionOf(one);
    const rounds = first === announcedBy(one) ? directRounds : suspectRounds;
    for (let round = 0; round < rounds; round++) {
      const sign = await lookOnce(one, other, first);
      if (sign !== null) return sign;
    }
    return null;
  } catch (error) {
    const sign = signOf(error);
    if (sign === null) throw error;
    return sign;
  } finally {
    for (const client of clients) await client.end().catch(() => undefined);
  }
}

async function lookOnce(one: pg.Client, other: pg.Client, first: number): Promise<PoolerSign> {
  await other.query('begin');
  try {
    const taken = await sessionOf(other);
    if (taken === first) return `two clients were given one session of Postgres (pid ${first})`;
    const now = await sessionOf(one);
    return now === first ? null : `one client was moved from session ${first} of Postgres to session ${now}`;
  } finally {
    await other.query('rollback');
  }
}

async function sessionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_catalog.pg_backend_pid() as pid');
  return rows[0]?.pid ?? 0;
}

/** pg keeps it for cancelling and does not declare it. */
const announcedBy = (client: pg.Client): unknown => (client as unknown as { processID: unknown }).processID;

/** PgBouncer refuses settings that Postgres takes at the start of a session. */
export const signOf = (error: unknown): PoolerSign =>
  error instanceof Error && error.message.includes('unsupported startup parameter') ? error.message : null;
