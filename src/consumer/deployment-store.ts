import type { Queryable } from '../../db/client.ts';

/** Which database this is. A backup that is restored is the same one. */
export type Deployment = { id: string; createdAt: Date; olderAcceptedAt: Date | null };

export async function readDeployment(db: Queryable): Promise<Deployment | null> {
  const { rows } = await db.query<Deployment>(
    `select id, created_at as "createdAt", older_accepted_at as "olderAcceptedAt" from fahuo.deployment`,
  );
  return rows[0] ?? null;
}

/** From now on events that are older than the database are like others, but read before their first send. */
export async function acceptOlderEvents(db: Queryable): Promise<void> {
  await db.query('update fahuo.deployment set older_accepted_at = clock_timestamp()');
}

/** What the SQL door does: it has no environment of its own, so the instance that started last says it. */
export async function saveDoorSettings(
  db: Queryable,
  door: { carrierAliases: boolean; acknowledgements: boolean },
): Promise<void> {
  await db.query(
    `update fahuo.deployment set carrier_aliases = $1, acknowledgement_rows = $2
     where (carrier_aliases, acknowledgement_rows) is distinct from ($1, $2)`,
    [door.carrierAliases, door.acknowledgements],
  );
}

type Group = { group: string; topic: string };

/** Databases whose place in the group this one took, by a person's word. */
export async function readTaken(db: Queryable, { group, topic }: Group): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    'select from_database as id from fahuo.group_taken where group_id = $1 and topic = $2',
    [group, topic],
  );
  return rows.map((row) => row.id);
}

export async function takeGroup(
  db: Queryable,
  { group, topic }: Group,
  from: readonly string[],
): Promise<void> {
  await db.query(
    `insert into fahuo.group_taken (group_id, topic, from_database)
     select $1, $2, * from unnest($3::uuid[]) on conflict do nothing`,
    [group, topic, from],
  );
}
