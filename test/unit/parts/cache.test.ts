import { describe, expect, it } from 'vitest';
import { cacheFolder } from '../../../src/parts/cache.ts';

const installed = 'file:///usr/lib/node_modules/fahuo/dist/src/parts/cache.js';

describe('the cache of parts', () => {
  it('is the .cache of a checkout', () => {
    expect(cacheFolder('file:///home/li/fahuo/src/parts/cache.ts', '/home/li', '')).toBe(
      '/home/li/fahuo/.cache',
    );
  });

  it("is the user's for an installed package, whose own folder may be read-only", () => {
    expect(cacheFolder(installed, '/home/li', '')).toBe('/home/li/.cache/fahuo');
    expect(cacheFolder(installed, '/home/li', undefined)).toMatch(/\/fahuo$/);
  });

  it('follows XDG_CACHE_HOME', () => {
    expect(cacheFolder(installed, '/home/li', '/var/cache/li')).toBe('/var/cache/li/fahuo');
  });
});
