import type { Queryable } from '../../db/client.ts';
import type { CarrierAlias } from '../shipment/carrier-aliases.ts';

export async function readCarriers(db: Queryable): Promise<Map<string, string>> {
  const { rows } = await db.query<{ id: string; name: string }>('select id, name from fahuo.carrier');
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** The ids by what they are called, as `fahuo.carrier_suggestions` looks them up. */
export async function readAliases(db: Queryable): Promise<Map<string, string[]>> {
  const { rows } = await db.query<{ alias: string; ids: string[] }>(
    `select alias, array_agg(carrier_id order by carrier_id collate "C") as ids from fahuo.carrier_alias group by alias`,
  );
  return new Map(rows.map(({ alias, ids }) => [alias, ids]));
}

/** Adds carriers, and gives those that are there their new names; removes none. */
export async function saveCarriers(
  db: Queryable,
  carriers: readonly (readonly [id: string, name: string])[],
  aliases: readonly CarrierAlias[],
): Promise<void> {
  await db.query(
    `insert into fahuo.carrier (id, name) select * from unnest($1::text[], $2::text[]) order by 1
     on conflict (id) do update set name = excluded.name`,
    [carriers.map(([id]) => id), carriers.map(([, name]) => name)],
  );
  await db.query(
    `insert into fahuo.carrier_alias (alias, carrier_id, system) select * from unnest($1::text[], $2::text[], $3::text[])
     order by 1, 2 on conflict do nothing`,
    [
      aliases.map(({ alias }) => alias),
      aliases.map(({ carrierId }) => carrierId),
      aliases.map(({ system }) => system),
    ],
  );
}

/** Changes whenever the list does, a hand that adds a carrier in SQL included. */
export async function readVersion(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ version: string }>(
    `select concat_ws(' ', refreshed_at, (select count(*) from fahuo.carrier)) as version from fahuo.carrier_list`,
  );
  return rows[0]?.version ?? '';
}

/** Wants WeChat asked about an unknown id, unless somebody wanted that within `gapMs`. */
export async function wantCarriers(db: Queryable, gapMs: number): Promise<void> {
  await db.query(
    `update fahuo.carrier_list set wanted_at = clock_timestamp()
     where wanted_at is null or wanted_at < clock_timestamp() - $1 * interval '1 millisecond'`,
    [gapMs],
  );
}

/** Whether it was wanted within `withinMs`, and is not answered yet. */
export async function isAwaited(db: Queryable, withinMs: number): Promise<boolean> {
  const { rows } = await db.query<{ awaited: boolean }>(
    `select wanted_at > clock_timestamp() - $1 * interval '1 millisecond'
       and (asked_at >= wanted_at and answered_at >= asked_at) is not true as awaited from fahuo.carrier_list`,
    [withinMs],
  );
  return rows[0]?.awaited === true;
}

/** True for the one caller that asks WeChat now: somebody wants it, or the list is old and the last try is past. */
export async function takeAsking(db: Queryable, due: { everyMs: number; retryMs: number }): Promise<boolean> {
  const { rowCount } = await db.query(
    `update fahuo.carrier_list set asked_at = clock_timestamp()
     where wanted_at > coalesce(asked_at, '-infinity')
       or coalesce(refreshed_at, '-infinity') < clock_timestamp() - $1 * interval '1 millisecond'
         and coalesce(asked_at, '-infinity') < clock_timestamp() - $2 * interval '1 millisecond'`,
    [due.everyMs, due.retryMs],
  );
  return rowCount === 1;
}

/** By a person's word: whatever was asked before. */
export async function noteAsking(db: Queryable): Promise<void> {
  await db.query('update fahuo.carrier_list set asked_at = clock_timestamp()');
}

/** What came of the last request; null for a good list. */
export async function saveAnswered(db: Queryable, failure: string | null): Promise<void> {
  await db.query(
    `update fahuo.carrier_list set answered_at = clock_timestamp(), failure = $1::text,
       refreshed_at = case when $1::text is null then clock_timestamp() else refreshed_at end`,
    [failure],
  );
}

export type CarrierState = {
  carriers: number;
  /** Null: the list is the one that fahuo came with. */
  refreshedAt: Date | null;
  /** Since the last good answer, or since this database was made. */
  ageSeconds: number;
  failure: string | null;
};

export async function readCarrierState(db: Queryable): Promise<CarrierState> {
  const { rows } = await db.query<CarrierState>(
    `select (select count(*) from fahuo.carrier)::int as carriers, l.refreshed_at as "refreshedAt", l.failure,
       greatest(0, extract(epoch from clock_timestamp() - coalesce(l.refreshed_at, d.created_at)))::float8 as "ageSeconds"
     from fahuo.carrier_list l, fahuo.deployment d`,
  );
  return rows[0] ?? { carriers: 0, refreshedAt: null, ageSeconds: 0, failure: null };
}
