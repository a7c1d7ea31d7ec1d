import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { connectAlone } from '../../db/client.ts';
import { sleep } from '../../src/clock.ts';
import type { Received } from '../../src/kafka/message.ts';
import { createPublisher } from '../../src/kafka/publisher.ts';
import { readRanges } from '../../src/kafka/range-reader.ts';
import { createLog } from '../../src/log.ts';
import { shippedEvent } from '../support/events.ts';
import { eventually } from '../support/eventually.ts';
import { createRandom } from '../support/random.ts';
import { appid, createStack, effectsOf, statsOf, type Stack } from '../support/stack.ts';

const log = createLog({ level: 'silent' });
/** `ROAD_KILLS=100 vitest run …` for a longer look. */
const kills = Number(process.env['ROAD_KILLS'] ?? 12);
const paymentOf = (number: number): string => `42000012342026112300${String(number).padStart(8, '0')}`;

let stack: Stack;
afterEach(() => stack.close());

async function readTopic(topic: string): Promise<Received[]> {
  const ranges = (await stack.admin.topicOffsets(topic)).map(({ partition, low, high }) => ({
    partition,
    from: low,
    to: high,
  }));
  const messages: Received[] = [];
  await readRanges(stack.connection, { topic, ranges, log }, (batch) => {
    messages.push(...batch);
    return Promise.resolve();
  });
  return messages.sort((left, right) => left.partition - right.partition || left.offset - right.offset);
}

async function count(where: string): Promise<number> {
  const { rows } = await stack.database.pool.query<{ n: number }>(
    `select count(*) as n from fahuo.upload where ${where}`,
  );
  return rows[0]!.n;
}

/** Writes one event a payment, from `from` on, as fast as the database takes them. */
async function enqueueMany(from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += 100) {
    const texts = Array.from({ length: Math.min(100, to - first) }, (_, index) =>
      JSON.stringify(shippedEvent({ payment: paymentOf(first + index), appid })),
    );
    await stack.database.pool.query('select fahuo.enqueue(text) from unnest($1::text[]) as text', [texts]);
  }
}

const untilAcknowledged = (wanted: number): Promise<void> =>
  eventually(async () => expect(await count(`state = 'acknowledged'`)).toBe(wanted), 180_000, 200);

/** One effect a payment, no chance spent. */
async function expectOneEffectEach(payments: number): Promise<void> {
  const effects = await effectsOf(stack.wechat);
  const perPayment = new Map<string, number>();
  for (const { payment } of effects) perPayment.set(payment, (perPayment.get(payment) ?? 0) + 1);
  expect([...perPayment.values()].filter((seen) => seen !== 1)).toEqual([]);
  expect(perPayment.size).toBe(payments);
  expect((await statsOf(stack.wechat)).effects).toEqual({ ship: payments, add: 0, reship: 0 });
}

describe('the road from the outbox to the acknowledgement', () => {
  it('publishes every committed event of 8 writers, none rolled back, in order per payment', async () => {
    stack = await createStack();
    const seed = 20_261_123;
    const { pool } = stack.database;
    await pool.query('create table public.unrelated (id int)');
    const bystander = await connectAlone(stack.database.url, 'bystander'); // a pool ends what is idle for long
    await bystander.query('begin; insert into public.unrelated values (1)');
    await stack.start({ roles: 'relay' });

    const committed: string[] = [];
    const rolledBack: string[] = [];
    const writer = async (number: number): Promise<void> => {
      const random = createRandom(seed + number);
      const connection = await pool.connect();
      for (let written = 0; written < 2_500;) {
        const size = Math.min(2_500 - written, 1 + Math.floor(random() * 20));
        const events = Array.from({ length: size }, (_, index) => {
          const sequence = written + index;
          return shippedEvent({
            payment: paymentOf(number * 100 + (sequence % 50)),
            version: 1 + sequence,
            appid,
          });
        });
        const keep = random() > 0.15;
        await connection.query('begin');
        for (const event of events) {
          if (random() < 0.02) await connection.query('savepoint s');
          await connection.query('select fahuo.enqueue($1)', [JSON.stringify(event)]);
        }
        if (random() < 0.03) await sleep(random() * 60);
        await connection.query(keep ? 'commit' : 'rollback');
        (keep ? committed : rolledBack).push(...events.map((event) => event['id'] as string));
        written += size;
      }
      connection.release();
    };
    await Promise.all(Array.from({ length: 8 }, (_, number) => writer(number)));
    await eventually(async () => {
      const offsets = await stack.admin.topicOffsets(stack.topic);
      expect(offsets.reduce((sum, { low, high }) => sum + high - low, 0)).toBeGreaterThanOrEqual(
        committed.length,
      );
    }, 60_000);
    await bystander.query('rollback');
    await bystander.end();

    const messages = await readTopic(stack.topic);
    const ids = messages.map((message) => String(message.headers['ce_id']));
    console.log(
      `seed ${seed}: ${committed.length} committed, ${rolledBack.length} rolled back, ${ids.length} in the topic`,
    );
    expect(committed.length + rolledBack.length).toBe(20_000);
    expect([...ids].sort()).toEqual([...committed].sort());
    const lastVersion = new Map<string, number>();
    for (const message of messages) {
      const version = Number(String(message.headers['ce_version']));
      const key = String(message.key);
      expect(version).toBeGreaterThan(lastVersion.get(key) ?? 0);
      lastVersion.set(key, version);
    }
  });

  it(`survives ${kills} kills at random instants: 2,000 acknowledged, one effect each`, async () => {
    stack = await createStack({ sandbox: { latencyMs: 15 }, env: { FAHUO_WINDOW: '16' } });
    const seed = 4_711;
    const random = createRandom(seed);
    const total = 2_000;
    const share = (part: number): number => Math.floor((total * part) / kills);
    const settled = (): Promise<number> => count(`state = 'acknowledged'`);
    for (let kill = 1; kill <= kills; kill++) {
      const process = await stack.start();
      await enqueueMany(share(kill - 1), share(kill));
      // Somewhere in the middle of the flow: after a random number of acknowledgements, or of milliseconds.
      const target = (await settled()) + Math.floor(random() * 60);
      await eventually(async () => expect(await settled()).toBeGreaterThanOrEqual(target), 60_000, 2);
      await sleep(random() * 20);
      await process.kill();
    }
    await stack.start();
    await untilAcknowledged(total);
    await expectOneEffectEach(total);
    const { rows } = await stack.database.pool.query<{ n: number }>(
      `select count(*) as n from fahuo.attempt where outcome = 'unanswered'`,
    );
    console.log(
      `seed ${seed}: ${kills} kills, ${total} acknowledged, ${rows[0]!.n} sends cut off and read back`,
    );
  });

  it('runs two of every role side by side, loses one, and replays to nothing', async () => {
    stack = await createStack({ sandbox: { latencyMs: 5 } });
    const total = 2_000;
    const [first] = [await stack.start(), await stack.start()];
    await enqueueMany(0, total / 2);
    await eventually(async () => expect(await count(`state = 'acknowledged'`)).toBeGreaterThan(100));
    await first.kill();
    await enqueueMany(total / 2, total);
    await untilAcknowledged(total);
    await expectOneEffectEach(total);

    const sends = async (): Promise<number> =>
      Object.values((await statsOf(stack.wechat)).requests['upload'] ?? {}).reduce((sum, n) => sum + n, 0);
    const before = await sends();
    const offsets = await stack.admin.groupOffsets(stack.topic, stack.topic);
    const dry = await stack.run('replay', '--from-offset', '0', '--json');
    const planned = JSON.parse(dry.stdout) as { dry_run: boolean; plan: Record<string, number> };
    console.log(`after one kill: ${planned.plan['events']} messages of ${total} events, 0 to send`);
    expect(planned).toMatchObject({ dry_run: true, plan: { toSend: 0, dead: 0, underWay: 0, parked: 0 } });
    // A leader that was killed between its send and its cursor publishes again: more messages, the same events.
    expect(planned.plan['acknowledged']).toBe(planned.plan['events']);
    expect(planned.plan['events']).toBeGreaterThanOrEqual(total);
    const executed = await stack.run('replay', '--from-offset', '0', '--execute', '--json');
    expect(JSON.parse(executed.stdout)).toMatchObject({ replay: { inserted: 0, dead: 0, retried: 0 } });
    expect(await sends()).toBe(before);
    expect(await stack.admin.groupOffsets(stack.topic, stack.topic)).toEqual(offsets);
  });

  it("tells one payment's whole story", async () => {
    stack = await createStack();
    await stack.start();
    await enqueueMany(7, 8);
    await untilAcknowledged(1);
    const shown = await stack.run('show', paymentOf(7));
    expect(shown.stdout).toMatch(/outbox 1 {2}v1/);
    expect(shown.stdout).toMatch(new RegExp(`${stack.topic}/\\d@0`));
    expect(shown.stdout).toMatch(/upload 1 {2}v1 {2}shipped {2}acknowledged/);
    expect(shown.stdout).toMatch(/send #1 {2}accepted {2}errcode 0 {2}rid \S+ {2}\d+ ms/);
    expect((await stack.run('show', 'unknown-payment')).code).toBe(3);
  });

  it('dead-letters 10,000 hostile messages with a reason and uploads the good ones among them', async () => {
    stack = await createStack();
    const running = await stack.start();
    const random = createRandom(99);
    const good = JSON.stringify(shippedEvent({ appid }).data);
    const hostile: (() => string | null)[] = [
      () => good.slice(0, Math.floor(random() * good.length)),
      () => good.replace('"logistics_type":1', '"logistics_type":"1"'),
      () => JSON.stringify({ text: 'x'.repeat(random() < 0.02 ? 1_000_000 : 5_000) }),
      () => null,
      () => '['.repeat(5_000),
      () => `{"a":${'{"a":'.repeat(2_000)}1${'}'.repeat(2_000)}}`,
      () => '"\\ud800"',
      () => good.replace('SF', '\\u0000'),
    ];
    const publisher = createPublisher(stack.connection);
    const headers = (id: string, payment: number, version = '1') => ({
      ce_specversion: '1.0',
      ce_id: id,
      ce_type: 'fahuo.shipment.shipped.v1',
      ce_source: '/test',
      ce_time: '2026-11-23T10:00:00+08:00',
      ce_appid: appid,
      ce_version: version,
      'content-type': `application/json; n=${payment}`,
    });
    for (let sent = 0; sent < 10_000; sent += 20) {
      const bad = Array.from({ length: 20 }, (_, index) => ({
        key: 'k',
        value: hostile[(sent + index) % hostile.length]!(),
        headers: headers(`bad-${sent + index}`, 0, index === 5 ? 'NaN' : '1'),
      }));
      const payment = paymentOf(sent);
      const fine = {
        key: `${appid}/${payment}`,
        value: JSON.stringify(shippedEvent({ payment, appid }).data),
        headers: headers(`good-${sent}`, sent),
      };
      // A megabyte is Kafka's limit for a batch: the huge ones travel alone.
      for (const message of bad.filter(({ value }) => (value?.length ?? 0) > 500_000))
        expect((await publisher.publish(stack.topic, [{ partition: 0, messages: [message] }])).kind).toBe(
          'published',
        );
      const small = bad.filter(({ value }) => (value?.length ?? 0) <= 500_000);
      expect(
        await publisher.publish(stack.topic, [
          { partition: 1 + ((sent / 20) % 3), messages: [...small, fine] },
        ]),
      ).toMatchObject({ kind: 'published' });
    }
    await publisher.close();
    await untilAcknowledged(500);
    await eventually(async () => {
      const { rows } = await stack.database.pool.query<{ n: number; silent: number }>(
        `select count(*) as n, count(*) filter (where detail = '') as silent from fahuo.dead_letter`,
      );
      expect(rows[0]).toEqual({ n: 10_000, silent: 0 });
    }, 60_000);
    await eventually(async () => {
      const offsets = await stack.admin.topicOffsets(`${stack.topic}.dead-letters`);
      expect(offsets.reduce((sum, { high }) => sum + high, 0)).toBeGreaterThanOrEqual(10_000);
    }, 60_000);
    const peakKb = Number(
      /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${running.child.pid}/status`, 'utf8'))?.[1] ?? NaN,
    );
    console.log(`10,000 dead letters, 500 acknowledged, peak memory ${(peakKb / 1024).toFixed(0)} MB`);
    expect(peakKb / 1024).toBeLessThan(300);
  });
});
