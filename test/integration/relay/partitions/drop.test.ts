import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectAlone } from '../../../../db/client.ts';
import { createLog } from '../../../../src/log.ts';
import { createMetrics } from '../../../../src/metrics.ts';
import { dropBehind } from '../../../../src/relay/partitions/drop.ts';
import { makeAhead } from '../../../../src/relay/partitions/make.ts';
import { partitionIds, readPartitions } from '../../../../src/relay/partitions/store.ts';
import { shippedEvent } from '../../../support/events.ts';
import { eventually } from '../../../support/eventually.ts';
import { createRelayStack, type RelayStack } from '../../../support/relay-stack.ts';

let stack: RelayStack;
let lines: { msg: string; level: number }[];
beforeEach(async () => {
  stack = await createRelayStack({ partitions: 1 });
  lines = [];
});
afterEach(() => stack.close());

const deps = () => ({
  pool: stack.database.pool,
  log: createLog({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line) as never) }),
  metrics: createMetrics(),
});
const names = async (): Promise<string[]> =>
  (await readPartitions(stack.database.pool)).map(({ name }) => name);
const jumpTo = (id: number) => stack.database.pool.query(`select setval('fahuo.outbox_id_seq', ${id})`);
/** As a relay leaves it that has published everything up to `id`. */
const passTo = async (id: number): Promise<void> => {
  const { pool } = stack.database;
  await pool.query('update fahuo.relay_cursor set cursor = $1', [id]);
  await pool.query('delete from fahuo.relay_journal');
  await pool.query(
    `insert into fahuo.relay_journal
     select 0, min(id), max(id), 'topic', 0, 1, 0, count(*), clock_timestamp() + id / 1000000 * interval '1 s'
     from fahuo.outbox where id <= $1 group by id / 1000000`,
    [id],
  );
};
const said = (msg: string) => lines.filter((line) => line.msg === msg);

/** Writers without a pause between them; the longest wait of any and what failed. */
function writeWithoutPause(signal: AbortSignal): Promise<{ written: number; failures: string[] }> {
  const result = { written: 0, failures: [] as string[] };
  const writer = async (number: number): Promise<void> => {
    const client = await connectAlone(stack.database.url, 'writer');
    // Maintenance takes a lock for a millisecond; the remaining time is room for a machine that is busy.
    await client.query(`set lock_timeout = '250ms'`);
    for (let version = 1; !signal.aborted; version++) {
      const event = shippedEvent({ payment: `w${number}`, version });
      await client.query('select fahuo.enqueue($1)', [JSON.stringify(event)]).then(
        () => (result.written += 1),
        (error: unknown) => result.failures.push(String(error)),
      );
    }
    await client.end();
  };
  return Promise.all([0, 1, 2, 3].map(writer)).then(() => result);
}

describe('partitions of the outbox', () => {
  it('are made ahead and dropped behind the cursor while writers wait for no lock', async () => {
    const writing = new AbortController();
    const written = writeWithoutPause(writing.signal);
    for (let round = 1; round <= 6; round++) {
      await jumpTo(round * partitionIds - 50); // writers cross into the next partition at once
      await eventually(async () => expect((await stack.cursor()).last).toBeGreaterThan(round * partitionIds));
      await makeAhead(deps());
      await eventually(async () => {
        await passTo(round * partitionIds);
        await dropBehind(deps(), { shard: 0, retentionHours: 0 });
        expect(await names()).not.toContain(`outbox_p${round - 1}`);
      });
    }
    writing.abort();
    const { written: count, failures } = await written;
    console.log(`${count} rows written meanwhile, ${failures.length} waited`);
    expect(failures).toEqual([]);
    expect(said('outbox.partition_dropped')).toHaveLength(6);
    expect(await names()).toEqual(['outbox_p6', 'outbox_p7', 'outbox_p8']);
    expect(said('outbox.default_has_rows')).toEqual([]);
  });

  it('are not made nor dropped by a relay that would have to wait: a long writer is not queued behind', async () => {
    const { pool } = stack.database;
    await jumpTo(partitionIds + 10);
    await pool.query('update fahuo.relay_cursor set cursor = $1', [partitionIds]);
    const open = await connectAlone(stack.database.url, 'long-writer');
    await open.query('begin');
    await open.query('select fahuo.enqueue($1)', [JSON.stringify(shippedEvent())]);
    await makeAhead(deps());
    await dropBehind(deps(), { shard: 0, retentionHours: 0 });
    expect(said('outbox.drop_waits').length).toBe(1);
    const other = await connectAlone(stack.database.url, 'writer');
    await other.query(`set lock_timeout = '250ms'`);
    await other.query('select fahuo.enqueue($1)', [JSON.stringify(shippedEvent({ payment: 'other' }))]);
    await open.query('commit');
    await dropBehind(deps(), { shard: 0, retentionHours: 0 });
    expect(await names()).not.toContain('outbox_p0');
    await Promise.all([open.end(), other.end()]);
  });

  it('are not dropped under a reader, and nobody queues behind the attempt', async () => {
    await stack.enqueue({ payment: 'read' });
    await passTo(partitionIds);
    const reader = await connectAlone(stack.database.url, 'pg_dump');
    await reader.query('begin; select * from fahuo.outbox_p0');
    await dropBehind(deps(), { shard: 0, retentionHours: 0 });
    expect(said('outbox.drop_waits')).toHaveLength(1);
    expect(await names()).toContain('outbox_p0');
    await reader.query('commit');
    await dropBehind(deps(), { shard: 0, retentionHours: 0 });
    expect(await names()).not.toContain('outbox_p0');
    await reader.end();
  });

  it('keep what is younger than the retention', async () => {
    const { pool } = stack.database;
    await pool.query('select fahuo.enqueue($1)', [JSON.stringify(shippedEvent())]);
    await passTo(partitionIds);
    await dropBehind(deps(), { shard: 0, retentionHours: 1 });
    expect(await names()).toContain('outbox_p0');
    await pool.query(`update fahuo.outbox set created_at = now() - interval '2 hours'`);
    await dropBehind(deps(), { shard: 0, retentionHours: 1 });
    expect(await names()).not.toContain('outbox_p0');
  });

  it('leave rows to the default one when they cannot be made: an alarm is raised, and the rows are published', async () => {
    const { pool } = stack.database;
    // The name is taken: as if the role did not own the table, making it fails.
    await pool.query('create table fahuo.outbox_p2 (id int)');
    await jumpTo(2 * partitionIds + 5);
    await stack.enqueue({ payment: 'homeless' });
    const relay = stack.start();
    await eventually(async () => expect(await stack.published()).toEqual(['homeless v1']));
    await eventually(async () => {
      expect(relay.lines.map(({ msg, level }) => [msg, level])).toEqual(
        expect.arrayContaining([
          ['outbox.partition_not_made', 50],
          ['outbox.default_has_rows', 50],
        ]),
      );
      expect(await relay.metrics.registry.metrics()).toMatch(/^fahuo_relay_default_partition_rows 1$/m);
    });
  });

  it('are made on the way when there was none: rows in the default one do not stop those of later ids', async () => {
    const { pool } = stack.database;
    await jumpTo(2 * partitionIds + 5);
    await stack.enqueue({ payment: 'homeless' });
    await makeAhead(deps());
    expect(said('outbox.partition_not_made')).toHaveLength(1); // p2, whose rows are in the default one
    expect(await names()).toEqual(['outbox_p0', 'outbox_p1', 'outbox_p3', 'outbox_p4']);
    await jumpTo(3 * partitionIds + 5);
    await stack.enqueue({ payment: 'at-home' });
    const { rows } = await pool.query<{ n: number }>('select count(*) as n from fahuo.outbox_p3');
    expect(rows[0]!.n).toBe(1);
  });

  it('are not dropped when a person detached them: the rows stay, and one line says how to bring them back', async () => {
    const { pool } = stack.database;
    await jumpTo(partitionIds + partitionIds / 2);
    await stack.enqueue({ payment: 'kept' });
    await pool.query('update fahuo.relay_cursor set cursor = $1', [partitionIds + partitionIds / 2]);
    await pool.query('alter table fahuo.outbox detach partition fahuo.outbox_p1');
    const lastLogged = new Map<string, number>();
    for (const cursor of [partitionIds + partitionIds / 2, 2 * partitionIds]) {
      await pool.query('update fahuo.relay_cursor set cursor = $1', [cursor]);
      await dropBehind(deps(), { shard: 0, retentionHours: 0 }, lastLogged);
    }
    const { rows } = await pool.query('select payment from fahuo.outbox_p1');
    expect(rows).toEqual([{ payment: 'kept' }]);
    expect(said('outbox.partition_detached')).toMatchObject([
      {
        partition: 'outbox_p1',
        remedy: expect.stringContaining(
          'attach partition fahuo.outbox_p1 for values from (1000000) to (2000000)',
        ) as string,
      },
    ]);
  });

  it('are not dropped while empty either, before the cursor has passed all of their ids', async () => {
    const { pool } = stack.database;
    await pool.query('update fahuo.relay_cursor set cursor = $1', [partitionIds + partitionIds / 2]);
    await pool.query('alter table fahuo.outbox detach partition fahuo.outbox_p1');
    await dropBehind(deps(), { shard: 0, retentionHours: 0 });
    const { rows } = await pool.query(`select to_regclass('fahuo.outbox_p1') is not null as there`);
    expect(rows).toEqual([{ there: true }]);
  });

  it('are emptied once: one that cannot be detached yet is not truncated again', async () => {
    const { pool } = stack.database;
    await stack.enqueue({ payment: 'old' });
    await passTo(partitionIds);
    const reader = await connectAlone(stack.database.url, 'pg_dump');
    await reader.query('begin; lock table only fahuo.outbox in access share mode');
    const file = async (): Promise<unknown> =>
      (await pool.query(`select pg_relation_filenode('fahuo.outbox_p0') as file`)).rows;
    const before = await file();
    await dropBehind(deps(), { shard: 0, retentionHours: 0 });
    const emptied = await file();
    expect(emptied).not.toEqual(before);
    await dropBehind(deps(), { shard: 0, retentionHours: 0 });
    expect(await file()).toEqual(emptied);
    // The journal goes by its own age, in the retention of all tables.
    expect((await pool.query('select 1 from fahuo.relay_journal')).rows).toHaveLength(1);
    await reader.query('commit');
    await dropBehind(deps(), { shard: 0, retentionHours: 0 });
    expect(await names()).not.toContain('outbox_p0');
    await reader.end();
  });

  it('leave the journal of rows that a repair moves out of the default one meanwhile', async () => {
    const { pool } = stack.database;
    await pool.query(`select setval('fahuo.outbox_id_seq', ${5 * partitionIds})`);
    await stack.enqueue({ payment: 'moved' });
    const id = 5 * partitionIds + 1;
    await pool.query('update fahuo.relay_cursor set cursor = $1', [id + 9]);
    await pool.query(
      `insert into fahuo.relay_journal (shard, first_id, last_id, topic, partition, partition_count, base_offset, count)
       values (0, $1, $1, 't', 0, 1, 0, 1)`,
      [id],
    );
    const holder = await connectAlone(stack.database.url, 'holder');
    await holder.query('begin; lock table fahuo.outbox_p0 in access exclusive mode');
    const dropping = dropBehind(deps(), { shard: 0, retentionHours: 0 });
    await eventually(async () => {
      const { rows } = await pool.query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
      expect(rows).toHaveLength(1);
    });
    await pool.query('select fahuo.repair_outbox_default()');
    await holder.query('commit');
    await dropping;
    const { rows } = await pool.query('select first_id from fahuo.relay_journal');
    expect(rows).toEqual([{ first_id: id }]);
    await holder.end();
  });
});
