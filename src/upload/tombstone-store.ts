import type { Queryable } from '../../db/client.ts';
import { keysOf } from './alias-store.ts';

/** What is left of a payment whose rows were forgotten. */
export type Tombstone = {
  appid: string;
  payment: string;
  /** What is not newer is a repeat of what was forgotten. */
  lastVersion: number;
  finished: boolean;
  chanceSpent: boolean;
};

const columns = `appid, payment, last_version as "lastVersion", finished, chance_spent as "chanceSpent"`;

/** Whether rows of the payment that `row` names were forgotten under its other key; an insert sees those of its own. */
export const isForgottenUnderOtherKey = (row: string): string => `exists (
  select 1 from fahuo.tombstone t
  where t.appid = ${row}.appid and t.payment = any(${keysOf(row)}) and t.payment <> ${row}.payment
)`;

/** Of a payment, under each key by which it is known. */
export async function readTombstonesOf(
  db: Queryable,
  payment: { appid: string; payment: string },
): Promise<Tombstone[]> {
  const { rows } = await db.query<Tombstone>({
    name: 'tombstones_of_payment',
    text: `select t.appid, t.payment, t.last_version as "lastVersion", t.finished, t.chance_spent as "chanceSpent"
     from (select $1::text as appid, $2::text as payment) r
     join fahuo.tombstone t on t.appid = r.appid and t.payment = any(${keysOf('r')})`,
    values: [payment.appid, payment.payment],
  });
  return rows;
}

/** Those of these payments that have one. */
export async function readTombstones(
  db: Queryable,
  payments: readonly { appid: string; payment: string }[],
): Promise<Tombstone[]> {
  const { rows } = await db.query<Tombstone>(
    `select ${columns} from fahuo.tombstone
     where (appid, payment) in (select * from unnest($1::text[], $2::text[]))`,
    [payments.map(({ appid }) => appid), payments.map(({ payment }) => payment)],
  );
  return rows;
}

/** Sets them up, or adds to those that stand there: what was once known is never lost. */
export async function writeTombstones(db: Queryable, tombstones: readonly Tombstone[]): Promise<void> {
  await db.query(
    `insert into fahuo.tombstone as t (appid, payment, last_version, finished, chance_spent)
     select * from unnest($1::text[], $2::text[], $3::int4[], $4::boolean[], $5::boolean[])
     on conflict (appid, payment) do update set
       last_version = greatest(t.last_version, excluded.last_version),
       finished = t.finished or excluded.finished,
       chance_spent = t.chance_spent or excluded.chance_spent,
       updated_at = clock_timestamp()`,
    [
      tombstones.map((one) => one.appid),
      tombstones.map((one) => one.payment),
      tombstones.map((one) => one.lastVersion),
      tombstones.map((one) => one.finished),
      tombstones.map((one) => one.chanceSpent),
    ],
  );
}
