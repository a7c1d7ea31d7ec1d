import { createRequire } from 'node:module';

/** By the package's own name: the sources and `dist` lie at different depths, and `dist` has no package.json. */
export const { version } = createRequire(import.meta.url)('fahuo/package.json') as { version: string };
