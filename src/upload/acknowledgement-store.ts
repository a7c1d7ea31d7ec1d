/** What {@link acknowledgementInsert} reads of rows that a statement has just made final. */
export const acknowledgementColumns = (alias: string): string =>
  `id appid payment version event_id source traceparent state errcode errmsg rid attempts upload_time finished_at detail resolved_by`
    .split(' ')
    .map((column) => `${alias}.${column}`)
    .join(', ');

const outboxColumns = 'event_id, type, source, event_time, appid, payment, version, traceparent, data';

/** `id` names the answer, and not the event: one that is answered anew, by a person or a reconciliation, has another. */
const heads = (rows: string, id: string): string => `
  select ${id} as event_id, 'fahuo.shipment.acknowledged.v1' as type, 'fahuo' as source,
    (select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as event_time, f.appid,
    f.payment, f.version, ${rows}`;

const answerId = (prefix: string, at: string): string =>
  `'${prefix}' || f.id || '-' || floor(extract(epoch from ${at}) * 1000)::bigint`;

/** Why a final row has its state, by the words of fahuo.events. */
const reason = `case when f.resolved_by is not null then 'resolved' when f.state = 'rejected' then 'refused'
  when f.state = 'superseded' then 'newer_version' end`;

/** Rows of the outbox: the acknowledgements of the final rows in `rows`. The relay routes them by their type. */
const acknowledgementsOf = (rows: string): string =>
  heads(
    `f.traceparent,
    json_build_object('appid', f.appid, 'payment', f.payment, 'version', f.version, 'event_id', f.event_id,
      'source', f.source, 'state', f.state, 'errcode', f.errcode, 'errmsg', f.errmsg, 'rid', f.rid, 'attempts', f.attempts,
      'uploaded_at', f.upload_time, 'acknowledged_at', f.finished_at, 'reason', ${reason}, 'detail', f.detail)::text as data
  from ${rows} f`,
    answerId('ack-', 'f.finished_at'),
  );

/** The same of dead letters in `rows` that name their event: it was rejected before it became an upload. */
const letterAcknowledgementsOf = (rows: string): string =>
  heads(
    `null::text as traceparent,
    json_build_object('appid', f.appid, 'payment', f.payment, 'version', f.version, 'event_id', f.event_id,
      'source', f.source, 'state', 'rejected', 'errcode', null, 'errmsg', null, 'rid', null, 'attempts', 0,
      'uploaded_at', null, 'acknowledged_at', f.received_at, 'reason', f.reason, 'detail', f.detail)::text as data
  from ${rows} f`,
    `'ack-dead-' || f.id`,
  );

/**
 * The acknowledgement for consumers of the ack topic, as part of the statement that makes rows final: `rows` names
 * them. The statement is a writer of the outbox from its start, so it must wait for nobody's lock.
 */
export const acknowledgementInsert = (rows: string): string =>
  `insert into fahuo.outbox (${outboxColumns}) ${acknowledgementsOf(rows)}`;

const late = (acknowledgements: string): string =>
  `(select fahuo.insert_acknowledgements(json_agg(a)) from (${acknowledgements}) a)`;

/**
 * The same for a statement that may wait: an expression that locks the outbox when it is evaluated, and only if there
 * are rows. See db/functions/insert_acknowledgements.sql.
 */
export const lateAcknowledgements = (rows: string): string => late(acknowledgementsOf(rows));

/** For dead letters. */
export const lateLetterAcknowledgements = (rows: string): string => late(letterAcknowledgementsOf(rows));

/**
 * Of received events in `rows` that are final: `id` of fahuo.receipt_event, and what became of the reminder. No version: `ce_version`
 * is left out.
 */
const receiptAcknowledgementsOf = (rows: string): string =>
  heads(
    `f.traceparent,
    json_build_object('appid', f.appid, 'payment', f.payment, 'version', null, 'event_id', f.event_id,
      'source', f.source, 'state', f.state, 'errcode', f.errcode, 'errmsg', f.errmsg, 'rid', f.rid, 'attempts', f.attempts,
      'uploaded_at', f.uploaded_at, 'acknowledged_at', f.finished_at, 'reason', f.reason, 'detail', f.detail)::text as data
  from (select null::integer as version, * from ${rows}) f`,
    answerId('ack-received-', 'f.finished_at'),
  );

/** What {@link lateSecondAcknowledgements} reads of the received event `e`, and of what fahuo.ask_receipts said of it. */
export const secondColumns =
  'id, e.appid, e.payment, e.event_id, e.source, e.traceparent, e.arrived_at, asked.late';

/** For received events whose payment has its reminder already, as fahuo.receipt_events answers them. */
export const lateSecondAcknowledgements = (rows: string): string =>
  late(
    receiptAcknowledgementsOf(`(select k.*, 'superseded' as state, null::bigint as errcode, null::text as errmsg,
      null::text as rid, 0 as attempts, null::timestamptz as uploaded_at, k.arrived_at as finished_at,
      case when k.late then 'forgotten' else 'second_reminder' end as reason,
      'the payment has its one reminder already' as detail from ${rows} k)`),
  );

/** For the events that asked for the reminders in `rows`, whole rows of fahuo.receipt that have just become final. */
export const lateReceiptAcknowledgements = (rows: string): string =>
  late(
    receiptAcknowledgementsOf(`(select e.id, e.appid, e.payment, e.event_id, e.source, e.traceparent,
      case r.state when 'moot' then 'superseded' else r.state::text end as state, r.errcode, r.errmsg, r.rid,
      r.sends as attempts, r.sent_at as uploaded_at, r.finished_at,
      case r.state when 'moot' then 'receipt_confirmed' when 'rejected' then 'reminder_refused' end as reason, r.detail
      from ${rows} r join fahuo.receipt_event e on e.event_id = r.event_id and e.source = r.source
      where r.finished_at is not null and (select d.acknowledgement_rows from fahuo.deployment d))`),
  );
