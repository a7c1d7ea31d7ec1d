import { describe, expect, it } from 'vitest';
import { readAdoptFile, type AdoptFile } from '../../../src/adopt/file.ts';

const good = `name: my_shop
dialect: mysql
watch:
  - table: orders
    keys: { order_id: id }
parts: select id as order_id from orders where id in (:order_id)
`;
const watching = (parts: string, watch = '{ order_id: id }'): string =>
  `dialect: mysql\nwatch:\n  - table: orders\n    keys: ${watch}\nparts: |\n${parts
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')}\n`;

function fileOf(text: string): AdoptFile {
  const read = readAdoptFile(text);
  if (read.kind !== 'file') throw new TypeError(JSON.stringify(read.problems));
  return read.file;
}
/** `line field: rule`, a line each. */
function mistakesOf(text: string): string[] {
  const read = readAdoptFile(text);
  return read.kind === 'file'
    ? []
    : read.problems.map(({ line, field, rule }) => `${line} ${field}: ${rule}`);
}

describe('an adopt file', () => {
  it('is read with what it leaves out', () => {
    expect(fileOf(good.replace('name: my_shop\n', ''))).toEqual({
      name: 'shop',
      dialect: 'mysql',
      watch: [{ table: 'orders', keys: { order_id: 'id' } }],
      parts: 'select id as order_id from orders where id in (:order_id)',
      carriers: {},
      answers: [],
      backfill: [],
      timeout_ms: 10_000,
      kinds: ['order_id'],
    });
  });

  it('is read with all that it may name', () => {
    const file = fileOf(`name: a2
dialect: postgres
appid: wx0123456789abcdef
mchid: 1900000001
source: /shop
watch:
  - table: shop.orders
    keys: { order_id: id, pay_id: pay_id }
    columns: [status, Waybill$1]
  - { table: parcels, keys: { order_id: order_id } }
parts: select 1 where id in (:order_id) or pay_id in (:pay_id)
carriers: { 顺丰: SF, 7: 8 }
answers:
  - table: orders
    keys: { order_id: id }
    set: { sync: { acknowledged: 1, rejected: null }, at: { acknowledged: $unix_ms }, note: { held: no $unix } }
backfill:
  - { table: orders, keys: { pay_id: pay_id }, since: paid_at }
timeout_ms: 100
`);
    expect(file).toMatchObject({
      mchid: '1900000001',
      carriers: { 顺丰: 'SF', 7: '8' },
      kinds: ['order_id', 'pay_id'],
      timeout_ms: 100,
    });
    expect(file.backfill[0]?.since).toBe('paid_at');
  });

  it('that is no YAML names each line that is none', () => {
    expect(mistakesOf('name: a\ndialect: [mysql\nwatch: 1\n')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\d+ file: is no YAML: /)]),
    );
    expect(mistakesOf('name: a\nname: b\n')).toEqual([
      expect.stringMatching(/^2 file: is no YAML: Map keys must be/),
    ]);
  });

  it.each(['', '- 1\n', 'text\n'])('that is no map says so (%j)', (text) => {
    expect(mistakesOf(text)).toEqual([expect.stringMatching(/^1 file: /)]);
  });

  it('that lacks what is needed names it', () => {
    expect(mistakesOf('name: a\n')).toEqual([
      '1 dialect: must be postgres or mysql (MariaDB is mysql)',
      '1 watch: is missing',
      '1 parts: is missing',
    ]);
  });

  it.each([
    [
      'name: my_shop',
      'name: My-Shop',
      '1 name: must be a name of a-z, 0-9 and _, at most 31 characters: my_shop',
    ],
    [
      'name: my_shop',
      `name: a${'b'.repeat(31)}`,
      '1 name: must be a name of a-z, 0-9 and _, at most 31 characters: my_shop',
    ],
    ['name: my_shop', 'name: 1a', '1 name: must be a name of a-z, 0-9 and _, at most 31 characters: my_shop'],
    ['dialect: mysql', 'dialect: mariadb', '2 dialect: must be postgres or mysql (MariaDB is mysql)'],
    ['dialect: mysql', 'dialect: mysql\nappid: wx 1', '3 appid: must be the appid of the mini-program'],
    [
      'dialect: mysql',
      `dialect: mysql\nappid: ${'w'.repeat(65)}`,
      '3 appid: must be the appid of the mini-program',
    ],
    ['dialect: mysql', 'dialect: mysql\nappid: "中wx1"', '3 appid: must be the appid of the mini-program'],
    ['dialect: mysql', 'dialect: mysql\nmchid: 1 2', '3 mchid: must be the merchant number'],
    ['dialect: mysql', `dialect: mysql\nmchid: "${'1'.repeat(33)}"`, '3 mchid: must be the merchant number'],
    ['dialect: mysql', 'dialect: mysql\nmchid: "1中"', '3 mchid: must be the merchant number'],
    ['dialect: mysql', 'dialect: mysql\nmchid: "中1"', '3 mchid: must be the merchant number'],
    ['dialect: mysql', 'dialect: mysql\nsource: ""', '3 source: must not be empty'],
    [
      'dialect: mysql',
      `dialect: mysql\nsource: ${'s'.repeat(201)}`,
      '3 source: must have at most 200 characters',
    ],
    ['dialect: mysql', 'dialect: mysql\ntimeout_ms: 99', '3 timeout_ms: must be at least 100'],
    ['dialect: mysql', 'dialect: mysql\ntimeout_ms: 60001', '3 timeout_ms: must be at most 60000'],
    [
      'dialect: mysql',
      'dialect: mysql\ntable: x',
      '3 table: is not known here: remove it, or see docs/adopting.md',
    ],
    [
      'table: orders',
      'table: a.b.c',
      '4 watch[0].table: must be the name of a table, with its schema before a dot where it needs one',
    ],
    [
      'table: orders',
      'table: "`orders`"',
      '4 watch[0].table: must be the name of a table, with its schema before a dot where it needs one',
    ],
    ['{ order_id: id }', '{ order_id: i-d }', '5 watch[0].keys.order_id: must be the name of a column'],
    ['{ order_id: id }', '{ order_id: "1" }', '5 watch[0].keys.order_id: must be the name of a column'],
    ['{ order_id: id }', '{}', '5 watch[0].keys: must name at least one key: keys: { order_id: id }'],
    [
      '{ order_id: id }',
      '{ order_id: id }\n    columns: []',
      '6 watch[0].columns: must name at least one column, or be left out for all',
    ],
    [
      '{ order_id: id }',
      '{ order_id: id }\n    columns: [a, b c]',
      '6 watch[0].columns[1]: must be the name of a column',
    ],
    [
      'parts: select',
      'parts: ""\nsource: select',
      '6 parts: must be the SELECT that gives the parts of the keys',
    ],
    ['watch:\n', 'watch: []\nbackfill:\n', '3 watch: must name at least one table'],
  ])('with %j as %j says what is wrong', (before, after, mistake) => {
    expect(mistakesOf(good.replace(before, after))).toContain(mistake);
  });

  it('whose kind of key is none says so at its line', () => {
    expect(mistakesOf(good.replaceAll('order_id: id', 'Order: id'))).toEqual([
      expect.stringMatching(/^5 watch\[0\]\.keys\.Order: /),
    ]);
  });

  it.each(['answers', 'backfill'])('has one key in each entry of %s, which is watched', (field) => {
    const entry = (keys: string): string =>
      `${good}${field}:\n  - table: orders\n    keys: ${keys}\n${field === 'answers' ? '    set: {}\n' : ''}`;
    expect(mistakesOf(entry('{ order_id: id }'))).toEqual([]);
    expect(mistakesOf(entry('{}'))).toEqual([
      `9 ${field}[0].keys: must name one key: keys: { order_id: id }`,
    ]);
    expect(mistakesOf(entry('{ order_id: id, b: c }'))).toEqual([
      `9 ${field}[0].keys: must name one key: keys: { order_id: id }`,
    ]);
    expect(mistakesOf(entry('{ other: id }'))).toEqual([
      `9 ${field}[0].keys.other: is no key of the watch list: one of order_id`,
    ]);
  });

  it('knows the words and the states of answers', () => {
    const answers = (set: string): string =>
      `${good}answers:\n  - table: orders\n    keys: { order_id: id }\n    set: ${set}\n`;
    expect(mistakesOf(answers('{ a: { acknowledged: $rid, waiting: true, held: text } }'))).toEqual([]);
    expect(mistakesOf(answers('{ a: { acknowledged: 1, rejected: $wrong } }'))).toEqual([
      '10 answers[0].set.a.rejected: $wrong is not one of $unix, $unix_ms, $now, $errcode, $errmsg, $rid, $reason, $version, $state',
    ]);
    expect(mistakesOf(answers('{ a: { sent: 1 } }'))).toEqual([
      expect.stringMatching(/^10 answers\[0\]\.set\.a/),
    ]);
    expect(mistakesOf(answers('{ a b: { held: 1 } }'))).toEqual([
      expect.stringMatching(/^10 answers\[0\]\.set/),
    ]);
  });
});

describe('the parts query of an adopt file', () => {
  it.each([
    ['select 1 where id in (:order_id);'],
    ['select 1 where id IN ( :order_id ) -- and not in (:other)'],
    ['select \':other\' as a, `:other` as b, ":other" as c /* :other; */ where id in (:order_id)'],
    ["select 'it''s; :other', 'a\\'; :other' where id in (:order_id)"],
    ['select a::text, b:: text from t where id in (:order_id)'],
    ['select 1 where id in (:order_id)\nunion\nselect 2 where id in(:order_id)'],
    ['select 1 where id in (:order_id); -- the end'],
  ])('may be %j', (parts) => {
    expect(mistakesOf(watching(parts))).toEqual([]);
  });

  it.each([
    ['select 1', ['must ask for the keys of each kind: … where id in (:order_id)']],
    [
      'select 1 where id in (:order_id) and a in (:other) and b = :other',
      [':other is no key of the watch list: one of order_id'],
    ],
    ['select 1 where id = :order_id', [':order_id must stand in "in (:order_id)": it is a list of keys']],
    [
      'select 1 where id in (:order_id) or id = :order_id or 1 = :order_id',
      [':order_id must stand in "in (:order_id)": it is a list of keys'],
    ],
    ['select 1 where id in (:order_id); select 2', ['must be one statement: remove what follows the ;']],
    ["select ':order_id'", ['must ask for the keys of each kind: … where id in (:order_id)']],
  ])('may not be %j', (parts, rules) => {
    expect(mistakesOf(watching(parts))).toEqual(rules.map((rule) => `5 parts: ${rule}`));
  });

  it('asks for every kind of key, and names none twice', () => {
    expect(mistakesOf(watching('select 1 where id in (:a) or :c or :c', '{ a: id, b: id, b2: id }'))).toEqual(
      [
        '5 parts: :c is no key of the watch list: one of a, b, b2',
        '5 parts: must ask for the keys of each kind: … where id in (:b)',
        '5 parts: must ask for the keys of each kind: … where id in (:b2)',
      ],
    );
  });
});
