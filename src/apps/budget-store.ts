import type { Queryable } from '../../db/client.ts';
import type { BudgetLimits, GrantRequest } from './budget.ts';

export type TakeRequest = Pick<GrantRequest, 'kind' | 'wanted'> & { appid: string };
type Limited = Extract<BudgetLimits, { kind: 'limited' }>;

/** Takes from the budget in one statement: see db/functions/take_budget.sql. `atMs`, for tests, is the time to use. */
export async function takeBudget(
  db: Queryable,
  { appid, kind, wanted }: TakeRequest,
  { perMs, capacity, readPerMs, readCapacity }: Limited,
  atMs: number | null = null,
): Promise<{ granted: number; retryAfterMs: number }> {
  const { rows } = await db.query<{ granted: number; retryAfterMs: number }>({
    name: 'take_budget',
    text: `select granted, retry_after_ms as "retryAfterMs" from fahuo.take_budget($1, $2, $3, $4, $5, $6, $7, $8)`,
    values: [appid, kind, wanted, perMs, capacity, readPerMs, readCapacity, atMs],
  });
  return rows[0] ?? { granted: 0, retryAfterMs: 1 };
}

/** How long nobody may call this app, in milliseconds of the database's clock; 0 when they may. */
export async function readBlockedMs(db: Queryable, appid: string): Promise<number> {
  const { rows } = await db.query<{ leftMs: number }>(
    `select greatest(0, blocked_until_ms - extract(epoch from clock_timestamp())::float8 * 1000) as "leftMs"
     from fahuo.budget where appid = $1`,
    [appid],
  );
  return rows[0]?.leftMs ?? 0;
}

/** Nobody is granted anything for `forMs`; a longer stop stays as it is. */
export async function blockBudget(db: Queryable, appid: string, forMs: number): Promise<void> {
  await db.query(
    `insert into fahuo.budget as b (appid, blocked_until_ms)
     values ($1, extract(epoch from clock_timestamp())::float8 * 1000 + $2)
     on conflict (appid) do update set blocked_until_ms = greatest(b.blocked_until_ms, excluded.blocked_until_ms)`,
    [appid, forMs],
  );
}

/** The rates that WeChat answered last, by app. */
export async function readRates(db: Queryable, appids: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await db.query<{ appid: string; callsPerSecond: number }>(
    `select appid, calls_per_second as "callsPerSecond" from fahuo.budget
     where appid = any($1) and calls_per_second is not null`,
    [appids],
  );
  return new Map(rows.map((row) => [row.appid, row.callsPerSecond]));
}

export async function saveRate(db: Queryable, appid: string, callsPerSecond: number): Promise<void> {
  await db.query(
    `insert into fahuo.budget (appid, calls_per_second, answered_at) values ($1, $2, clock_timestamp())
     on conflict (appid) do update set calls_per_second = excluded.calls_per_second, answered_at = excluded.answered_at`,
    [appid, callsPerSecond],
  );
}
