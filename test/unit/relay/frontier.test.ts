import { describe, expect, it } from 'vitest';
import { beginAt, advance, wentBack, type Frontier, type Snapshot } from '../../../src/relay/frontier.ts';
import { createRandom } from '../../support/random.ts';

const writer = (name: string, pid: number | null = 1) => ({ name, pid });

describe('the frontier', () => {
  it('is the last id where nobody writes', () => {
    expect(advance(beginAt(0), { lastId: 7, writers: [] }).safeId).toBe(7);
  });

  it('holds every writer at the cursor after a take-over', () => {
    expect(advance(beginAt(3), { lastId: 7, writers: [writer('a')] }).safeId).toBe(3);
  });

  it('gives a writer that is first seen now the last id of the snapshot before, and keeps it', () => {
    const first = advance(beginAt(0), { lastId: 7, writers: [] });
    const second = advance(first, { lastId: 9, writers: [writer('a')] });
    expect(second.safeId).toBe(7);
    expect(advance(second, { lastId: 20, writers: [writer('a'), writer('b')] }).safeId).toBe(7);
    expect(advance(second, { lastId: 20, writers: [writer('b')] }).safeId).toBe(9);
  });

  it('holds a prepared transaction, which has a new name and no pid, at the safe id', () => {
    const first = advance(beginAt(0), { lastId: 7, writers: [writer('a')] });
    const later = advance(first, { lastId: 9, writers: [writer('prepared', null)] });
    expect(later.safeId).toBe(0);
  });

  it('knows a sequence that was set back, behind the safe id or behind the last id of the snapshot before', () => {
    const at = (lastId: number): Snapshot => ({ lastId, writers: [writer('a')] });
    expect(wentBack(beginAt(7), at(7))).toBe(false);
    expect(wentBack(beginAt(7), at(6))).toBe(true);
    const held = advance(beginAt(3), at(9));
    expect(held.safeId).toBe(3);
    expect([wentBack(held, at(9)), wentBack(held, at(8))]).toEqual([false, true]);
  });
});

/** A model of Postgres: writers lock, draw ids, commit or roll back, become visible, and let go, in any interleaving. */
type Tx = { name: string; pid: number | null; locked: boolean; ids: number[]; done: boolean };

function createModel(random: () => number) {
  const live: Tx[] = [];
  const visible: number[] = [];
  const model = { live, visible, lastId: 0, names: 0 };
  const finish = (tx: Tx): void => {
    if (random() < 0.7) visible.push(...tx.ids);
    tx.done = true; // visible before it lets go of its lock
  };
  const work = (tx: Tx): void => {
    const choice = random();
    if (choice < 0.6 && tx.pid !== null) tx.ids.push(++model.lastId);
    else if (choice < 0.65 && tx.pid !== null) Object.assign(tx, { name: `p${model.names++}`, pid: null });
    else finish(tx);
  };
  const act = (): void => {
    if (live.length < 6 && random() < 0.4)
      live.push({ name: `t${model.names++}`, pid: 1, locked: false, ids: [], done: false });
    const tx = live[Math.floor(random() * live.length)];
    if (tx === undefined) return;
    if (!tx.locked) tx.locked = true;
    else if (tx.done) live.splice(live.indexOf(tx), 1);
    else work(tx);
  };
  return { model, act };
}

function simulate(seed: number, advance: (before: Frontier, snapshot: Snapshot) => Frontier) {
  const random = createRandom(seed);
  const { model, act } = createModel(random);
  const some = (most: number): void => {
    for (let acts = random() * most; acts > 0; acts--) act();
  };
  const published = new Set<number>();
  let frontier = beginAt(0);
  let cursor = 0;
  for (let step = 0; step < 200; step++) {
    some(4);
    const { lastId } = model; // step 1
    some(3);
    const writers = model.live.filter((tx) => tx.locked).map(({ name, pid }) => writer(name, pid)); // step 2
    frontier = advance(frontier, { lastId, writers });
    some(3);
    for (const id of model.visible) if (id > cursor && id <= frontier.safeId) published.add(id); // step 3
    cursor = frontier.safeId;
  }
  const lost = model.visible.filter((id) => id <= cursor && !published.has(id));
  return { lost: lost.length, published: published.size };
}

describe('the frontier over 500 random histories with rollbacks and prepared transactions', () => {
  it('never passes a row that becomes visible later', () => {
    let lost = 0;
    let published = 0;
    for (let seed = 1; seed <= 500; seed++) {
      const run = simulate(seed, advance);
      lost += run.lost;
      published += run.published;
    }
    expect(lost).toBe(0);
    expect(published).toBeGreaterThan(10_000);
  });

  it('loses rows in the same histories where the last id alone is trusted', () => {
    const naive = (before: Frontier, snapshot: Snapshot): Frontier => ({
      ...before,
      safeId: snapshot.lastId,
      lastId: snapshot.lastId,
    });
    let lost = 0;
    for (let seed = 1; seed <= 50; seed++) lost += simulate(seed, naive).lost;
    expect(lost).toBeGreaterThan(0);
  });
});
