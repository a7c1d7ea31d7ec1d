import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectAlone, type Queryable } from '../../../db/client.ts';
import { copyOut, type CopySession } from '../../../db/copy.ts';
import { decodeRow } from '../../../src/relay/row.ts';
import { partitionIds, readPartitions } from '../../../src/relay/partitions/store.ts';
import { executeRepair, planRepair } from '../../../src/relay/repair-store.ts';
import { readRows } from '../../../src/relay/row-store.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { createRelayStack, type RelayStack } from '../../support/relay-stack.ts';

let stack: RelayStack;
beforeEach(async () => {
  stack = await createRelayStack({ partitions: 2 });
});
afterEach(() => stack.close());

const jumpTo = (id: number) => stack.database.pool.query(`select setval('fahuo.outbox_id_seq', ${id})`);
const enqueue = (db: Queryable, payment: string, version: number) =>
  db.query('select fahuo.enqueue($1)', [JSON.stringify(shippedEvent({ payment, version }))]);

/** Eight writers without a pause, some of whom roll back; the events that committed, in order, by payment. */
async function write(signal: AbortSignal): Promise<{ committed: string[]; failures: string[] }> {
  const committed: string[] = [];
  const failures: string[] = [];
  const writer = async (number: number): Promise<void> => {
    const client = await connectAlone(stack.database.url, 'writer');
    await client.query(`set lock_timeout = '5s'`);
    for (let version = 1; !signal.aborted; version++) {
      try {
        await client.query('begin');
        await enqueue(client, `w${number}`, version);
        const ends = version % 7 === 3 ? 'rollback' : 'commit';
        await client.query(ends);
        if (ends === 'commit') committed.push(`w${number} v${version}`);
      } catch (error) {
        failures.push(String(error));
        await client.query('rollback');
      }
    }
    await client.end();
  };
  await Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)));
  return { committed, failures };
}

describe('rows in the default partition', () => {
  it('are moved under eight writers and a relay: nothing is lost, nothing out of order, and no enqueue fails', async () => {
    const { pool } = stack.database;
    await jumpTo(5 * partitionIds - 300); // no partition is made ahead for these, and writers cross a border
    const relay = stack.start();
    const stop = new AbortController();
    const writing = write(stop.signal);
    await eventually(async () => expect((await stack.cursor()).last).toBeGreaterThan(5 * partitionIds));
    await eventually(async () => expect((await planRepair(pool)).defaultRows).toBeGreaterThan(50));
    await executeRepair(pool);
    const { last } = await stack.cursor();
    await eventually(async () => expect((await stack.cursor()).last).toBeGreaterThan(last + 100));
    stop.abort();
    const { committed, failures } = await writing;
    expect(failures).toEqual([]);
    expect(await planRepair(pool)).toMatchObject({
      defaultRows: 0,
      movedRows: 0,
      passedOver: 0,
      needed: false,
    });
    const names = (await readPartitions(pool)).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['outbox_p4', 'outbox_p5']));
    await eventually(async () => {
      const { cursor, last: drawn } = await stack.cursor();
      expect(cursor).toBe(drawn);
    });
    const published = await stack.published();
    for (let number = 0; number < 8; number++) {
      const own = (events: readonly string[]) => events.filter((event) => event.startsWith(`w${number} `));
      expect(own(published)).toEqual(own(committed));
    }
    expect(relay.lines.map(({ msg }) => msg)).not.toContain('relay.interrupted');
  });

  it('are not passed by a relay that was about to read when the repair committed', async () => {
    const { pool } = stack.database;
    await jumpTo(5 * partitionIds + 5);
    await stack.enqueue({ payment: 'moved' });
    const repair = await connectAlone(stack.database.url, 'repair');
    const reader = await connectAlone(stack.database.url, 'reader');
    await repair.query('begin');
    await repair.query('select fahuo.repair_outbox_default()');
    const session: CopySession = {
      query: reader.query.bind(reader),
      copyOut: (sql, onRow) => copyOut(reader, sql, onRow),
    };
    const range = { after: 0, upTo: 6 * partitionIds, limit: 10 };
    const reading = readRows(session, { bytes: Buffer.alloc(0) }, range);
    await eventually(async () => {
      const { rows } = await pool.query(
        `select 1 from pg_stat_activity where application_name = 'reader' and wait_event_type = 'Lock'
         and datname = current_database()`,
      );
      expect(rows).toHaveLength(1);
    });
    await repair.query('commit');
    expect((await reading).map((row) => decodeRow(row).payment)).toEqual(['moved']);
    await Promise.all([repair.end(), reader.end()]);
  });

  it('wait while a transaction writes for long; the next repair moves them', async () => {
    const { pool } = stack.database;
    await jumpTo(5 * partitionIds + 5);
    const slow = await connectAlone(stack.database.url, 'slow');
    await slow.query('begin');
    await enqueue(slow, 'slow', 1);
    await stack.enqueue({ payment: 'quick' });
    const quick = await connectAlone(stack.database.url, 'quick');
    await quick.query(`set lock_timeout = '2s'`);
    const repairing = executeRepair(pool).then(
      () => 'repaired',
      (error: unknown) => String(error),
    );
    await enqueue(quick, 'quick', 2); // nobody queues behind the attempt
    expect(await repairing).toContain('`fahuo status` names it');
    await slow.query('commit');
    await executeRepair(pool);
    const { rows } = await pool.query('select payment, version from fahuo.outbox_p5 order by id');
    expect(rows).toEqual([
      { payment: 'slow', version: 1 },
      { payment: 'quick', version: 1 },
      { payment: 'quick', version: 2 },
    ]);
    await Promise.all([slow.end(), quick.end()]);
  });

  it('stay where a detached table has the name of their partition, which the message says', async () => {
    await jumpTo(5 * partitionIds + 5);
    await stack.enqueue({ payment: 'a' });
    await stack.database.pool.query('create table fahuo.outbox_p5 (id bigint)');
    await expect(executeRepair(stack.database.pool)).rejects.toThrow('outbox_p5 stands beside the outbox');
    expect(await planRepair(stack.database.pool)).toMatchObject({ defaultRows: 1 });
  });
});
