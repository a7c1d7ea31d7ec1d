import type { Pool } from '../../db/client.ts';
import { monotonicMs, sleep } from '../../src/clock.ts';
import { eventually } from '../support/eventually.ts';
import { startFahuo } from '../support/fahuo-process.ts';
import { startBackfill, type Place } from './adopt-instances.ts';

type Restartable = { kill: () => Promise<void>; restart: () => Promise<void> };

export type Scene = {
  pool: Pool;
  place: Place;
  env: Record<string, string>;
  file: string;
  /** Orders a second of the backfill. */
  rate: number;
  random: () => number;
  /** fahuo's own Postgres, and the shop's server. */
  ours: Restartable;
  shops: Restartable;
  done: Record<string, number>;
  /** Aborts when there is no more work to be amid of. */
  over: AbortSignal;
  say: (line: string) => void;
};

type Trouble = (scene: Scene) => Promise<void>;

/** Longer than the lease of a process that is dead, and the start of another. */
const longestWaitMs = 25_000;

const writesOf = async (pool: Pool): Promise<number | null> => {
  const { rows } = await pool
    .query<{ writes: number }>('select sum(writes)::int as writes from fahuo.adopt_source')
    .catch(() => ({ rows: [] }));
  return rows[0]?.writes ?? null;
};

/** An instant amid the work: some of the role's writes from now, and a part of the next one. */
async function amidWork({ pool, random, over }: Scene): Promise<void> {
  const from = (await writesOf(pool)) ?? 0;
  const more = 1 + Math.floor(random() * 12);
  const deadlineMs = monotonicMs() + longestWaitMs;
  while (!over.aborted && monotonicMs() < deadlineMs && ((await writesOf(pool)) ?? from) < from + more)
    await sleep(10);
  await sleep(random() * 60);
}

const killFahuo: Trouble = async (scene) => {
  await amidWork(scene);
  await scene.place.kill();
};

/** Backends of a Postgres that was killed end a moment later, and the new one does not start beside them. */
async function bounce(part: Restartable, random: () => number): Promise<void> {
  await part.kill();
  await sleep(random() * 1_000);
  await eventually(() => part.restart(), 90_000, 500);
}

const troubles: Readonly<Record<string, Trouble>> = {
  'kill-fahuo': killFahuo,
  'kill-fahuo-again': killFahuo,
  'kill-ours': async (scene) => {
    await amidWork(scene);
    await bounce(scene.ours, scene.random);
  },
  'kill-shop': async (scene) => {
    await amidWork(scene);
    await bounce(scene.shops, scene.random);
  },
  'kill-both': async (scene) => {
    await amidWork(scene);
    await Promise.all([bounce(scene.shops, scene.random), scene.place.kill()]);
  },
  'second-instance': async ({ env, random }) => {
    const second = await eventually(() => startFahuo(['run', '--roles', 'adopt'], env), 90_000, 200);
    await sleep(1_000 + random() * 3_000);
    await (random() < 0.5 ? second.kill() : second.stop());
  },
  /** Over all orders, while the role looks at those of them that ship. */
  'another-backfill': async ({ file, rate, env }) => {
    await startBackfill(file, { rate, env }).ended;
  },
};

/** Troubles of the seed, each once and then again, until so many are done, or there is no more work. */
export async function makeTrouble(
  scene: Scene,
  { count, only }: { count: number; only: readonly string[] | undefined },
): Promise<void> {
  let deck: string[] = [];
  for (let done = 0; done < count && !scene.over.aborted; done++) {
    if (deck.length === 0) deck = shuffled(only ?? Object.keys(troubles), scene.random);
    const name = deck.pop()!;
    await sleep(scene.random() * 500);
    await troubles[name]!(scene);
    scene.say(name);
    const kind = name.replace('-again', '');
    scene.done[kind] = (scene.done[kind] ?? 0) + 1;
  }
}

/** Killed once on its way; afterwards as often as it takes, since a server that dies ends it as well. */
export async function runBackfill({ file, rate, env, random, done, say }: Scene): Promise<void> {
  const first = startBackfill(file, { rate, env });
  // Its start takes a second or two.
  await sleep(2_000 + random() * 2_500);
  first.kill();
  await first.ended;
  await eventually(
    async () => {
      const next = startBackfill(file, { rate, env });
      const code = await next.ended;
      done['backfills'] = (done['backfills'] ?? 0) + 1;
      if (code !== 0) throw new TypeError(`the backfill ended with ${code}: ${next.stderr()}`);
    },
    300_000,
    500,
  );
  say('backfill done');
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item);
}
