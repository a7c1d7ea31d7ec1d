import { describe, expect, it } from 'vitest';
import { bundledMigrations, compareSchema } from '../../../db/version.ts';

const bundled = ['a', 'b', 'c'].map((hash) => ({ tag: `tag_${hash}`, hash }));

describe('how a schema stands to the program', () => {
  it.each([
    [null, { kind: 'missing' }],
    [[], { kind: 'missing' }],
    [['a'], { kind: 'behind', pending: ['tag_b', 'tag_c'] }],
    [['a', 'b'], { kind: 'behind', pending: ['tag_c'] }],
    [['a', 'b', 'c'], { kind: 'current' }],
    [['a', 'b', 'c', 'd'], { kind: 'ahead', by: 1 }],
    [['a', 'b', 'c', 'd', 'e'], { kind: 'ahead', by: 2 }],
    [['x', 'b', 'c'], { kind: 'foreign' }],
    [['a', 'x'], { kind: 'foreign' }],
    [['a', 'b', 'x', 'd'], { kind: 'foreign' }],
  ])('%j is %j', (applied, state) => {
    expect(compareSchema(applied, bundled)).toEqual(state);
  });

  it('knows its own migrations by name', () => {
    expect(bundledMigrations().map(({ tag }) => tag)).toEqual([
      '0000_create_tables',
      '0001_functions_and_roles',
    ]);
    expect(new Set(bundledMigrations().map(({ hash }) => hash)).size).toBe(2);
  });
});
