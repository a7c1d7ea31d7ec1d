import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Where what was fetched once is kept. A checkout keeps it in its own `.cache`; an installed package may stand in a
 * folder that nobody may write, so it keeps it in the user's.
 */
export function cacheFolder(
  module: string = import.meta.url,
  home: string = homedir(),
  xdgCacheHome: string | undefined = process.env['XDG_CACHE_HOME'],
): string {
  if (module.endsWith('.ts')) return fileURLToPath(new URL('../../.cache', module));
  const cache = xdgCacheHome === undefined || xdgCacheHome === '' ? join(home, '.cache') : xdgCacheHome;
  return join(cache, 'fahuo');
}
