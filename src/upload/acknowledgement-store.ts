/** What {@link acknowledgementInsert} reads of rows that a statement has just made final. */
export const acknowledgementColumns = (alias: string): string =>
  `id appid payment version event_id traceparent state errcode errmsg rid attempts upload_time finished_at detail`
    .split(' ')
    .map((column) => `${alias}.${column}`)
    .join(', ');

/**
 * The acknowledgement for consumers of the ack topic, as part of the statement that makes rows final: `rows` names
 * what holds them. The relay routes it by its type. Inserting into the outbox locks it before an id is drawn, like
 * every writer of the outbox.
 */
export const acknowledgementInsert = (rows: string): string => `
  insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, traceparent, data)
  select 'ack-' || f.id, 'fahuo.shipment.acknowledged.v1', 'fahuo',
    (select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')), f.appid, f.payment, f.version,
    f.traceparent,
    json_build_object('appid', f.appid, 'payment', f.payment, 'version', f.version, 'event_id', f.event_id,
      'state', f.state, 'errcode', f.errcode, 'errmsg', f.errmsg, 'rid', f.rid, 'attempts', f.attempts,
      'uploaded_at', f.upload_time, 'acknowledged_at', f.finished_at, 'detail', f.detail)::text
  from ${rows} f`;
