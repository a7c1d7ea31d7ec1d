/** What {@link acknowledgementInsert} reads of rows that a statement has just made final. */
export const acknowledgementColumns = (alias: string): string =>
  `id appid payment version event_id source traceparent state errcode errmsg rid attempts upload_time finished_at detail resolved_by`
    .split(' ')
    .map((column) => `${alias}.${column}`)
    .join(', ');

const outboxColumns = 'event_id, type, source, event_time, appid, payment, version, traceparent, data';

const heads = (rows: string, id: string): string => `
  select '${id}' || f.id as event_id, 'fahuo.shipment.acknowledged.v1' as type, 'fahuo' as source,
    (select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as event_time, f.appid,
    f.payment, f.version, ${rows}`;

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
    'ack-',
  );

/** The same of dead letters in `rows` that name their event: it was rejected before it became an upload. */
const letterAcknowledgementsOf = (rows: string): string =>
  heads(
    `null::text as traceparent,
    json_build_object('appid', f.appid, 'payment', f.payment, 'version', f.version, 'event_id', f.event_id,
      'source', f.source, 'state', 'rejected', 'errcode', null, 'errmsg', null, 'rid', null, 'attempts', 0,
      'uploaded_at', null, 'acknowledged_at', f.received_at, 'reason', f.reason, 'detail', f.detail)::text as data
  from ${rows} f`,
    'ack-dead-',
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
