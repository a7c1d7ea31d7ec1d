import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { connectAlone } from '../../../db/client.ts';
import { copyOut, type CopySession } from '../../../db/copy.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { decodeRow, type OutboxRow } from '../../../src/relay/message.ts';
import { createReader } from '../../../src/relay/reader.ts';
import { prepareLook, readLastId } from '../../../src/relay/store.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createDatabase();
  client = await connectAlone(database.url, 'test');
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const batchRows = 100;
const rows = 550;

describe('the reader', () => {
  it('leaves the rows of a batch whole while it reads on, for a send that has to be made again', async () => {
    await database.pool.query(`select fahuo.enqueue(e) from unnest($1::text[]) e`, [
      Array.from({ length: rows }, (_, n) =>
        JSON.stringify(shippedEvent({ payment: `p${n}`, id: `event-${n}` })),
      ),
    ]);
    await prepareLook(client);
    let reads = 0;
    const db: CopySession = {
      query: client.query.bind(client),
      copyOut: async (sql, onRow) => {
        await copyOut(client, sql, onRow);
        reads += 1;
      },
    };
    const { read } = createReader({ db, cursor: 0, metrics: createMetrics() }, { batchRows, restMaxMs: 0 });
    const idsOf = (batch: readonly OutboxRow[]) => batch.map((row) => decodeRow(row).event_id);
    const all: (string | null)[] = [];
    let chunk = await read();
    while (chunk.kind === 'rows') {
      const next = await read();
      // Nothing that is read while this one waits for its acknowledgement may lie where its rows are.
      const ahead = next.kind === 'rows' && next.more ? 2 : 1;
      const wanted = Math.min(all.length / batchRows + 1 + ahead, Math.ceil(rows / batchRows));
      await eventually(() => expect(reads).toBeGreaterThanOrEqual(wanted));
      all.push(...idsOf(chunk.rows));
      chunk = next;
    }
    expect(all).toEqual(Array.from({ length: rows }, (_, n) => `event-${n}`));
    expect(chunk).toEqual({ kind: 'idle', lastId: await readLastId(client) });
  });
});
