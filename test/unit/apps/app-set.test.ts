import { describe, expect, it } from 'vitest';
import { createAppSet, type App } from '../../../src/apps/app-set.ts';
import { turn } from '../../../src/clock.ts';
import { appOf, appSetOf } from '../../support/apps.ts';

/** Work that notes what it does, and ends when it is told to stop and the test lets it. */
function recorder() {
  const lines: string[] = [];
  const held = new Map<string, () => void>();
  return {
    lines,
    /** Lets the stopped work of an app end. */
    release: (appid: string): void => held.get(appid)?.(),
    work: async ({ appid }: App, stop: AbortSignal): Promise<void> => {
      lines.push(`+${appid}`);
      await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }));
      lines.push(`stop ${appid}`);
      await new Promise<void>((resolve) => held.set(appid, resolve));
      lines.push(`-${appid}`);
    },
  };
}

describe('a set of apps', () => {
  it('says what a new list changes, and keeps what did not change as it was', () => {
    const apps = appSetOf('a', 'b', 'c');
    const [a, b] = [apps.of('a'), apps.of('b')];
    const changes = apps.replace([
      appOf('a'),
      appOf('b', { maxCallsPerSecond: 5 }),
      appOf('d', { token: { mode: 'none' } }),
    ]);
    expect(changes).toEqual({ added: ['d'], retired: ['c'], changed: ['b'], tokens: [] });
    expect(apps.appids()).toEqual(['a', 'b', 'd']);
    expect(apps.of('a')).toBe(a);
    expect(apps.of('b')?.token).toBe(b?.token);
    expect(apps.of('b')?.maxCallsPerSecond).toBe(5);
    expect(apps.replace([appOf('a', { token: { mode: 'stable', secret: 'new' } })])).toEqual({
      added: [],
      retired: ['b', 'd'],
      changed: ['a'],
      tokens: ['a'],
    });
    expect(apps.of('a')?.token).toEqual({ mode: 'stable', secret: 'new' });
  });

  it('knows an app that retired by its last token, for what is in flight, and no longer lists it', () => {
    const apps = appSetOf('a', 'b');
    apps.replace([appOf('b')]);
    expect(apps.of('a')).toMatchObject({ appid: 'a' });
    expect(apps.all().map(({ appid }) => appid)).toEqual(['b']);
    expect(apps.of('never')).toBeUndefined();
  });

  it('does the work of each app, of those that come, and no longer of those that go', async () => {
    const [apps, stop, seen] = [appSetOf('a', 'b'), new AbortController(), recorder()];
    let ended = false;
    const all = apps.each(seen.work, stop.signal).then(() => (ended = true));
    expect(seen.lines).toEqual(['+a', '+b']);
    apps.replace([appOf('b'), appOf('c')]);
    await turn();
    expect(seen.lines).toEqual(['+a', '+b', '+c', 'stop a']);
    stop.abort();
    await turn();
    seen.release('b');
    seen.release('c');
    await turn();
    expect(ended, 'what is in flight of an app that retired').toBe(false);
    seen.release('a');
    await all;
    expect(seen.lines.slice(4)).toEqual(['stop b', 'stop c', '-b', '-c', '-a']);
    apps.replace([appOf('d')]);
    expect(seen.lines).toHaveLength(9);
  });

  it('begins the work of an app that comes back when its earlier work has ended, and only once', async () => {
    const [apps, stop, seen] = [appSetOf('a'), new AbortController(), recorder()];
    const all = apps.each(seen.work, stop.signal);
    apps.replace([appOf('b')]);
    apps.replace([appOf('a'), appOf('b')]);
    apps.replace([appOf('b')]);
    apps.replace([appOf('a'), appOf('b')]);
    await turn();
    expect(seen.lines).toEqual(['+a', '+b', 'stop a']);
    seen.release('a');
    await turn();
    await turn();
    expect(seen.lines.slice(3)).toEqual(['-a', '+a']);
    stop.abort();
    await turn();
    seen.release('a');
    seen.release('b');
    await all;
  });

  it('does anew what changes in what the work looks at, and nothing else', async () => {
    const [apps, stop, seen] = [createAppSet([appOf('a'), appOf('b')]), new AbortController(), recorder()];
    const all = apps.each(seen.work, stop.signal, ({ maxCallsPerSecond }) => String(maxCallsPerSecond));
    apps.replace([appOf('a', { parcelLists: 'delta' }), appOf('b', { maxCallsPerSecond: 3 })]);
    await turn();
    seen.release('b');
    await turn();
    await turn();
    expect(seen.lines).toEqual(['+a', '+b', 'stop b', '-b', '+b']);
    stop.abort();
    await turn();
    seen.release('a');
    seen.release('b');
    await all;
  });

  it.each(['at work', 'while it stops'])(
    'fails with the work that fails %s, when the others have ended',
    async (when) => {
      const [apps, stop, seen] = [appSetOf('a', 'b'), new AbortController(), recorder()];
      const failing = async (app: App, stopped: AbortSignal): Promise<void> => {
        if (app.appid === 'b') return seen.work(app, stopped);
        if (when === 'while it stops')
          await new Promise<void>((resolve) => stopped.addEventListener('abort', () => resolve()));
        throw new Error('broken');
      };
      const all = apps.each(failing, stop.signal);
      all.catch(() => undefined);
      if (when === 'while it stops') stop.abort();
      await turn();
      await turn();
      expect(seen.lines).toEqual(['+b', 'stop b']);
      seen.release('b');
      await expect(all).rejects.toThrow('broken');
      apps.replace([appOf('c')]);
      expect(seen.lines).toEqual(['+b', 'stop b', '-b']);
    },
  );

  it('does nothing once its signal has aborted', async () => {
    const seen = recorder();
    await appSetOf('a').each(seen.work, AbortSignal.abort());
    expect(seen.lines).toEqual([]);
  });
});
