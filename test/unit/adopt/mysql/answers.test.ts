import { describe, expect, it } from 'vitest';
import { readAdoptFile } from '../../../../src/adopt/file.ts';
import {
  shopUpdates,
  standingAnswers,
  updateStatement,
  upsertAnswers,
} from '../../../../src/adopt/mysql/answers.ts';
import type { ShopAnswer, TableShape } from '../../../../src/adopt/shop.ts';
import { shopAnswer } from '../../../support/adopt-parts.ts';

const read = readAdoptFile(`
dialect: mysql
watch: [{ table: orders, keys: { order_id: id } }]
parts: select 1 from orders where id in (:order_id)
answers:
  - table: orders
    keys: { order_id: id }
    set:
      sync: { acknowledged: 1, rejected: 2, held: null }
      ok: { acknowledged: true, rejected: false }
      at: { acknowledged: $unix, rejected: $unix_ms }
      local: { acknowledged: $now }
      stamp: { acknowledged: $now }
      why: { rejected: $errmsg, held: 请处理 }
`);
if (read.kind === 'problems') throw new TypeError(JSON.stringify(read.problems));
const { file } = read;
const shapes = new Map<string, TableShape>([
  [
    'orders',
    {
      columns: { Local: { type: 'datetime', nullable: true }, stamp: { type: 'timestamp', nullable: true } },
      primaryKey: ['id'],
    },
  ],
]);
const answer = (given: Partial<ShopAnswer>): ShopAnswer =>
  shopAnswer({ appid: 'wx0', payment: 'p', atMs: Date.UTC(2026, 8, 1, 0, 0, 0, 500), ...given });

describe("an answer in a shop's columns", () => {
  it('is what the file says for its state, and nothing where the file says nothing', () => {
    const [ok, refused, held, ...more] = shopUpdates(
      file,
      [
        answer({}),
        answer({ ref: '2', state: 'rejected', errmsg: 'no' }),
        answer({ ref: '3', state: 'held' }),
        answer({ ref: '4', state: 'waiting' }),
        answer({ kind: 'other' }),
      ],
      shapes,
    );
    const utc = "'2026-09-01 00:00:00.500'";
    expect(ok).toEqual({
      table: 'orders',
      kind: 'order_id',
      keyColumn: 'id',
      refs: ['1'],
      set: [
        ['sync', '1'],
        ['ok', '1'],
        ['at', '1788220800'],
        ['local', `COALESCE(CONVERT_TZ(${utc}, '+00:00', @@global.time_zone), ${utc})`],
        ['stamp', utc],
      ],
    });
    expect(refused?.set).toEqual([
      ['sync', '2'],
      ['ok', '0'],
      ['at', '1788220800500'],
      ['why', "'no'"],
    ]);
    expect(held?.set).toEqual([
      ['sync', 'NULL'],
      ['why', `_utf8mb4 0x${Buffer.from('请处理').toString('hex')}`],
    ]);
    expect(more).toEqual([]);
  });

  it('is written in one statement for all keys that are told the same, and only where it is new', () => {
    const updates = shopUpdates(file, [answer({}), answer({ ref: '2' })], shapes);
    expect(updates.map(({ refs }) => refs)).toEqual([['1', '2']]);
    expect(
      updateStatement({
        table: 's.o',
        kind: 'order_id',
        keyColumn: 'id',
        refs: ['1', '2'],
        set: [
          ['a', '1'],
          ['b', 'NULL'],
        ],
      }),
    ).toBe(
      "UPDATE `s`.`o`\n   SET `a` = 1, `b` = NULL\n WHERE `id` IN ('1', '2')\n   AND NOT (`a` <=> 1 AND `b` <=> NULL)",
    );
  });
});

describe("an answer in fahuo's own table of a MySQL shop", () => {
  it('has a row a key, null where there is none, and changes what stands only where it is newer', () => {
    const text = upsertAnswers([answer({}), answer({ ref: '2', version: null, errcode: 7, errmsg: 'no' })]);
    const at = "'2026-09-01 00:00:00.500'";
    const names = 'kind ref appid payment state errcode errmsg rid reason version at'.split(' ');
    const [head, rows, changes] = [/^[^(]*\(([^)]*)\)/, /VALUES ([^]*)\nON/, /UPDATE ([^]*)$/].map(
      (part) => part.exec(text)?.[1] ?? '',
    );
    expect(head?.replaceAll('`', '').split(', ')).toEqual(names);
    expect(rows?.split(',\n  ')).toEqual([
      `('order_id', '1', 'wx0', 'p', 'acknowledged', NULL, NULL, NULL, NULL, '1', ${at})`,
      `('order_id', '2', 'wx0', 'p', 'acknowledged', '7', 'no', NULL, NULL, NULL, ${at})`,
    ]);
    const changed = changes?.split(',\n  ').map((change) => /^`(\w+)` = IF\(/.exec(change)?.[1]);
    expect(changed).toEqual(names.slice(2));
  });

  it('is read back by its key', () => {
    expect(standingAnswers([answer({}), answer({ kind: 'bill_id', ref: '2' })])).toContain(
      "IN (('order_id', '1'), ('bill_id', '2'))",
    );
  });
});
