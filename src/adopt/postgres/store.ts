import type { Queryable } from '../../../db/client.ts';
import { storable } from '../../text.ts';
import type { ShopAnswer, Touched } from '../shop.ts';
import { nameOf, quoted, spellingsOf, times, type Column, type Relation } from './relation.ts';
import type { Standing, StandingTrigger } from './triggers.ts';

export async function takeTouched(db: Queryable, limit: number, afterId: string | null): Promise<Touched[]> {
  const { rows } = await db.query<Touched>(
    `select id::text as id, kind, ref, (extract(epoch from touched_at) * 1000)::float8 as "touchedAtMs"
     from fahuo_adopt.touched where id > coalesce($2::bigint, 0) order by touched.id limit $1`,
    [limit, afterId],
  );
  return rows;
}

export async function forgetTouched(db: Queryable, ids: readonly string[]): Promise<void> {
  await db.query('delete from fahuo_adopt.touched where id = any ($1::bigint[])', [ids]);
}

/** A commit that waits for the disk, and all of the log before it. It writes of no table, so it needs no right. */
export async function flushLog(tx: Queryable): Promise<void> {
  await tx.query('set local synchronous_commit = on');
  await tx.query(`select pg_catalog.pg_logical_emit_message(true, 'fahuo', '')`);
}

const countedTo = 1_000_000;

export async function countTouched(db: Queryable): Promise<{ waiting: number; oldestMs: number | null }> {
  const { rows } = await db.query<{ waiting: number; oldestMs: number | null }>(
    `select count(*) as waiting, (extract(epoch from min(t.touched_at)) * 1000)::float8 as "oldestMs"
     from (select touched_at from fahuo_adopt.touched order by id limit ${countedTo}) t`,
  );
  return rows[0] ?? { waiting: 0, oldestMs: null };
}

/** Within one payment the higher version stands, else the later time; what is the same is not written again. */
export async function upsertAnswers(db: Queryable, answers: readonly ShopAnswer[]): Promise<void> {
  const texts = (of: (answer: ShopAnswer) => string | null): (string | null)[] =>
    answers.map(of).map((text) => (text === null ? null : storable(text)));
  await db.query(
    `insert into fahuo_adopt.answer as stands
       (kind, ref, appid, payment, version, state, errcode, errmsg, rid, reason, at)
     select kind, ref, appid, payment, version, state, errcode, errmsg, rid, reason, to_timestamp(at_ms / 1000)
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::int[], $8::text[], $9::text[],
       $10::text[], $11::float8[])
       as new (kind, ref, appid, payment, version, state, errcode, errmsg, rid, reason, at_ms)
     on conflict (kind, ref) do update set appid = excluded.appid, payment = excluded.payment,
       version = excluded.version, state = excluded.state, errcode = excluded.errcode, errmsg = excluded.errmsg,
       rid = excluded.rid, reason = excluded.reason, at = excluded.at
     where case
         when stands.appid = excluded.appid and stands.payment = excluded.payment and stands.version <> excluded.version
           then excluded.version > stands.version
         else excluded.at >= stands.at end
       and (stands.*) is distinct from (excluded.*)`,
    [
      texts(({ kind }) => kind),
      texts(({ ref }) => ref),
      texts(({ appid }) => appid),
      texts(({ payment }) => payment),
      answers.map(({ version }) => version),
      texts(({ state }) => state),
      answers.map(({ errcode }) => errcode),
      texts(({ errmsg }) => errmsg),
      texts(({ rid }) => rid),
      texts(({ reason }) => reason),
      answers.map(({ atMs }) => atMs),
    ],
  );
}

/** Runs a `columnsStatement`; the keys whose rows the shop has locked. */
export async function writeColumns(db: Queryable, text: string, refs: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ ref: string }>(text, [refs]);
  return rows.map(({ ref }) => ref);
}

/**
 * The table that the login would reach by this name; `shops` has the login's own search path. null where there is none,
 * or none that the login may see.
 */
export async function resolveTable(shops: Queryable, table: string): Promise<number | null> {
  for (const spelling of spellingsOf(table)) {
    const oid = await shops
      .query<{
        oid: number | null;
      }>('select pg_catalog.to_regclass($1)::pg_catalog.oid as oid', [spelling])
      .then(({ rows }) => rows[0]?.oid ?? null)
      .catch((error: unknown) => {
        if ((error as { code?: unknown }).code === '42501') return null;
        throw error;
      });
    if (oid !== null) return oid;
  }
  return null;
}

type RelationRow = Omit<Relation, 'columns'>;

/** null where the table has just been dropped. */
export async function readRelation(db: Queryable, oid: number): Promise<Relation | null> {
  const { rows } = await db.query<RelationRow>(
    `select c.oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
       pg_has_role(c.relowner, 'USAGE') as owned,
       array(select a.attname::text from pg_index i cross join unnest(i.indkey) with ordinality k (attnum, place)
             join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
             where i.indrelid = c.oid and i.indisprimary order by k.place) as "primaryKey"
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1`,
    [oid],
  );
  const [row] = rows;
  return row === undefined ? null : { ...row, columns: await readColumns(db, oid) };
}

/** `v` in attgenerated is new in Postgres 18, and an ordinary value to those before. */
async function readColumns(db: Queryable, oid: number): Promise<Column[]> {
  const { rows } = await db.query<Column>(
    `select a.attname::text as name, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), -1) as type,
       format_type(a.atttypid, a.atttypmod) as "castType", not a.attnotnull as nullable,
       t.typtype = 'e' as "isEnum", a.attgenerated = 'v' as "isVirtual"
     from pg_attribute a join pg_type t on t.oid = a.atttypid
     where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`,
    [oid],
  );
  return rows;
}

/** Triggers of a partition that come from the table above it are not listed: they come and go with that one. */
export async function readStanding(db: Queryable): Promise<Standing> {
  const { rows: schemas } = await db.query<{ remark: string | null; tables: boolean; functions: string[] }>(
    `select obj_description(n.oid, 'pg_namespace') as remark,
       (select count(*) = 2 from pg_class c where c.relnamespace = n.oid and c.relname in ('touched', 'answer')) as tables,
       array(select p.proname::text from pg_proc p
             where p.pronamespace = n.oid and p.pronargs = 0 and p.prorettype = 'trigger'::regtype and p.proname ~ '^touch_'
             order by p.proname) as functions
     from pg_namespace n where n.nspname = 'fahuo_adopt'`,
  );
  const [schema] = schemas;
  if (schema === undefined) return null;
  return { ...schema, triggers: await readTriggers(db) };
}

/** A partition's own copy that does not fire always spoils that of its table. */
async function readTriggers(db: Queryable): Promise<StandingTrigger[]> {
  const { rows } = await db.query<StandingTrigger>(
    `with recursive ours as (
       select t.oid, t.oid as root, t.tgenabled from pg_trigger t
       join pg_proc p on p.oid = t.tgfoid join pg_namespace n on n.oid = p.pronamespace
       where n.nspname = 'fahuo_adopt' and t.tgparentid = 0
       union all
       select t.oid, o.root, t.tgenabled from ours o join pg_trigger t on t.tgparentid = o.oid
     )
     select n.nspname::text as schema, c.relname::text as table, t.tgname::text as trigger, p.proname::text as function,
       (select bool_and(o.tgenabled = 'A') from ours o where o.root = t.oid) as always
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     join pg_proc p on p.oid = t.tgfoid
     where t.oid in (select root from ours) order by 1, 2, 3`,
  );
  return rows;
}

export type WalkFrom = {
  relation: Relation;
  key: Column;
  after: string | null;
  limit: number;
  since: { column: Column; ms: number } | null;
  newestFirst: boolean;
};

/** Keys in the order of their column, each once. */
export async function walkKeys(
  db: Queryable,
  { relation, key, after, limit, since, newestFirst }: WalkFrom,
): Promise<string[]> {
  const column = `t.${quoted(key.name)}`;
  const values: unknown[] = [limit];
  const beyond = after === null ? '' : ` and ${column} > $${values.push(after)}::text::${key.type}`;
  const later = since === null ? '' : ` and ${await sinceOf(db, relation, since, values)}`;
  const order = newestFirst ? ' desc' : '';
  const { rows } = await db.query<{ ref: string }>(
    `select k.key::text as ref from (
       select distinct ${column} as key from ${nameOf(relation)} t where ${column} is not null${beyond}${later}
       order by 1${order} limit $1) k
     order by k.key${order}`,
    values,
  );
  return rows.map(({ ref }) => ref);
}

async function sinceOf(
  db: Queryable,
  relation: Relation,
  { column, ms }: { column: Column; ms: number },
  values: unknown[],
): Promise<string> {
  const name = `t.${quoted(column.name)}`;
  if (times.includes(column.type))
    return `${name} >= to_timestamp($${values.push(ms)}::float8 / 1000)::${column.type}`;
  const isMs = await holdsMilliseconds(db, relation, column);
  return `${name} >= $${values.push(String(isMs ? ms : Math.floor(ms / 1000)))}::bigint`;
}

/** Seconds reach 1e11 in the year 5138, and milliseconds were there in 1973. The newest rows tell; all, where none does. */
async function holdsMilliseconds(db: Queryable, relation: Relation, column: Column): Promise<boolean> {
  const [name, order] = [quoted(column.name), relation.primaryKey.map((key) => `${quoted(key)} desc`)];
  const newest = `select ${name} as value from ${nameOf(relation)}${order.length === 0 ? '' : ` order by ${order.join(', ')}`} limit 1000`;
  const { rows } = await db.query<{ ms: boolean }>(
    `select coalesce((select max(n.value) from (${newest}) n), (select max(${name}) from ${nameOf(relation)})) > 1e11 as ms`,
  );
  return rows[0]?.ms ?? false;
}
