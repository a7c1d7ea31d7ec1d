import { describe, expect, it } from 'vitest';
import { Heartbeats } from '../../src/heartbeats.ts';

let now = 1_000;
const heartbeats = (): Heartbeats => new Heartbeats(100, () => now);

describe('a loop', () => {
  it('is stale when its step takes longer than one may, and not a moment before', () => {
    const beats = heartbeats();
    beats.beat('sweep');
    now += 100;
    expect(beats.stale()).toEqual([]);
    now += 1;
    expect(beats.stale()).toEqual([{ loop: 'sweep', silent_ms: 101 }]);
    beats.beat('sweep');
    expect(beats.stale()).toEqual([]);
  });

  it('is not stale while it waits as long as it said', () => {
    const beats = heartbeats();
    beats.beat('gauges', 5_000);
    now += 5_100;
    expect(beats.stale()).toEqual([]);
    now += 1;
    expect(beats.stale()).toEqual([{ loop: 'gauges', silent_ms: 5_101 }]);
  });

  it('is not stale when it is over', () => {
    const beats = heartbeats();
    beats.beat('sweep');
    beats.end('sweep');
    now += 1_000;
    expect(beats.stale()).toEqual([]);
  });

  it('hides no other: each is named', () => {
    const beats = heartbeats();
    for (const loop of ['b', 'a', 'd', 'c']) {
      beats.beat(loop);
      now += 10;
    }
    now += 200;
    expect(beats.stale().map(({ loop }) => loop)).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('work that comes now and then', () => {
  it('is stale while one of several hangs, and forgotten when it ends, also with an error', async () => {
    const beats = heartbeats();
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const watched = [beats.watch('batch', first.promise), beats.watch('batch', second.promise)];
    first.resolve('done');
    expect(await watched[0]).toBe('done');
    now += 101;
    expect(beats.stale()).toEqual([{ loop: 'batch', silent_ms: 101 }]);
    second.reject(new Error('no'));
    await expect(watched[1]).rejects.toThrow('no');
    expect(beats.stale()).toEqual([]);
  });
});
