import { expect, it } from 'vitest';
import { copyOut, type CopySession } from '../../../db/copy.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { decodeRow } from '../../../src/relay/row.ts';
import { createReader } from '../../../src/relay/reader.ts';
import { prepareSnapshot, readLastId } from '../../../src/relay/snapshot-store.ts';
import { createDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';

it('leaves the rows of a batch whole while it reads on, for a send that has to be made again', async () => {
  const database = await createDatabase();
  const client = await database.pool.connect();
  try {
    const ids = Array.from({ length: 550 }, (_, n) => `event-${n}`);
    await client.query(`select fahuo.enqueue(e) from unnest($1::text[]) e`, [
      ids.map((id) => JSON.stringify(shippedEvent({ payment: id, id }))),
    ]);
    await prepareSnapshot(client);
    let underWay = 0;
    const db: CopySession = {
      query: client.query.bind(client),
      copyOut: async (sql, onRow) => {
        underWay += 1;
        await copyOut(client, sql, onRow);
        underWay -= 1;
      },
    };
    const options = { batchRows: 100, backOffMaxMs: 0 };
    const { read } = createReader({ db, cursor: 0, metrics: createMetrics() }, options);
    const found: (string | null)[] = [];
    let chunk = await read();
    while (chunk.kind === 'rows') {
      const next = await read();
      await eventually(() => expect(underWay).toBe(0)); // all that is read while a send is under way
      found.push(...chunk.rows.map((row) => decodeRow(row).event_id));
      chunk = next;
    }
    expect(found).toEqual(ids);
    expect(chunk).toEqual({ kind: 'idle', lastId: await readLastId(client) });
  } finally {
    client.release();
    await database.drop();
  }
});
