import { expect, it } from 'vitest';
import { monotonicMs, withTimeout } from '../../src/clock.ts';
import { startParts } from '../../src/parts/start.ts';
import { shippedEvent } from '../support/events.ts';
import { eventually } from '../support/eventually.ts';
import { appid, createStack, effectsOf } from '../support/stack.ts';

/** A step that hangs is named, and not the whole test. */
const within = <T>(ms: number, step: string, work: Promise<T>): Promise<T> =>
  withTimeout(ms, work).catch((cause: unknown) => {
    throw new Error(`${step} failed`, { cause });
  });

it('outlives kills of Postgres and Kafka without a restart of its own, and loses and doubles nothing', async () => {
  const parts = await startParts({ needRedis: false });
  const stack = await createStack({ services: parts, sandbox: { latencyMs: 10 } });
  const { pool } = stack.database;
  let next = 0;
  const enqueue = async (count: number): Promise<void> => {
    for (const end = next + count; next < end; next++)
      await pool.query('select fahuo.enqueue($1)', [
        JSON.stringify(
          shippedEvent({ payment: `42000012342026112300${String(next).padStart(8, '0')}`, appid }),
        ),
      ]);
  };
  const acknowledged = async (): Promise<number> => {
    const { rows } = await pool.query<{ n: number }>('select count(*) as n from fahuo.acknowledgements');
    return rows[0]!.n;
  };
  try {
    const running = await stack.start();
    for (const part of [parts.kafka!, parts.postgres!, parts.kafka!]) {
      await within(40_000, 'writing 100 events', enqueue(100));
      const before = await acknowledged();
      await eventually(
        async () => expect(await acknowledged()).toBeGreaterThan(Math.min(before, next - 1)),
        60_000,
        5,
      );
      await within(40_000, `the kill of ${part.url}`, part.kill());
      const killedAtMs = monotonicMs();
      await within(60_000, `the restart of ${part.url}`, part.restart());
      await eventually(async () => expect(await acknowledged()).toBeGreaterThan(before + 1), 60_000);
      await within(
        60_000,
        'writing after the restart',
        eventually(() => enqueue(1), 30_000),
      );
      console.log(`back after ${((monotonicMs() - killedAtMs) / 1000).toFixed(1)} s`);
    }
    await eventually(async () => expect(await acknowledged()).toBe(next), 90_000, 200);
    const effects = await effectsOf(stack.wechat);
    expect(new Set(effects.map((effect) => effect.payment)).size).toBe(next);
    expect(effects.length).toBe(next);
    expect(running.child.exitCode).toBeNull();
    expect(await running.stop()).toBe(0);
  } finally {
    await Promise.allSettled([stack.close()]); // a part may be away still
    await parts.stop();
  }
});

it('hands the relay to a standby within two seconds of a kill, ten times over', async () => {
  const stack = await createStack();
  const { pool } = stack.database;
  const owner = async (): Promise<string | null> => {
    const { rows } = await pool.query<{ owner: string }>('select owner from fahuo.relay_cursor');
    return rows[0]?.owner ?? null;
  };
  try {
    let leader = await stack.start({ roles: 'relay' });
    const took: number[] = [];
    for (let kill = 0; kill < 10; kill++) {
      const standby = await stack.start({ roles: 'relay' });
      await eventually(async () => expect(await owner()).toContain(`-${leader.child.pid}-`));
      await leader.kill();
      const killedAtMs = monotonicMs();
      await eventually(async () => expect(await owner()).toContain(`-${standby.child.pid}-`), 20_000, 5);
      took.push(monotonicMs() - killedAtMs);
      leader = standby;
    }
    took.sort((left, right) => left - right);
    console.log(`take-over: median ${took[5]!.toFixed(0)} ms, longest ${took[9]!.toFixed(0)} ms`);
    expect(took[5]).toBeLessThan(2_000);
  } finally {
    await stack.close();
  }
});

it('fences a leader that was stopped: it wakes without its lock and moves no cursor', async () => {
  const stack = await createStack();
  const { pool } = stack.database;
  const read = async () =>
    (
      await pool.query<{ owner: string; epoch: number; cursor: number }>(
        'select owner, epoch, cursor from fahuo.relay_cursor',
      )
    ).rows[0]!;
  try {
    const stopped = await stack.start({ roles: 'relay' });
    await eventually(async () => expect((await read()).owner).toContain(`-${stopped.child.pid}-`));
    const standby = await stack.start({ roles: 'relay' });
    stopped.child.kill('SIGSTOP');
    await eventually(async () => expect((await read()).owner).toContain(`-${standby.child.pid}-`), 20_000);
    await pool.query('select fahuo.enqueue($1)', [JSON.stringify(shippedEvent({ appid }))]);
    await eventually(async () => expect((await read()).cursor).toBe(1));
    stopped.child.kill('SIGCONT');
    await pool.query('select fahuo.enqueue($1)', [
      JSON.stringify(shippedEvent({ appid, payment: 'another' })),
    ]);
    await eventually(async () => expect((await read()).cursor).toBe(2));
    expect((await read()).owner).toContain(`-${standby.child.pid}-`);
    const offsets = await stack.admin.topicOffsets(stack.topic);
    expect(offsets.reduce((sum, { high }) => sum + high, 0)).toBe(2);
  } finally {
    await stack.close();
  }
});
