import { readFileSync } from 'node:fs';

export const entry = new URL('../../src/cli/entry.js', import.meta.url).pathname;
export const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;

/** How Node is to run the command, as its first file says. */
export const nodeFlags: string[] = [
  ...(/^const heapFlags = \[(.*)\];$/m.exec(readFileSync(entry, 'utf8'))?.[1]?.matchAll(/'([^']+)'/g) ?? []),
].map(([, flag]) => flag!);

/** And in which environment. */
export const nodeEnv: Record<string, string> = Object.fromEntries(
  [
    .../^const allocator = \{(.*)\};$/m.exec(readFileSync(entry, 'utf8'))![1]!.matchAll(/(\w+): '([^']+)'/g),
  ].map(([, name, value]) => [name!, value!]),
);
