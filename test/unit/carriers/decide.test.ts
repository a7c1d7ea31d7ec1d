import { describe, expect, it } from 'vitest';
import { decideList, isCarrierId } from '../../../src/carriers/decide.ts';

const known = new Map(Array.from({ length: 20 }, (_, n) => [`ID${n}`, `name ${n}`]));
const entriesOf = (carriers: ReadonlyMap<string, string>, count = carriers.size) =>
  [...carriers].slice(0, count).map(([id, name]) => ({ id, name }));
const whole = entriesOf(known);
const named = (id: unknown, name: unknown = '新快递') => ({ id, name });

describe('an answer of get_delivery_list', () => {
  it('that equals the list changes nothing', () => {
    expect(decideList(known, whole)).toEqual({ kind: 'take', changed: [], passedOver: 0 });
  });

  it('adds what is new, gives new names, and removes nothing', () => {
    const entries = [...whole.slice(1), named('NEW1'), named('(AU)', 'Australia')];
    const renamed = entries.map((one) => (one.id === 'ID7' ? named('ID7', '七') : one));
    expect(decideList(known, renamed)).toEqual({
      kind: 'take',
      changed: [
        ['ID7', '七'],
        ['NEW1', '新快递'],
        ['(AU)', 'Australia'],
      ],
      passedOver: 0,
    });
  });

  it.each([
    ['empty', [], 'it lacks 20 of 20 known carriers'],
    ['tiny', [named('NEW1')], 'it lacks 20 of 20 known carriers'],
    ['short of more than half', entriesOf(known, 9), 'it lacks 11 of 20 known carriers'],
    [
      'full of odd entries',
      [...whole, named(1), named(''), named('a b')],
      '3 of its 23 entries have no proper id',
    ],
    ['endless', Array.from({ length: 10_001 }, (_, n) => named(`X${n}`)), 'it has 10001 entries'],
    [
      'so long that the list would be',
      [...whole, ...Array.from({ length: 9_980 }, (_, n) => named(`X${n}`))].slice(1),
      null,
    ],
    [
      'one too many',
      [...whole, ...Array.from({ length: 9_981 }, (_, n) => named(`X${n}`))].slice(1),
      'with it there would be 10001 carriers',
    ],
  ])('that is %s is judged as a whole', (_, entries, why) => {
    expect(decideList(known, entries)).toMatchObject(why === null ? { kind: 'take' } : { kind: 'keep', why });
  });

  it('is taken with half of the known carriers and a tenth of odd entries', () => {
    expect(decideList(known, entriesOf(known, 10)).kind).toBe('take');
    expect(decideList(known, [...entriesOf(known, 18), named(null), named({})])).toEqual({
      kind: 'take',
      changed: [],
      passedOver: 2,
    });
  });

  it('takes the first of two with one id, and the id for a name that is none', () => {
    const long = '长'.repeat(129);
    const entries = [
      ...whole,
      named('TWICE', 'one'),
      named('TWICE', 'two'),
      named('A', ' '),
      named('B', long),
    ];
    const odd = [...entries, named('C', 7), named('D', 'a\u0000b'), named('E', '长'.repeat(128))];
    expect(decideList(known, odd)).toEqual({
      kind: 'take',
      changed: [
        ['TWICE', 'one'],
        ['A', 'A'],
        ['B', 'B'],
        ['C', 'C'],
        ['D', 'a\uFFFDb'],
        ['E', '长'.repeat(128)],
      ],
      passedOver: 1,
    });
    expect(decideList(known, [...whole.slice(1), named('ID0', '')])).toMatchObject({ changed: [] });
  });
});

it.each([
  ['NEW1', true],
  ['(AU)', true],
  ['dao', true],
  ['x'.repeat(64), true],
  ['x'.repeat(65), false],
  ['', false],
  ['S F', false],
  ['中通快递', false],
  ['SF\n', false],
  [7, false],
])('%j may be an id: %j', (id, may) => {
  expect(isCarrierId(id)).toBe(may);
});
