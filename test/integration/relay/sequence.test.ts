import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../../../src/metrics.ts';
import { createLog } from '../../../src/log.ts';
import { checkOutbox } from '../../../src/relay/health.ts';
import { readStatus } from '../../../src/relay/status-store.ts';
import { executeRepair, planRepair } from '../../../src/relay/repair-store.ts';
import { dropBehind } from '../../../src/relay/partitions/drop.ts';
import { eventually } from '../../support/eventually.ts';
import { createRelayStack, type RelayStack, type RunningRelay } from '../../support/relay-stack.ts';

let stack: RelayStack;
beforeEach(async () => {
  stack = await createRelayStack({ partitions: 1 });
});
afterEach(() => stack.close());

const setSequence = (last: number) =>
  stack.database.pool.query(`select setval('fahuo.outbox_id_seq', ${last})`);
const saidBehind = (relay: RunningRelay) =>
  eventually(() => {
    const line = relay.lines.find(({ msg }) => msg === 'relay.sequence_behind');
    expect(line).toBeDefined();
    return line!;
  });
const problems = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await checkOutbox(stack.database.pool, 0)).flatMap(({ check, problem }) =>
      problem === null ? [] : [[check, `${problem.what}. ${problem.remedy}`]],
    ),
  );
const published = (expected: string[]) =>
  eventually(async () => expect(await stack.published()).toEqual(expected));
/** Three events of the past, of which the rows are gone, as after a switch-over to a logical copy. */
async function publishAndForget(): Promise<void> {
  const relay = stack.start();
  await stack.enqueue({ payment: 'a' }, { payment: 'b' }, { payment: 'c' });
  await published(['a v1', 'b v1', 'c v1']);
  await eventually(async () => expect((await stack.cursor()).cursor).toBe(3));
  await relay.stop();
  await stack.database.pool.query('delete from fahuo.outbox');
}
const before = ['a v1', 'b v1', 'c v1'];

describe('a sequence behind the cursor', () => {
  it('keeps the relay from leading: log, gauges and status say so with the setval, and the repair publishes in order', async () => {
    await publishAndForget();
    await stack.database.pool.query(`select setval('fahuo.outbox_id_seq', 1, false)`);
    await stack.enqueue({ payment: 'a', version: 2 }, { payment: 'd' });
    const relay = stack.start();
    const line = await saidBehind(relay);
    expect(line).toMatchObject({ level: 50, cursor: 3, last_id: 2 });
    expect(line['remedy']).toContain(`select setval('fahuo.outbox_id_seq', 3)`);
    const metrics = await relay.metrics.registry.metrics();
    expect(metrics).toMatch(/^fahuo_relay_sequence_behind 1$/m);
    expect(metrics).toMatch(/^fahuo_relay_lag_rows 1$/m);
    expect(metrics).toMatch(/^fahuo_relay_leader 0$/m);
    const status = await readStatus(stack.database.pool, 0);
    expect(status).toMatchObject({
      lagRows: 1,
      sequence: { statement: `select setval('fahuo.outbox_id_seq', 3)` },
    });
    expect(status.lagSeconds).toBeGreaterThan(0);
    expect(await planRepair(stack.database.pool)).toMatchObject({ passedOver: 2, needed: true });
    expect(await problems()).toEqual({
      'outbox sequence': expect.stringContaining(`select setval('fahuo.outbox_id_seq', 3)`) as string,
      'outbox rows published': expect.stringContaining('2 rows behind the cursor') as string,
    });

    expect(await executeRepair(stack.database.pool)).toEqual({ released: 2, moved: 0 });
    await stack.enqueue({ payment: 'a', version: 3 });
    await published([...before, 'a v2', 'd v1', 'a v3']);
    expect(await relay.metrics.registry.metrics()).toMatch(/^fahuo_relay_sequence_behind 0$/m);
    expect(await planRepair(stack.database.pool)).toMatchObject({ needed: false });
    expect(await problems()).toEqual({});
  });

  it('ends with the operator’s own setval: the relay goes on by itself, and says that rows were passed over', async () => {
    await publishAndForget();
    await setSequence(1);
    await stack.enqueue({ payment: 'late' });
    const relay = stack.start();
    await saidBehind(relay);
    await setSequence(3);
    await stack.enqueue({ payment: 'next' });
    await published([...before, 'next v1']);
    const line = await eventually(() => {
      const found = relay.lines.find(({ msg }) => msg === 'outbox.rows_passed_over');
      expect(found).toBeDefined();
      return found!;
    });
    expect(line).toMatchObject({ rows: 1, first_id: 2 });
    expect(line['remedy']).toContain('fahuo outbox repair');
    expect(await executeRepair(stack.database.pool)).toEqual({ released: 1, moved: 0 });
    await published([...before, 'next v1', 'late v1']);
  });

  it('stops a relay that leads, also where it is set back to an id that is not published yet', async () => {
    const relay = stack.start();
    await stack.enqueue({ payment: 'a' }, { payment: 'b' }, { payment: 'c' });
    await published(before);
    await setSequence(2);
    const line = await saidBehind(relay);
    expect(line['remedy']).toContain(`select setval('fahuo.outbox_id_seq', 3)`);
    await setSequence(3);
    await stack.enqueue({ payment: 'd' });
    await published([...before, 'd v1']);
  });

  it('is noticed by a row beyond it, whose id enqueue would draw again', async () => {
    await stack.enqueue({ payment: 'a' }, { payment: 'b' }, { payment: 'c' });
    await setSequence(1);
    const relay = stack.start();
    expect((await saidBehind(relay))['err']).toContain('behind the row 3');
    await executeRepair(stack.database.pool);
    await stack.enqueue({ payment: 'd' });
    await published([...before, 'd v1']);
  });
});

describe('rows that nobody published', () => {
  const lines: { msg: string; partition?: string }[] = [];
  const deps = () => ({
    pool: stack.database.pool,
    log: createLog(
      { level: 'debug' },
      { write: (line: string) => void lines.push(JSON.parse(line) as never) },
    ),
    metrics: createMetrics(),
  });

  it('are never emptied with their partition, however old it is', async () => {
    await publishAndForget();
    await setSequence(1_000_000);
    const { pool } = stack.database;
    await pool.query('update fahuo.relay_cursor set cursor = 1000000');
    await pool.query(`select setval('fahuo.outbox_id_seq', 10)`);
    await stack.enqueue({ payment: 'late' });
    await setSequence(1_000_000);
    await dropBehind(deps(), { shard: 0, retentionHours: 0 });
    expect(lines.filter(({ msg }) => msg === 'outbox.rows_passed_over')).toHaveLength(1);
    const { rows } = await pool.query('select id from fahuo.outbox_p0');
    expect(rows).toEqual([{ id: 11 }]);
    await executeRepair(pool);
    await dropBehind(deps(), { shard: 0, retentionHours: 0 });
    const { rows: gone } = await pool.query(`select to_regclass('fahuo.outbox_p0') as name`);
    expect(gone).toEqual([{ name: null }]);
    stack.start(); // the row itself is kept where it waits
    await published([...before, 'late v1']);
  });

  it('are found in a partition that was detached while the cursor passed it, and no published one is lost', async () => {
    const { pool } = stack.database;
    await stack.enqueue({ payment: 'a' });
    await setSequence(1_000_010);
    await stack.enqueue({ payment: 'hidden' }, { payment: 'hidden', version: 2 });
    await setSequence(2_000_010);
    await pool.query('alter table fahuo.outbox detach partition fahuo.outbox_p1');
    await stack.enqueue({ payment: 'z' });
    stack.start();
    await published(['a v1', 'z v1']);
    await eventually(async () => expect((await stack.cursor()).cursor).toBe(2_000_011));
    await pool.query(
      'alter table fahuo.outbox attach partition fahuo.outbox_p1 for values from (1000000) to (2000000)',
    );
    expect(await planRepair(pool)).toMatchObject({ sequence: null, passedOver: 2 });
    await executeRepair(pool);
    await published(['a v1', 'z v1', 'hidden v1', 'hidden v2']);
  });
});
