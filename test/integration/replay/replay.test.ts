import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKafkajs } from '../../../src/kafka/connection.ts';
import { createLog } from '../../../src/log.ts';
import { readReplay, readReplays, type ReplayRow } from '../../../src/replay/replay-store.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { main, nodeFlags } from '../../support/node-flags.ts';
import { createStack, statsOf, type Stack } from '../../support/stack.ts';

/** 50,000 by hand: FAHUO_TEST_REPLAY_EVENTS=50000. */
const many = Number(process.env['FAHUO_TEST_REPLAY_EVENTS'] ?? '2000');
const patientMs = Math.max(60_000, many * 5);

let stack: Stack;
beforeEach(async () => {
  stack = await createStack({ partitions: 2 });
});
afterEach(() => stack.close());

async function publish(count: number): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const texts = Array.from({ length: Math.min(500, count - from) }, (_, at) =>
      JSON.stringify(shippedEvent({ payment: `p${from + at}` })),
    );
    await stack.database.pool.query('select fahuo.enqueue(t) from unnest($1::text[]) t', [texts]);
  }
  const relay = await stack.start({ roles: 'relay' });
  await eventually(async () => {
    const held = await stack.admin.topicOffsets(stack.topic);
    expect(held.reduce((sum, { high }) => sum + high, 0)).toBe(count);
  }, patientMs);
  await relay.stop();
}

const sentSoFar = async () => ({
  attempts: await countOf('attempt'),
  requests: (await statsOf(stack.wechat)).requests['upload'],
});

const countOf = async (table: string): Promise<number> =>
  (await stack.database.pool.query<{ n: number }>(`select count(*) as n from fahuo.${table}`)).rows[0]!.n;

/** A replay in a process of its own, which a test may end. */
function begin(...args: string[]): { child: ChildProcess; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [...nodeFlags, '--', main, 'replay', ...args], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'] ?? '', ...stack.env },
    stdio: 'ignore',
  });
  return { child, ended: once(child, 'exit').then(([code]) => code as number | null) };
}

const considered = ({ inserted, duplicate, superseded, dead }: ReplayRow): number =>
  inserted + duplicate + superseded + dead;
const lastReplay = async (): Promise<ReplayRow | undefined> => (await readReplays(stack.database.pool, 1))[0];

/** Kills it when it has done a quarter, and resumes it when its lease has run out. */
async function killAndResume(): Promise<ReplayRow> {
  const before = (await lastReplay())?.id ?? 0;
  const { child, ended } = begin('--earliest', '--execute', '--rate', String(Math.ceil(many / 4)));
  await eventually(async () => {
    const row = await lastReplay();
    expect(row === undefined || row.id === before ? 0 : considered(row)).toBeGreaterThan(many / 4);
  }, patientMs);
  child.kill('SIGKILL');
  await ended;
  const killed = (await lastReplay())!;
  expect(killed.state).toBe('running');
  expect(considered(killed)).toBeLessThan(many);
  await eventually(async () => {
    const resumed = await stack.run('replay', 'resume', String(killed.id), '--rate', '1000000', '--json');
    expect(resumed).toMatchObject({ code: 0 });
  }, patientMs);
  return (await readReplay(stack.database.pool, killed.id))!;
}

describe('a replay that is killed in the middle and resumed', () => {
  it(
    'considers each event once, and sends nothing again',
    async () => {
      await publish(many);
      const first = await killAndResume();
      // A message that was considered twice would be a duplicate the second time.
      expect(first).toMatchObject({ state: 'done', duplicate: 0, dead: 0, unread: [] });
      expect(await countOf('upload')).toBe(many);
      const uploader = await stack.start({ roles: 'upload' });
      await eventually(async () => {
        const { rows } = await stack.database.pool.query(
          `select count(*) as n from fahuo.upload where state = 'acknowledged'`,
        );
        expect(rows).toEqual([{ n: many }]);
      }, patientMs);
      const sent = await sentSoFar();
      const again = await killAndResume();
      expect(again).toMatchObject({ state: 'done', inserted: 0, dead: 0 });
      await uploader.stop();
      expect(await sentSoFar()).toEqual(sent);
      process.stdout.write(`replay: ${many} events, killed and resumed twice, ${many} uploads\n`);
    },
    4 * patientMs,
  );
});

describe('a replay that runs', () => {
  it('can be paused, resumed and cancelled, and is listed', async () => {
    await publish(200);
    const { ended } = begin('--earliest', '--execute', '--rate', '1');
    await eventually(async () => expect(considered((await lastReplay())!)).toBeGreaterThan(1));
    const { id } = (await lastReplay())!;
    expect((await stack.run('replay', 'resume', String(id))).stdout).toMatch(/a process works at it/);
    expect(await stack.run('replay', 'pause', String(id), '--json')).toMatchObject({ code: 0 });
    expect(await ended).toBe(1);
    const paused = (await lastReplay())!;
    expect(paused.state).toBe('paused');
    expect(considered(paused)).toBeLessThan(200);
    const resumed = await stack.run('replay', 'resume', String(id), '--rate', '1000');
    expect(resumed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Done, /) as string });
    expect(await lastReplay()).toMatchObject({ state: 'done', inserted: 200, duplicate: 0 });
    expect(await stack.run('replay', 'cancel', String(id))).toMatchObject({ code: 1 });
    expect(await stack.run('replay', 'cancel', '99')).toMatchObject({ code: 3 });
    const nowhere = await stack.run('replay', '--earliest', '--partitions', '0,99');
    expect(nowhere).toMatchObject({ code: 2, stdout: '' });
    expect(nowhere.stderr).toMatch(/has no partition 99\nIts partitions are 0 to \d+\.\n$/);
    const { stdout } = await stack.run('replay', 'list', '--json');
    expect(JSON.parse(stdout)).toMatchObject([{ id, state: 'done', selection: '--earliest', inserted: 200 }]);
  });

  it('is paused by the first signal, with nothing in doubt', async () => {
    await publish(40);
    const { child, ended } = begin('--earliest', '--execute', '--rate', '2');
    await eventually(async () => expect(considered((await lastReplay())!)).toBeGreaterThan(1));
    child.kill('SIGTERM');
    expect(await ended).toBe(1);
    const row = (await lastReplay())!;
    expect(row).toMatchObject({ state: 'paused', leased: false });
    expect(await countOf('upload')).toBe(considered(row));
  });
});

describe('a replay of what the topic has forgotten', () => {
  async function forget(offsets: readonly number[]): Promise<void> {
    const kafka = createKafkajs(stack.connection, createLog({ level: 'silent' })).admin();
    await kafka.connect();
    await kafka.fetchTopicOffsets(stack.topic); // it has to have heard of the topic
    const partitions = offsets.map((offset, partition) => ({ partition, offset: String(offset) }));
    await kafka.deleteTopicRecords({ topic: stack.topic, partitions });
    await kafka.disconnect();
  }

  it('takes it from the outbox, by the journal, at the very offsets', async () => {
    await publish(40);
    expect(await stack.run('replay', '--from-offset', '0', '--execute')).toMatchObject({ code: 0 });
    const rows = async () =>
      (
        await stack.database.pool.query<Record<string, unknown>>(
          `select topic, partition, "offset", event_id, source, event_time, version, payment, body, traceparent from fahuo.upload
           order by partition, "offset"`,
        )
      ).rows;
    const asPublished = await rows();
    expect(asPublished).toHaveLength(40);
    await stack.database.pool.query('truncate fahuo.upload, fahuo.attempt');
    const held = await stack.admin.topicOffsets(stack.topic);
    await forget(held.map(({ high }) => high - 3));
    const { code, stdout } = await stack.run('replay', '--from-offset', '0', '--execute', '--json');
    expect({ code, told: JSON.parse(stdout) as unknown }).toMatchObject({
      code: 0,
      told: { incomplete: [], replay: { state: 'done', inserted: 40, dead: 0 } },
    });
    expect(await rows()).toEqual(asPublished);
  });

  it('is incomplete, with exit code 1 and nothing done, where the outbox has forgotten it as well', async () => {
    await publish(40);
    const held = await stack.admin.topicOffsets(stack.topic);
    await forget(held.map(({ high }) => high));
    await stack.database.pool.query('delete from fahuo.outbox');
    const { code, stdout } = await stack.run('replay', '--from-offset', '0', '--execute', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      dry_run: true,
      incomplete: held.map(({ partition, high }) => ({ partition, from: 0, to: high })),
    });
    expect(await countOf('upload')).toBe(0);
  });
});
