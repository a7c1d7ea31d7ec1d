import { describe, expect, it } from 'vitest';
import type { Column, Relation } from '../../../../src/adopt/postgres/relation.ts';
import {
  applyStatements,
  fileNameOf,
  judgeStanding,
  remarkOf,
  undoStatements,
  type Relations,
  type Standing,
} from '../../../../src/adopt/postgres/triggers.ts';

const column = (name: string, type = 'bigint', more: Partial<Column> = {}): Column => ({
  name,
  type,
  castType: type,
  nullable: true,
  isEnum: false,
  isVirtual: false,
  ...more,
});
const relation = (name: string, columns: Column[]): Relation => ({
  oid: 1,
  schema: 'public',
  name,
  kind: 'r',
  owned: true,
  columns,
  primaryKey: ['id'],
});
type File = Parameters<typeof applyStatements>[0];
const orders: File = {
  name: 'shop',
  watch: [{ table: 'orders', keys: { order_id: 'id' }, columns: ['status', 'note'] }],
  answers: [],
};
const relations: Relations = new Map([
  [
    'orders',
    relation('orders', [
      column('id'),
      column('status', 'integer'),
      column('note', 'json'),
      column('wx', 'text'),
      column('mood', 'public.mood', { isEnum: true }),
    ]),
  ],
]);
const find = (statements: string[], part: string): string =>
  statements.find((one) => one.includes(part)) ?? '';

/** As the catalog would answer after `apply`. */
const applied = (file: File): NonNullable<Standing> => ({
  remark: remarkOf(file, relations),
  tables: true,
  functions: ['touch_1'],
  triggers: ['insert', 'update', 'delete'].map((event) => ({
    schema: 'public',
    table: 'orders',
    trigger: `fahuo_adopt_1_${event}`,
    function: 'touch_1',
    always: true,
  })),
});

describe('the statements of apply', () => {
  it('are one text each, with its semicolon, so that a person can run them as well', () => {
    for (const one of applyStatements(orders, relations, null)) expect(one).toMatch(/;$/);
  });

  it('compare the key and the watched columns alone, as texts where the type has no equality', () => {
    const update = find(applyStatements(orders, relations, null), 'fahuo_adopt_1_update after');
    expect(update).toContain('old."id" is distinct from new."id"\n');
    expect(update).toContain('old."status" is distinct from new."status"\n');
    expect(update).toContain('old."note"::pg_catalog.text is distinct from new."note"::pg_catalog.text)');
    expect(update).not.toContain('"wx"');
    expect(update).not.toContain('"mood"');
  });

  it('compare every column where the file names none, but those that answers are written to', () => {
    const all: File = {
      name: 'shop',
      watch: [{ table: 'orders', keys: { order_id: 'id' } }],
      answers: [{ table: 'orders', keys: { order_id: 'id' }, set: { wx: { acknowledged: 1 } } }],
    };
    const update = find(applyStatements(all, relations, null), 'fahuo_adopt_1_update after');
    expect(update).toContain('old."mood" is distinct from new."mood"');
    expect(update.match(/is distinct from/g)).toHaveLength(4);
    expect(update).not.toContain('"wx"');
  });

  it('do not watch where another table’s answers are written', () => {
    const all: File = {
      name: 'shop',
      watch: [{ table: 'orders', keys: { order_id: 'id' } }],
      answers: [{ table: 'others', keys: { order_id: 'id' }, set: { wx: { acknowledged: 1 } } }],
    };
    expect(find(applyStatements(all, relations, null), 'fahuo_adopt_1_update after')).toContain('"wx"');
  });

  it('cut the blanks of a char(n), as a comparison does', () => {
    const padded: Relations = new Map([['orders', relation('orders', [column('id', 'bpchar')])]]);
    expect(find(applyStatements(orders, padded, null), 'function fahuo_adopt.touch_1() returns')).toContain(
      `pg_catalog.rtrim(pg_catalog.format('%s', new."id"), ' ')`,
    );
  });

  it('keep a body whole whose column has the dollars of its quotes in its name', () => {
    const file: File = {
      name: 'shop',
      watch: [{ table: 'orders', keys: { order_id: 'a$touch$b' } }],
      answers: [],
    };
    const odd: Relations = new Map([['orders', relation('orders', [column('a$touch$b')])]]);
    const text = find(applyStatements(file, odd, null), 'function fahuo_adopt.touch_1() returns');
    expect(text).toMatch(/as \$_touch\$\n[\s\S]*a\$touch\$b[\s\S]*\n\$_touch\$;$/);
  });

  it('find a column in lower case where none is spelled as the file spells it', () => {
    const upper: File = {
      ...orders,
      watch: [{ table: 'orders', keys: { order_id: 'ID' }, columns: ['Status'] }],
    };
    const update = find(applyStatements(upper, relations, null), 'fahuo_adopt_1_update after');
    expect(update).toContain('old."id" is distinct from new."id"\n  or old."status"');
  });

  it('say of a table that is not there that the file is to be corrected, and fail', () => {
    const statements = applyStatements(orders, new Map(), null);
    expect(statements.filter((one) => one.includes('create or replace'))).toEqual([]);
    expect(statements.join('\n')).toContain(
      '-- There is no table orders: correct the file.\nlock table "orders"',
    );
  });

  it('drop what an earlier file asked for and this one does not', () => {
    const standing = applied(orders);
    standing.triggers = [
      ...standing.triggers,
      { schema: 'Old', table: 'parcel', trigger: 'fahuo_adopt_2_insert', function: 'touch_2', always: true },
    ];
    const statements = applyStatements(orders, relations, {
      ...standing,
      functions: ['touch_1', 'touch_2'],
    });
    expect(statements.filter((one) => one.startsWith('drop'))).toEqual([
      'drop trigger if exists "fahuo_adopt_2_insert" on "Old"."parcel";',
      'drop function if exists fahuo_adopt."touch_2"();',
    ]);
  });
});

describe('what stands', () => {
  it('is applied where every trigger always fires and the remark is that of the file', () => {
    expect(judgeStanding(orders, relations, applied(orders))).toBe('applied');
  });

  it('is absent without a schema, and without anything in it', () => {
    expect(judgeStanding(orders, relations, null)).toBe('absent');
    expect(
      judgeStanding(orders, relations, { remark: null, tables: false, functions: [], triggers: [] }),
    ).toBe('absent');
  });

  it.each<[string, (standing: NonNullable<Standing>) => Standing]>([
    ['a trigger is missing', (one) => ({ ...one, triggers: one.triggers.slice(1) })],
    [
      'a trigger does not fire for a replica',
      (one) => ({ ...one, triggers: one.triggers.map((trigger) => ({ ...trigger, always: false })) }),
    ],
    ['a table of ours is missing', (one) => ({ ...one, tables: false })],
    ['the remark is of other triggers', (one) => ({ ...one, remark: `${one.remark ?? ''}0` })],
    ['there is no remark', (one) => ({ ...one, remark: null })],
  ])('is outdated where %s', (_name, change) => {
    expect(judgeStanding(orders, relations, change(applied(orders)))).toBe('outdated');
  });

  it('is outdated where one more trigger of ours has been switched off', () => {
    const standing = applied(orders);
    const off = { ...standing.triggers[0]!, table: 'former', always: false };
    expect(judgeStanding(orders, relations, { ...standing, triggers: [...standing.triggers, off] })).toBe(
      'outdated',
    );
  });

  it('bears the name of its file', () => {
    expect(fileNameOf(remarkOf(orders, relations))).toBe('shop');
    expect(fileNameOf('shop tables')).toBeNull();
    expect(fileNameOf(null)).toBeNull();
  });
});

describe('the statements of undo', () => {
  it('take the triggers first, then what they call, and drop nothing of others', () => {
    const statements = undoStatements(applied(orders));
    expect(statements.map((one) => one.split(' ').slice(0, 2).join(' '))).toEqual([
      'drop trigger',
      'drop trigger',
      'drop trigger',
      'drop function',
      'drop table',
      'drop table',
      'drop schema',
    ]);
    expect(statements.join('\n')).not.toMatch(/cascade/i);
  });

  it('are none where nothing stands', () => {
    expect(undoStatements(null)).toEqual([]);
  });
});
