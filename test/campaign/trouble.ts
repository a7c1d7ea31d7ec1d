import type { Pool } from '../../db/client.ts';
import { monotonicMs, sleep } from '../../src/clock.ts';
import { createRandom } from '../support/random.ts';
import { tellSandbox } from '../support/sandbox-client.ts';
import { stepClock } from './database.ts';
import { startInstance, type Instance } from './instance.ts';
import { isBusy, isOfRelay, killPoints } from './kill-points.ts';

/** Services that the campaign may kill and bring back; those that are given by URL are left alone. */
type Restartable = { kill: () => Promise<void>; restart: () => Promise<void> };
export type CampaignServices = {
  databaseUrl: string;
  kafkaBrokers: string;
  redisUrl?: string | undefined;
  kafka?: Restartable | undefined;
  postgres?: Restartable | undefined;
  redis?: Restartable | undefined;
};

/** What was done, by name. */
export type Tally = Record<string, number>;
const tell = (tally: Tally, name: string): void => void (tally[name] = (tally[name] ?? 0) + 1);

type Deck<T> = { next: (isWanted?: (card: T) => boolean) => T; later: (card: T) => void };

/** A deck of cards in an order of the seed; a card that could not be played comes again at the end. */
export function createDeck<T>(cards: readonly T[], random: () => number): Deck<T> {
  const left: T[] = [];
  const shuffled = (): T[] =>
    cards
      .map((card) => ({ card, at: random() }))
      .sort((one, other) => one.at - other.at)
      .map(({ card }) => card);
  return {
    next: (isWanted = () => true) => {
      if (!left.some(isWanted)) left.push(...shuffled());
      const at = left.findIndex(isWanted);
      return left.splice(at, 1)[0]!;
    },
    later: (card) => void left.push(card),
  };
}

export type Kills = {
  wanted: number;
  done: number;
  /** By point; `elsewhere` counts processes whose point was not passed in time and that died at any instant. */
  at: Tally;
  /** Processes that ended by an exit code of their own. */
  exits: number;
  deck: Deck<string>;
};

export const planKills = (wanted: number, seed: number): Kills => ({
  wanted,
  done: 0,
  at: {},
  exits: 0,
  deck: createDeck(killPoints, createRandom(seed + 17)),
});

/** A broker or a database that is away holds a start up. */
const waitForStartMs = 30_000;
/** From the start on; joining the group behind a dead member takes a second or two of it. */
const waitForPointMs = 5_000;
const lookMs = 50;
const allRoles = 'relay,consume,upload,console';

/** What the places and the weather know of one another. */
export type Scene = {
  /** Parts that are down at this moment. */
  down: number;
  say: (line: string) => void;
};

/**
 * One place for an instance: each that runs there dies at a point of the deck, and another takes its place; when all
 * kills are done, one stays. One place leads the relay, so that its points are passed. `running` holds what runs.
 */
export async function keepKilling(
  kills: Kills,
  place: {
    leads: boolean;
    env: Record<string, string>;
    random: () => number;
    running: Set<Instance>;
    scene: Scene;
    over: AbortSignal;
  },
): Promise<void> {
  const { leads, env, random, running, scene, over } = place;
  const clock = (): string => String(Math.floor(random() * 1e9));
  while (kills.done < kills.wanted) {
    kills.done += 1;
    const point = kills.deck.next((card) => leads || !isOfRelay(card));
    const passes = 1 + Math.floor(random() * (isBusy(point) ? 15 : 2));
    const instance = startInstance(
      { ...env, CAMPAIGN_KILL: `${point}:${passes}`, CAMPAIGN_CLOCK: clock() },
      leads ? allRoles : 'consume,upload',
    );
    running.add(instance);
    const died = await diedInTime(instance, scene);
    scene.say(`${point} ${passes}: ${died ?? 'not passed'}`);
    if (died === 'SIGKILL') tell(kills.at, point);
    else kills.deck.later(point);
    if (died === null) tell(kills.at, 'elsewhere');
    if (died === 'exit') kills.exits += 1;
    await instance.kill();
    running.delete(instance);
  }
  void keepRunning(() => startInstance({ ...env, CAMPAIGN_CLOCK: clock() }, allRoles), running, over);
}

/** As an orchestrator would: one that ended at its start, since Postgres was away at that moment, is started again. */
async function keepRunning(start: () => Instance, running: Set<Instance>, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const instance = start();
    running.add(instance);
    await instance.ended;
    running.delete(instance);
    await sleep(restartMs, over);
  }
}
const restartMs = 500;

/** How it ended; null when its point was not passed while everything around it was up. */
async function diedInTime(instance: Instance, scene: Scene): Promise<'SIGKILL' | 'exit' | null> {
  const patience = new AbortController();
  const { signal } = patience;
  const wait = async (): Promise<null> => {
    await Promise.race([instance.ready, sleep(waitForStartMs, signal)]);
    for (let leftMs = waitForPointMs; leftMs > 0 && !signal.aborted; leftMs -= scene.down > 0 ? 0 : lookMs)
      await sleep(lookMs, signal);
    return null;
  };
  const ended = instance.ended.then((by) => (by === 'SIGKILL' ? by : 'exit'));
  return Promise.race([ended, wait()]).finally(() => patience.abort());
}

const stormMs = 400;
const stormStepMs = 20;

export type Weather = {
  services: CampaignServices;
  sandbox: string;
  pool: Pool;
  tally: Tally;
  random: () => number;
  scene: Scene;
};

/** Everything that happens to the parts around fahuo, card by card, until `signal` aborts. */
export async function makeWeather(weather: Weather, signal: AbortSignal): Promise<void> {
  const { tally, random, scene } = weather;
  const cards = cardsOf(weather, signal);
  const deck = createDeck([...cards.keys()], random);
  while (!signal.aborted) {
    const card = deck.next();
    const play = cards.get(card);
    if (play === undefined) continue; // played once
    await play()
      .then(() => tell(tally, card.name))
      .catch((error: unknown) => scene.say(`${card.name}: ${String(error)}`));
    scene.say(card.name);
    if (card.once) cards.delete(card);
    await sleep(1_500 + random() * 2_500, signal);
  }
}

type Card = { name: string; once: boolean };

function cardsOf(
  { services, sandbox, pool, random, scene }: Weather,
  signal: AbortSignal,
): Map<Card, () => Promise<void>> {
  let offMs = 0;
  const step = async (): Promise<void> => {
    offMs = offMs === 0 ? Math.sign(random() - 0.5) * (1_000 + random() * 1_000) : 0;
    await stepClock(pool, offMs);
  };
  const bounce = async (part: Restartable): Promise<void> => {
    scene.down += 1;
    await part.kill();
    await sleep(random() * 300);
    await part.restart().finally(() => (scene.down -= 1));
    // Leases that ran out meanwhile are renewed before the clock is stepped.
    await sleep(2_000, signal);
  };
  const cards = new Map<Card, () => Promise<void>>();
  const add = (name: string, run: () => Promise<void>, once = false): void =>
    void cards.set({ name, once }, run);
  const { postgres, kafka, redis } = services;
  if (postgres !== undefined) add('postgres restarted', () => bounce(postgres));
  // A broker takes ten seconds and more to come back.
  if (kafka !== undefined) add('broker restarted', () => bounce(kafka), true);
  if (redis !== undefined) add('redis dropped', () => bounce(redis));
  add('clock stepped', step);
  add('clock stepped', step);
  add('40001 storm', () => storm(sandbox));
  return cards;
}

/** No token is good for longer than a call takes. */
async function storm(sandbox: string): Promise<void> {
  for (const endMs = monotonicMs() + stormMs; monotonicMs() < endMs; await sleep(stormStepMs))
    await tellSandbox(sandbox, 'tokens/expire', {});
}
