import type { Queryable } from '../../db/client.ts';
import type { AgedRow } from './forget.ts';

const past = (column: string, parameter: string): string =>
  `${column} < now() - ${parameter} * interval '1 millisecond'`;

/** Null while another instance does it; the cursor to go on from otherwise. */
export async function takeMaintenance(
  db: Queryable,
  lease: { name: string; owner: string; leaseMs: number },
): Promise<number | null> {
  const { rows } = await db.query<{ cursor: number }>(
    `update fahuo.maintenance set owner = $2, lease_until = now() + $3 * interval '1 millisecond'
     where name = $1 and (owner = $2 or lease_until is null or lease_until < now()) returning cursor`,
    [lease.name, lease.owner, lease.leaseMs],
  );
  return rows[0]?.cursor ?? null;
}

/** Where to go on; when a pass is over, another instance may make the next. */
export async function saveMaintenance(
  db: Queryable,
  at: { name: string; owner: string; cursor: number; over: boolean },
): Promise<void> {
  await db.query(
    `update fahuo.maintenance set cursor = $3, lease_until = case when $4::boolean then null else lease_until end
     where name = $1 and owner = $2`,
    [at.name, at.owner, at.cursor, at.over],
  );
}

export type PageRow = {
  id: number;
  appid: string;
  payment: string;
  due: boolean;
  /** It came within the retention, and so did all that follow it. */
  fresh: boolean;
};

/** Rows in the order in which they came, through the primary key. */
export async function readPage(
  db: Queryable,
  page: { after: number; limit: number; retentionMs: number },
): Promise<PageRow[]> {
  const { rows } = await db.query<PageRow>(
    `select id, appid, payment, coalesce(${past('finished_at', '$3::float8')}, false) as due,
       not (${past('received_at', '$3::float8')}) as fresh
     from fahuo.upload where id > $1 order by id limit $2`,
    [page.after, page.limit, page.retentionMs],
  );
  return rows;
}

/** All rows of these payments, by the index of their versions. */
export async function readAged(
  db: Queryable,
  payments: readonly { appid: string; payment: string }[],
  retentionMs: number,
): Promise<AgedRow[]> {
  const { rows } = await db.query<AgedRow>(
    `select u.id, u.appid, u.payment, u.version, u.kind, u.state, u.attempts, u.errcode,
       coalesce(u.errcode in (10060002, 10060003), false) or exists (
         select 1 from fahuo.attempt a where a.upload_id = u.id and a.errcode in (10060002, 10060003)
       ) as "knownFinished",
       case when u.state = 'acknowledged' then u.body end as body,
       coalesce(${past('u.finished_at', '$3::float8')}, false) as due
     from (select distinct * from unnest($1::text[], $2::text[]) as d(appid, payment)) p
     join fahuo.upload u on u.appid = p.appid and u.payment = p.payment`,
    [payments.map(({ appid }) => appid), payments.map(({ payment }) => payment), retentionMs],
  );
  return rows;
}

/**
 * Who may be inserting uploads now. A statement locks the table before it takes its snapshot, so one that is not among
 * these sees every tombstone that was committed before this look.
 */
export async function readInserters(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select virtualtransaction as name from pg_locks
     where locktype = 'relation' and relation = 'fahuo.upload'::regclass and mode = 'RowExclusiveLock' and granted
       and database = (select oid from pg_database where datname = current_database())`,
  );
  return rows.map((row) => row.name);
}

/**
 * Deletes rows and their attempts, where their payment has still nothing but final rows past the retention. What
 * another holds at this moment is left for the next pass. Returns the numbers of rows.
 */
export async function deleteForgotten(
  db: Queryable,
  ids: readonly number[],
  retentionMs: number,
): Promise<{ uploads: number; attempts: number }> {
  const { rows } = await db.query<{ uploads: number; attempts: number }>(
    `with due as (
      select u.id from fahuo.upload u
      where u.id = any($1::bigint[]) and ${past('u.finished_at', '$2::float8')} and not exists (
        select 1 from fahuo.upload o where o.appid = u.appid and o.payment = u.payment
          and (o.finished_at is null or not (${past('o.finished_at', '$2::float8')}))
      )
      for update of u skip locked
    ), gone as (
      delete from fahuo.upload u using due where u.id = due.id returning u.id
    ), tries as (
      delete from fahuo.attempt a using gone where a.upload_id = gone.id returning a.id
    ), repeats as (
      delete from fahuo.upload_repeat r using gone where r.upload_id = gone.id
    )
    select (select count(*) from gone) as uploads, (select count(*) from tries) as attempts`,
    [ids, retentionMs],
  );
  return rows[0] ?? { uploads: 0, attempts: 0 };
}

/** Oldest first; what was not published yet stays. Returns the count. */
export async function deleteDeadLetters(
  db: Queryable,
  of: { limit: number; retentionMs: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from fahuo.dead_letter where id in (
       select id from (select id, received_at, published_at from fahuo.dead_letter order by id limit $1) l
       where ${past('received_at', '$2::float8')} and published_at is not null
     )`,
    [of.limit, of.retentionMs],
  );
  return rowCount ?? 0;
}

/** Refused offers, oldest first. Returns the count. */
export async function deleteRefusedOffers(
  db: Queryable,
  of: { limit: number; retentionMs: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from fahuo.refused_offer where id in (
       select id from (select id, offered_at from fahuo.refused_offer order by id limit $1) r
       where ${past('offered_at', '$2::float8')}
     )`,
    [of.limit, of.retentionMs],
  );
  return rowCount ?? 0;
}

/**
 * Versions that were drawn so long ago, oldest first: what they were drawn for stands in the uploads by then, or in the
 * tombstone, and the next is drawn above these. A payment whose version is being drawn is passed over. Returns the count.
 */
export async function deleteDrawnVersions(
  db: Queryable,
  of: { limit: number; retentionMs: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from fahuo.drawn_version v using (
       select payment, appid from fahuo.drawn_version where ${past('drawn_at', '$2::float8')}
       order by drawn_at limit $1 for update skip locked
     ) old where v.payment = old.payment and v.appid = old.appid`,
    [of.limit, of.retentionMs],
  );
  return rowCount ?? 0;
}

/**
 * What was said of an adopted shop's payments, and which keys they have, so long ago: the upload's own row goes at that age,
 * and its tombstone keeps what is looked at after all from being sent blindly. What waits for somebody stays. Returns the
 * greater count of both.
 */
export async function deleteAdopted(
  db: Queryable,
  of: { limit: number; retentionMs: number },
): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `with payments as (
       delete from fahuo.adopt_payment where id in (
         select id from fahuo.adopt_payment where ${past('updated_at', '$2::float8')} and answer_final
           and state not in ('held', 'proposed') order by updated_at limit $1
       ) returning 1
     ), keys as (
       delete from fahuo.adopt_key where (source, kind, ref) in (
         select source, kind, ref from fahuo.adopt_key where ${past('updated_at', '$2::float8')}
           and state not in ('held', 'proposed', 'failed') order by updated_at limit $1
       ) returning 1
     )
     select greatest((select count(*) from payments), (select count(*) from keys))::int as count`,
    [of.limit, of.retentionMs],
  );
  return rows[0]?.count ?? 0;
}

/**
 * Events of the inbox that came so long ago, oldest first, applied or not; and wishes that nobody has fulfilled since.
 * Returns the greater count of both.
 */
export async function deletePushed(
  db: Queryable,
  of: { limit: number; retentionMs: number },
): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `with events as (
       delete from fahuo.push_event where id in (
         select id from (select id, received_at from fahuo.push_event order by id limit $1) e
         where ${past('received_at', '$2::float8')}
       ) returning 1
     ), wishes as (
       delete from fahuo.reconcile_wish where (appid, transaction_id) in (
         select appid, transaction_id from fahuo.reconcile_wish where ${past('asked_at', '$2::float8')} limit $1
       ) returning 1
     )
     select greatest((select count(*) from events), (select count(*) from wishes))::int as count`,
    [of.limit, of.retentionMs],
  );
  return rows[0]?.count ?? 0;
}

/** What WeChat told of payments so long ago, oldest first, unless it has told something since. Returns the count. */
export async function deletePayments(
  db: Queryable,
  of: { limit: number; retentionMs: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from fahuo.payment p using (
       select transaction_id, appid from fahuo.payment
       where ${past('first_seen_at', '$2::float8')} and ${past('updated_at', '$2::float8')}
       order by first_seen_at limit $1 for update skip locked
     ) old where p.transaction_id = old.transaction_id and p.appid = old.appid`,
    [of.limit, of.retentionMs],
  );
  return rowCount ?? 0;
}

/** Contradictions that no read has shown for so long. Returns the count. */
export async function deleteFindings(
  db: Queryable,
  of: { limit: number; retentionMs: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from fahuo.reconcile_finding f using (
       select transaction_id, appid, kind from fahuo.reconcile_finding where ${past('seen_at', '$2::float8')}
       order by seen_at limit $1 for update skip locked
     ) old where f.transaction_id = old.transaction_id and f.appid = old.appid and f.kind = old.kind`,
    [of.limit, of.retentionMs],
  );
  return rowCount ?? 0;
}

/**
 * Reminders to confirm receipt and what their parcels were followed by, so long after they ended, with their calls and events;
 * that a payment has had its reminder stays on record: no replay, no second word and no other name makes a second call (P12). And
 * after 60 days phones that nobody opens, of apps whose parcels are not followed. Returns the greater count of both.
 */
export async function deleteReceipts(
  db: Queryable,
  of: { limit: number; retentionMs: number },
): Promise<number> {
  const old = (table: string): string =>
    `select id from fahuo.${table} where ${past('finished_at', '$2::float8')} order by finished_at limit $1`;
  const { rows } = await db.query<{ count: number }>(
    `with receipts as (
       update fahuo.receipt set state = 'forgotten', finished_at = null, next_attempt_at = 'infinity', event_id = null, source = null,
         owner = null, sent_at = null, errcode = null, errmsg = null, rid = null, detail = null, asked_by = null
       where id in (${old('receipt')} for update skip locked) returning payment, appid
     ), events as (
       update fahuo.receipt_event e set late = true from receipts r where e.payment = r.payment and e.appid = r.appid
     ), late as (
       delete from fahuo.receipt_event where id in (
         select id from fahuo.receipt_event where late and ${past('arrived_at', '$2::float8')} order by arrived_at limit $1
       ) returning 1
     ), traces as (
       delete from fahuo.trace where id in (${old('trace')}) returning payment, appid
     ), unserved as (
       delete from fahuo.trace where finished_at is null and created_at < now() - interval '60 days'
     ), calls as (
       delete from fahuo.receipt_call c using (select * from receipts union select * from traces) gone
       where c.payment = gone.payment and c.appid = gone.appid
         and not exists (select 1 from fahuo.receipt r where r.payment = c.payment and r.appid = c.appid
           and r.state <> 'forgotten' and not coalesce(${past('r.finished_at', '$2::float8')}, false))
     )
     select greatest((select count(*) from receipts), (select count(*) from late), (select count(*) from traces))::int as count`,
    [of.limit, of.retentionMs],
  );
  return rows[0]?.count ?? 0;
}

/**
 * Webhooks that were taken so long ago, and those that came so long ago and were not: these are counted for
 * whoever asks. Returns the counts.
 */
export async function deleteWebhooks(
  db: Queryable,
  of: { limit: number; webhookDeliveredMs: number; webhookUndeliveredMs: number },
): Promise<{ taken: number; untaken: number }> {
  const { rows } = await db.query<{ taken: number; untaken: number }>(
    `with taken as (
       delete from fahuo.webhook_delivery where id in (
         select id from fahuo.webhook_delivery where state = 'delivered' and ${past('delivered_at', '$2::float8')}
         order by delivered_at limit $1
       ) and state = 'delivered' returning 1
     ), untaken as (
       delete from fahuo.webhook_delivery where id in (
         select id from fahuo.webhook_delivery where state in ('waiting', 'sending') and ${past('received_at', '$3::float8')}
         limit $1
       ) and state = 'waiting' returning 1
     ), counts as (
       select (select count(*)::int from taken) as taken, (select count(*)::int from untaken) as untaken
     ), counted as (
       update fahuo.webhook_endpoint e set forgotten = e.forgotten + c.untaken from counts c where c.untaken > 0
     )
     select * from counts`,
    [of.limit, of.webhookDeliveredMs, of.webhookUndeliveredMs],
  );
  return rows[0] ?? { taken: 0, untaken: 0 };
}

/** Replays that have ended or were left so long ago, oldest first. Returns the count. */
export async function deleteReplays(
  db: Queryable,
  of: { limit: number; retentionMs: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `with gone as (
       delete from fahuo.replay where id in (
         select id from (select id, started_at from fahuo.replay order by id limit $1) r
         where ${past('started_at', '$2::float8')}
       ) returning id
     )
     delete from fahuo.consumer_offset c using gone where c.consumer_group = 'replay/' || gone.id`,
    [of.limit, of.retentionMs],
  );
  return rowCount ?? 0;
}

/** The cursor below which every shard has published. */
export async function readPublishedUpTo(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ cursor: number | null }>(
    'select min(cursor) as cursor from fahuo.relay_cursor',
  );
  return rows[0]?.cursor ?? 0;
}

/**
 * Published rows at the front of the outbox's oldest partition, for shops that fill none within the retention. From the
 * partition itself: a lock on the parent is what the relay's frontier waits for. Parked rows stay. Returns the count.
 */
export async function deletePublished(
  db: Queryable,
  of: { partition: string; upTo: number; limit: number; retentionMs: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from fahuo.${of.partition} where id in (
       select id from (select id, created_at from fahuo.${of.partition} where id <= $1 order by id limit $2) o
       where ${past('created_at', '$3::float8')}
         and not exists (select 1 from fahuo.relay_parked p where p.outbox_id = o.id)
     )`,
    [of.upTo, of.limit, of.retentionMs],
  );
  return rowCount ?? 0;
}

/** The outbox's partitions that hold rows up to `upTo`, lowest first. */
export async function readPublishedPartitions(db: Queryable, upTo: number): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'fahuo.outbox'::regclass and c.relname ~ '^outbox_p[0-9]+$'
       and substr(c.relname, 9)::bigint * 1000000 <= $1 order by substr(c.relname, 9)::bigint`,
    [upTo],
  );
  return rows.map((row) => row.name);
}

/**
 * Entries of batches whose rows are all gone, below the oldest row or up to the cursor, and that were published before the
 * retention: the one rule by which the journal is forgotten, whether the rows went one by one or with their partition.
 * Returns the count.
 */
export async function deleteJournal(
  db: Queryable,
  of: { limit: number; retentionMs: number },
): Promise<number> {
  const { rowCount } = await db.query(
    `delete from fahuo.relay_journal j using (
       select shard, first_id, topic, partition from fahuo.relay_journal
       where last_id < coalesce((select id from fahuo.outbox order by id limit 1),
         (select min(cursor) + 1 from fahuo.relay_cursor)) and ${past('published_at', '$2::float8')}
       order by shard, first_id limit $1
     ) old
     where (j.shard, j.first_id, j.topic, j.partition) = (old.shard, old.first_id, old.topic, old.partition)`,
    [of.limit, of.retentionMs],
  );
  return rowCount ?? 0;
}

/** Tokens that nobody renewed for so long. Returns the count. */
export async function deleteTokens(db: Queryable, retentionMs: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from fahuo.token where ${past('expires_at', '$1::float8')} and (lock_until is null or lock_until < now())`,
    [retentionMs],
  );
  return rowCount ?? 0;
}
