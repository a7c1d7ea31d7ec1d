import { describe, expect, it } from 'vitest';
import {
  columnOf,
  hasEquality,
  literal,
  nameOf,
  spellingsOf,
  type Column,
} from '../../../../src/adopt/postgres/relation.ts';

const column = (name: string): Column => ({
  name,
  type: 'text',
  castType: 'text',
  nullable: true,
  isEnum: false,
  isVirtual: false,
});

describe('a table of a shop in Postgres', () => {
  it('is named with its schema, in quotes', () => {
    expect(nameOf({ schema: 'pub', name: 'a"b' })).toBe('"pub"."a""b"');
  });

  it('is looked for as it is spelled, then in lower case', () => {
    expect(spellingsOf('Shop.Orders')).toEqual(['"Shop"."Orders"', '"shop"."orders"']);
    expect(spellingsOf('orders')).toEqual(['"orders"']);
  });

  it('has a column by its very name, else by the name in lower case', () => {
    const columns = ['id', 'state', 'State'].map(column);
    const found = (name: string) => columnOf({ columns }, name)?.name;
    expect(['State', 'STATE', 'ID', 'none'].map(found)).toEqual(['State', 'state', 'id', undefined]);
  });

  it('has texts that mean the same whatever standard_conforming_strings says', () => {
    expect([literal("it's"), literal("a\\b'c")]).toEqual(["'it''s'", " E'a\\\\b''c'"]);
  });

  it('compares values by the equality of their type where the system has one, else as texts', () => {
    const equal = (type: string, isEnum = false) => hasEquality({ type, isEnum });
    expect([equal('jsonb'), equal('json'), equal('public.mood', true), equal('public.mood')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });
});
