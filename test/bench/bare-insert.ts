import { createPool } from '../../db/client.ts';
import { columnsOf, notesOf, offered, publishedOf, type NewUpload } from '../../src/upload/offered-rows.ts';
import { answerRequests } from './child.ts';

/** Rows of fahuo.upload once more into a table that is like it, 500 a statement, one statement after the other. */
const options = JSON.parse(process.argv[2]!) as { databaseUrl: string };
const pool = createPool({
  databaseUrl: options.databaseUrl,
  max: 1,
  applicationName: 'bare-insert',
  onError: () => undefined,
});
const rowsAtOnce = 500;
const columns = `appid, payment, version, kind, event_id, source, event_time, reason, approved_by, traceparent, topic,
  partition, "offset", body, body_hash`;
const insert = {
  name: 'bare_insert',
  text: `insert into bench_upload (${columns})
    select appid, payment, version, kind::fahuo.upload_kind, event_id, source, event_time, reason, approved_by, traceparent,
      topic, partition, "offset", body, body_hash from ${offered.replace('$18', '$16').replace('$23', '$17')}`,
};

async function statementsOf(events: number): Promise<Buffer[][]> {
  const statements: Buffer[][] = [];
  for (let after = 0; after < events; after += rowsAtOnce) {
    const { rows } = await pool.query<NewUpload>(
      `select ${columns}, null as published_ms, notes from fahuo.upload where id > $1 order by id limit $2`,
      [after, rowsAtOnce],
    );
    statements.push([...columnsOf(rows), publishedOf(rows), notesOf(rows)]);
  }
  return statements;
}

/** Parameters are made before the clock runs. */
answerRequests(async (request) => {
  const { events } = request as { events: number };
  await pool.query('truncate bench_upload');
  await pool.query('checkpoint');
  const prepared = await statementsOf(events);
  const startMs = performance.now();
  for (const values of prepared) await pool.query({ ...insert, values });
  return { rate: (events / (performance.now() - startMs)) * 1_000 };
});
