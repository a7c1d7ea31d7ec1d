import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka';
import pg from 'pg';
import { answerRequests } from './child.ts';

/**
 * The bare loop: rows by an id cursor → the client library's own send, the next read under way meanwhile. No frontier,
 * no journal, no cursor saved, no leader, no second try.
 */
const options = JSON.parse(process.argv[2]!) as { databaseUrl: string; brokers: string; topic: string };
const batchRows = 1_000;
const client = new pg.Client({ connectionString: options.databaseUrl });
await client.connect();
const producer = new Producer({
  clientId: 'bare',
  bootstrapBrokers: options.brokers.split(','),
  serializers: stringSerializers,
  acks: ProduceAcks.ALL,
  retries: 0,
});

type Row = Record<
  'id' | 'event_id' | 'type' | 'source' | 'event_time' | 'appid' | 'payment' | 'version' | 'data',
  string
>;

const read = async (after: string, upTo: string): Promise<Row[]> =>
  (
    await client.query<Row>(
      `select id, event_id, type, source, event_time, appid, payment, version::text, data
       from fahuo.outbox where id > $1 and id <= $2 order by id limit $3`,
      [after, upTo, batchRows],
    )
  ).rows;

const messageOf = (row: Row) => ({
  topic: options.topic,
  key: `${row.appid}/${row.payment}`,
  value: row.data,
  headers: {
    ce_specversion: '1.0',
    ce_id: row.event_id,
    ce_type: row.type,
    ce_source: row.source,
    ce_time: row.event_time,
    ce_appid: row.appid,
    ce_version: row.version,
    'content-type': 'application/json',
  },
});

answerRequests(async (request) => {
  const { after, upTo } = request as { after: number; upTo: number };
  let sent = 0;
  let next = read(String(after), String(upTo));
  for (;;) {
    const rows = await next;
    const last = rows.at(-1);
    if (last === undefined) return { sent };
    next = read(last.id, String(upTo));
    await producer.send({ messages: rows.map(messageOf) });
    sent += rows.length;
  }
});
