import { afterEach, describe, expect, it } from 'vitest';
import { sleep } from '../../src/clock.ts';
import { partitionFor } from '../../src/kafka/partition.ts';
import { createPublisher, type Publisher } from '../../src/kafka/publisher.ts';
import { eventually } from '../support/eventually.ts';
import { caseOf, kinds, type Case, type Commit, type Expected } from '../support/hostile-mix.ts';
import { createRandom } from '../support/random.ts';
import { createStack, statsOf, type Stack } from '../support/stack.ts';

/** 20,000 for the record; fewer show the same. */
const total = Number(process.env['FAHUO_HOSTILE_EVENTS'] ?? 2_000);
const seed = Number(process.env['FAHUO_SEED'] ?? 15);
const partitions = 4;
const wantedKills = Math.max(8, total / 1_000);

let stack: Stack;
afterEach(() => stack.close());

/** Cases of all kinds in turn, until they have so many events. */
function mix(events: number): Case[] {
  const cases: Case[] = [];
  for (let made = 0; made < events; made += cases.at(-1)!.commits.length)
    cases.push(caseOf(kinds[cases.length % kinds.length]!, cases.length + 1));
  return cases;
}

async function commit({ event, twice = false }: Commit): Promise<void> {
  const text = JSON.stringify(event);
  const { pool } = stack.database;
  if (!twice) {
    await pool.query('select fahuo.enqueue($1)', [text]);
    return;
  }
  const [first, second] = [await pool.connect(), await pool.connect()];
  try {
    await first.query('begin');
    await first.query('select fahuo.enqueue($1)', [text]);
    // It may be refused, or wait for the first: either way the event is committed once at least.
    const other = second.query('select fahuo.enqueue($1)', [text]).catch(() => undefined);
    await first.query('commit');
    await other;
  } finally {
    first.release();
    second.release();
  }
}

async function produce(publisher: Publisher, commits: readonly Commit[]): Promise<void> {
  const ofPartition = Map.groupBy(commits, ({ key }) => partitionFor(key, partitions));
  const headers = { 'content-type': 'application/cloudevents+json' };
  const batches = [...ofPartition].map(([partition, ofOne]) => ({
    partition,
    messages: ofOne.map(({ key, event }) => ({ key, value: JSON.stringify(event), headers })),
  }));
  expect((await publisher.publish(stack.topic, batches)).kind).toBe('published');
}

/** Starts and kills fahuo's processes until it is told to stop; then one of each is left running. */
function startKilling(random: () => number) {
  const stop = new AbortController();
  let kills = 0;
  const roles = async (names: string): Promise<void> => {
    for (;;) {
      const process = await stack.start({ roles: names });
      if (stop.signal.aborted) return;
      await sleep(random() * 2_000);
      await process.kill();
      kills += 1;
    }
  };
  const running = Promise.all([roles('relay,consume'), roles('upload')]);
  return {
    kills: () => kills,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

type Row = { source: string; id: string; state: string; reason: string | null };
const keyOf = ({ source, id }: { source: string; id: string }): string => `${source} ${id}`;

async function readEvents(where = 'true'): Promise<Row[]> {
  const { rows } = await stack.database.pool.query<Row>(
    `select coalesce(source, '') as source, coalesce(event_id, '') as id, state, reason from fahuo.events where ${where}`,
  );
  return rows;
}

const isRight = (row: Row, { states, reason }: Expected): boolean =>
  states.includes(row.state) &&
  (reason instanceof RegExp ? reason.test(row.reason ?? '') : row.reason === reason);

/** What is wrong with the answers, one line an event. */
function faultsOf(cases: readonly Case[], rows: readonly Row[]): string[] {
  const found = Map.groupBy(rows, keyOf);
  const wanted = Map.groupBy(
    cases.flatMap(({ kind, expected }) => expected.map((one) => ({ ...one, kind }))),
    keyOf,
  );
  const strangers = [...found.keys()]
    .filter((key) => !wanted.has(key))
    .map((key) => `${key}: nobody wrote it`);
  const wrong = [...wanted].flatMap(([key, expected]) => {
    const left = [...(found.get(key) ?? [])];
    for (const one of expected) {
      const at = left.findIndex((row) => isRight(row, one));
      if (at < 0) return [`${key} (${one.kind}): ${JSON.stringify(found.get(key) ?? 'no row')}`];
      left.splice(at, 1);
    }
    return left.length > 0 ? [`${key} (${expected[0]!.kind}): ${left.length} rows too many`] : [];
  });
  return [...strangers, ...wrong];
}

describe('a hostile mix of events, with processes killed while it comes', () => {
  it(
    'is answered in fahuo.events: one right row for each that committed, at once and in the end',
    { timeout: 300_000 + total * 60 },
    async () => {
      stack = await createStack({ partitions, sandbox: { latencyMs: 5 } });
      const random = createRandom(seed);
      const cases = mix(total);
      const publisher = createPublisher(stack.connection);
      const killing = startKilling(random);
      let looks = 0;
      for (let from = 0; from < cases.length; from += 50) {
        const some = cases.slice(from, from + 50);
        const commits = some.flatMap((one) => one.commits);
        for (const one of commits.filter(({ door }) => door === 'sql')) await commit(one);
        await produce(
          publisher,
          commits.filter(({ door }) => door === 'kafka'),
        );
        // From its commit on an event has its one row, wherever it is at this moment.
        for (const { kind, expected } of some.filter(({ kind }) => kind === 'good by SQL')) {
          expect(await readEvents(`event_id = '${expected[0]!.id}'`), kind).toHaveLength(1);
          looks += 1;
        }
        // Events and kills keep pace, however fast the machine is.
        const due = Math.floor((wantedKills * (from + 50)) / cases.length);
        await eventually(() => expect(killing.kills()).toBeGreaterThanOrEqual(due), 120_000);
      }
      await killing.stop();
      const kills = killing.kills();
      await publisher.close();
      await eventually(
        async () => expect(faultsOf(cases, await readEvents()).slice(0, 5)).toEqual([]),
        120_000 + total * 30,
        1_000,
      );
      const rows = await readEvents();
      const count = (kind: string): number => cases.filter((one) => one.kind === kind).length;
      console.log(
        [
          `seed ${seed}: ${cases.flatMap((one) => one.commits).length} events in ${cases.length} cases, ${kills} kills, ${looks} looks on the way`,
          ...kinds.map((kind) => `  ${count(kind)} × ${kind}`),
          ...[...Map.groupBy(rows, ({ state, reason }) => `${state} ${reason ?? ''}`)].map(
            ([answer, of]) => `  ${of.length} rows ${answer}`,
          ),
        ].join('\n'),
      );
      expect((await statsOf(stack.wechat)).effects.reship).toBe(count('corrected twice'));
    },
  );
});
