import { readFileSync } from 'node:fs';

export const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;

/** How Node is to run the command: what stands in its first line before the `--`. */
export const nodeFlags: string[] =
  /^#!\S+ -S node (.*) --$/m.exec(readFileSync(main, 'utf8'))?.[1]?.split(' ') ?? [];
