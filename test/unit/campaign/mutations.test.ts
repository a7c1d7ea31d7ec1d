import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adoptMutations } from '../../campaign/adopt-mutations.ts';
import { mutations, type Patch } from '../../campaign/mutations.ts';
import { relayMutations } from '../../campaign/relay-mutations.ts';

const patches = [
  ...Object.entries({ ...mutations, ...adoptMutations }).flatMap(([name, mutation]) =>
    (mutation.patches ?? []).map((patch): [string, Patch] => [name, patch]),
  ),
  ...Object.entries(relayMutations).flatMap(([name, { patch }]): [string, Patch][] =>
    patch === undefined ? [] : [[name, patch]],
  ),
];

describe('a mutation of a campaign', () => {
  it.each(patches)('finds the text that it replaces, once: %s', (_name, { file, from, to }) => {
    const source = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
    expect(source.split(from)).toHaveLength(2);
    expect(to).not.toBe(from);
  });
});
