import type { Queryable } from '../../db/client.ts';
import { lateSecondAcknowledgements, secondColumns } from '../upload/insert-store.ts';
import type { NewReceipt, ReceiptRivals } from './receipt.ts';

type Place = { topic: string; partition: number; offset: number };
/** An inserted event, by its message; `first`: it asked for the payment's reminder, or will. */
export type InsertedReceipt = Place & { first: boolean };

/**
 * Keeps received events, each once by its source and id, and has the payments reminded that have no reminder yet: the first
 * word of a receipt wins, whoever says it. One statement, so that no event is kept without its reminder; where that would wait
 * for a transaction of the shop, the event stays open, and src/receipt asks for it (P7). What is left out is a repeat, or has
 * the id of another event (see {@link readReceiptRivals}).
 */
export async function insertReceipts(
  db: Queryable,
  receipts: readonly NewReceipt[],
  { acknowledgements }: { acknowledgements: boolean },
): Promise<InsertedReceipt[]> {
  const { rows } = await db.query<{ inserted: InsertedReceipt[] | null }>(
    `with given as materialized (
       select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::text[], $7::text[], $8::text[],
         $9::int4[], $10::int8[], $11::text[]) with ordinality
         as g(event_id, source, appid, payment, received_seconds, event_time, traceparent, topic, partition, "offset", notes, n)
     ), kept as (
       insert into fahuo.receipt_event (event_id, source, appid, payment, received_at, event_time, traceparent, topic, partition,
         "offset", notes, late)
       select event_id, source, appid, payment, to_timestamp(received_seconds), event_time, traceparent, topic, partition, "offset",
         notes, false
       from given g
       where not exists (
         select from fahuo.upload u where u.event_id = g.event_id and u.source = g.source offset 0
       )
       order by n
       on conflict (event_id, source) do nothing
       returning *
     ), asked as materialized (
       select * from fahuo.ask_receipts((select array_agg(id) from kept), interval '0')
     ), second as materialized (
       select ${secondColumns} from kept e join asked using (id) where outcome = 'second' and $12::boolean
     )
     select (
         select json_agg(json_build_object('topic', topic, 'partition', partition, 'offset', "offset", 'first', outcome <> 'second'))
         from kept join asked using (id)
       ) as inserted,
       ${lateSecondAcknowledgements('second')}`,
    [
      receipts.map((one) => one.eventId),
      receipts.map((one) => one.source),
      receipts.map((one) => one.appid),
      receipts.map((one) => one.payment),
      receipts.map((one) => one.receivedSeconds),
      receipts.map((one) => one.eventTime),
      receipts.map((one) => one.traceparent),
      receipts.map((one) => one.topic),
      receipts.map((one) => one.partition),
      receipts.map((one) => one.offset),
      receipts.map((one) => one.notes),
      acknowledgements,
    ],
  );
  return rows[0]?.inserted ?? [];
}

/** Events of these ids, and reminders of these payments; look-ups by index, as in upload/insert-store.ts. */
export async function readReceiptRivals(
  db: Queryable,
  receipts: readonly NewReceipt[],
): Promise<ReceiptRivals> {
  const { rows: events } = await db.query<ReceiptRivals['events'][number]>(
    `select f.* from unnest($1::text[], $2::text[]) as g(event_id, source) cross join lateral (
       select e.event_id as "eventId", e.source, e.appid, e.payment, date_part('epoch', e.received_at) as "receivedSeconds"
       from fahuo.receipt_event e where e.event_id = g.event_id and e.source = g.source
       union all
       select u.event_id, u.source, u.appid, u.payment, null
       from fahuo.upload u where u.event_id = g.event_id and u.source = g.source offset 0
     ) f`,
    [receipts.map((one) => one.eventId), receipts.map((one) => one.source)],
  );
  const { rows: reminders } = await db.query<ReceiptRivals['reminders'][number]>(
    `select f.* from unnest($1::text[], $2::text[]) as g(appid, payment) cross join lateral (
       select r.appid, r.payment, r.state from fahuo.receipt r where r.payment = g.payment and r.appid = g.appid offset 0
     ) f`,
    [receipts.map((one) => one.appid), receipts.map((one) => one.payment)],
  );
  return { events, reminders };
}
