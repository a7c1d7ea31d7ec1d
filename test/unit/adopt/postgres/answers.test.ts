import { describe, expect, it } from 'vitest';
import { columnsStatement, newestOf } from '../../../../src/adopt/postgres/answers.ts';
import type { Column, Relation } from '../../../../src/adopt/postgres/relation.ts';
import type { ShopAnswer } from '../../../../src/adopt/shop.ts';
import { shopAnswer } from '../../../support/adopt-parts.ts';

const answer = (given: Partial<ShopAnswer>): ShopAnswer =>
  shopAnswer({ appid: 'wx0', payment: 'p', atMs: 1_000, ...given });

describe('of several answers of one key', () => {
  const kept = (...given: Partial<ShopAnswer>[]) => newestOf(given.map(answer)).map(({ rid }) => rid);

  it('the one of the later version stands, whichever came first', () => {
    const [old, young] = [
      { rid: 'old', version: 1, atMs: 9 },
      { rid: 'young', version: 2, atMs: 1 },
    ];
    expect([kept(old, young), kept(young, old)]).toEqual([['young'], ['young']]);
  });

  it.each<[string, Partial<ShopAnswer>]>([
    ['of one version', {}],
    ['of another payment', { payment: 'q', version: 0 }],
    ['of another app', { appid: 'wx1', version: 0 }],
    ['without a version', { version: null }],
  ])('the later one stands, and of two at one time the last, where one is %s', (_claim, change) => {
    const [base, other] = [{ rid: 'base' }, { rid: 'other', ...change }];
    expect(kept({ ...base, atMs: 1 }, { ...other, atMs: 2 })).toEqual(['other']);
    expect(kept({ ...base, atMs: 2 }, { ...other, atMs: 1 })).toEqual(['base']);
    expect(kept({ ...other, atMs: 1 }, { ...base, atMs: 2 })).toEqual(['base']);
    expect([kept(base, other), kept(other, base)]).toEqual([['other'], ['base']]);
  });

  it('one is left for each key, in an order that is always the same', () => {
    const keys = (...refs: string[]) => newestOf(refs.map((ref) => answer({ ref }))).map(({ ref }) => ref);
    expect([keys('2', '1', '3', '1'), keys('3', '1', '2')]).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
    expect(newestOf([answer({}), answer({ kind: 'bill_id' })]).map(({ kind }) => kind)).toEqual([
      'bill_id',
      'order_id',
    ]);
  });
});

describe('the statement that writes answers into a table of the shop', () => {
  const column = (name: string, type: string, castType = type): Column => ({
    name,
    type,
    castType,
    nullable: true,
    isEnum: false,
    isVirtual: false,
  });
  const relation: Relation = {
    oid: 1,
    schema: 'public',
    name: 'orders',
    kind: 'r',
    owned: true,
    columns: [column('id', 'bigint'), column('sync', 'text', 'varchar(9)'), column('doc', 'json')],
    primaryKey: ['id'],
  };
  type Set = Parameters<typeof columnsStatement>[0]['set'];
  const statement = (set: Set, keys: Record<string, string> = { order_id: 'id' }) =>
    columnsStatement({ table: 'orders', keys, set }, relation);
  const textOf = (set: Set): string => statement(set)?.text ?? '';

  it('is none where the key, every column or every state is missing', () => {
    const set: Set = { sync: { acknowledged: 'ok' } };
    expect(statement(set)?.kind).toBe('order_id');
    expect(statement(set, { order_id: 'gone' })).toBeNull();
    expect(statement(set, {})).toBeNull();
    expect(statement({ gone: { acknowledged: 'ok' } })).toBeNull();
    expect(statement({ sync: {} })).toBeNull();
    expect(statement({})).toBeNull();
  });

  it('writes each column for the states that are named, and leaves it as it is for others', () => {
    const text = textOf({ sync: { acknowledged: 'ok', rejected: 'no' }, doc: { rejected: null }, gone: {} });
    const sync =
      `case a.state when 'acknowledged' then 'ok'::text::varchar(9) ` +
      `when 'rejected' then 'no'::text::varchar(9) else t."sync" end`;
    const doc = `case a.state when 'rejected' then null::json else t."doc" end`;
    expect(text).toContain(`"sync" = ${sync},\n      "doc" = ${doc}\n`);
    expect(text).toContain(`a.state in ('acknowledged', 'rejected')`);
    expect(text).toContain('a.ref::bigint as shop_key');
    expect(
      text.split(`(t."sync" is distinct from (${sync})\n      or t."doc"::text is distinct`),
    ).toHaveLength(3);
  });

  it.each<[string | number | boolean | null, string]>([
    [7, "'7'::text"],
    [true, "'true'::text"],
    [null, 'null'],
    ['$errcode', 'a.errcode::text'],
    ['$now', 'a.at::text'],
    ['$5 off', "'$5 off'::text"],
    ['5$', "'5$'::text"],
  ])('gives %j as %s', (given, written) => {
    expect(textOf({ sync: { acknowledged: given } })).toContain(`then ${written}::varchar(9) else`);
  });
});
