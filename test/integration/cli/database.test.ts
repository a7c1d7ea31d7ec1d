import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ownerMark } from '../../../src/consumer/owner.ts';
import { createKafkajs } from '../../../src/kafka/connection.ts';
import { createLog } from '../../../src/log.ts';
import { runCommand } from '../../support/command.ts';
import { createStack, type Stack } from '../../support/stack.ts';

let stack: Stack;
let own: string;
const stranger = randomUUID();

beforeAll(async () => {
  stack = await createStack({ partitions: 1 });
  const { rows } = await stack.database.pool.query<{ id: string }>('select id from fahuo.deployment');
  own = rows[0]!.id;
});
afterAll(() => stack.close());

beforeEach(async () => {
  const { pool } = stack.database;
  await pool.query('truncate fahuo.upload, fahuo.group_taken');
  await pool.query('update fahuo.deployment set older_accepted_at = null');
  await pool.query(
    `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
       body, body_hash, caution, state, park_reason, next_attempt_at)
     values ('wx1', 'waits', 1, 'shipped', 'w', '/o', '2026-11-23T10:00:00+08:00', 't', 0, 1, '{}', 'h', 'older',
       'pending', null, 'infinity'),
       ('wx1', 'parked', 1, 'shipped', 'p', '/o', '2026-11-23T10:00:00+08:00', 't', 0, 2, '{}', 'h', 'older',
       'parked', 'older_event', now())`,
  );
});

const database = async (...words: string[]) => {
  const { code, stdout } = await runCommand(['database', ...words, '--json'], stack.env);
  return { code, told: JSON.parse(stdout) as Record<string, unknown> };
};
const waiting = async () =>
  (
    await stack.database.pool.query<{ payment: string }>(
      `select payment from fahuo.upload where caution = 'older' order by payment`,
    )
  ).rows.map((row) => row.payment);

/** As a consumer of that database commits. */
async function commitAs(id: string): Promise<void> {
  const { topic } = stack;
  const consumer = createKafkajs(stack.connection, createLog({ level: 'silent' })).consumer({
    groupId: topic,
    sessionTimeout: 6_000,
  });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.connect();
  await consumer.subscribe({ topics: [topic] });
  await consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
  await joined;
  await consumer.commitOffsets([{ topic, partition: 0, offset: '0', metadata: ownerMark(id) }]);
  await consumer.disconnect();
}

describe('fahuo database show', () => {
  it('says which database this is, whose the group is, and what is older', async () => {
    await commitAs(own);
    expect(await database('show')).toMatchObject({
      code: 0,
      told: { id: own, group: stack.topic, group_belongs_also_to: [], older_accepted_at: null },
    });
    const { stdout } = await runCommand(['database', 'show'], stack.env);
    expect(stdout).toMatch(new RegExp(`waiting for the newest +1\n +parked +1\ngroup ${stack.topic} +ours`));
  });
});

describe('fahuo database accept-older', () => {
  it('changes nothing without --execute', async () => {
    expect(await database('accept-older')).toMatchObject({ code: 0, told: { dry_run: true, parked: 1 } });
    expect(await waiting()).toEqual(['parked', 'waits']);
  });

  it('lets the events of one payment go, and those alone', async () => {
    expect(await database('accept-older', '--payment', 'parked', '--execute')).toMatchObject({ code: 0 });
    expect(await waiting()).toEqual(['waits']);
    expect((await database('show')).told).toMatchObject({ older_accepted_at: null });
  });

  it('lets all go, and those that are yet to come', async () => {
    expect(await database('accept-older', '--execute')).toMatchObject({ code: 0, told: { dry_run: false } });
    expect(await waiting()).toEqual([]);
    expect((await database('show')).told['older_accepted_at']).not.toBeNull();
  });

  it('matches nothing where a payment has none', async () => {
    expect((await database('accept-older', '--payment', 'nobody')).code).toBe(3);
  });
});

describe('fahuo database take-group', () => {
  it('takes the group over from the other database, once it is told to', async () => {
    await commitAs(stranger);
    expect(await database('take-group')).toMatchObject({
      code: 0,
      told: { dry_run: true, own, taken_from: [stranger] },
    });
    expect((await database('show')).told['group_belongs_also_to']).toEqual([stranger]);
    expect((await database('take-group', '--execute')).code).toBe(0);
    expect((await database('show')).told['group_belongs_also_to']).toEqual([]);
    expect((await database('take-group', '--execute')).code).toBe(3);
  });

  it('is what doctor says to do', async () => {
    await commitAs(stranger);
    await stack.database.pool.query('truncate fahuo.upload');
    const { code, stdout } = await runCommand(['doctor', '--json'], stack.env);
    const { checks } = JSON.parse(stdout) as { checks: { check: string; ok: boolean; detail: string }[] };
    expect(code).toBe(1);
    expect(checks.filter(({ ok }) => !ok)).toMatchObject([{ check: `group ${stack.topic}` }]);
    expect(checks.find(({ ok }) => !ok)?.detail).toMatch(
      new RegExp(`belongs to the database ${stranger}.*fahuo database take-group --execute`),
    );
  });
});
