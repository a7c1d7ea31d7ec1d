import { describe, expect, it } from 'vitest';
import {
  chance,
  faultOf,
  faultRules,
  nameOfFault,
  type FaultRule,
  type Occasion,
} from '../../../src/sandbox/faults.ts';
import { createRandom } from '../../support/random.ts';

const rulesOf = (...given: object[]): FaultRule[] => faultRules.parse(given);
const occasion = (changes: Partial<Occasion> = {}): Occasion => ({
  endpoint: 'upload',
  payment: 'P1',
  ordinal: 1,
  ...changes,
});
const occasions = (count: number): Occasion[] =>
  Array.from({ length: count }, (_, at) => occasion({ payment: `P${at}` }));

describe('a fault rule', () => {
  it('is about every upload unless it says otherwise', () => {
    const rules = rulesOf({ kind: 'lost_answer' });
    expect(rules).toEqual([{ kind: 'lost_answer', endpoint: 'upload', rate: 1 }]);
    expect(occasions(50).every((one) => faultOf(rules, one, 1) === rules[0])).toBe(true);
    expect(faultOf(rules, occasion({ endpoint: 'get_order' }), 1)).toBeNull();
  });

  it('about one payment leaves the others alone', () => {
    const rules = rulesOf({ kind: 'garbage', transaction_id: 'P7' });
    const hit = occasions(20).filter((one) => faultOf(rules, one, 1) !== null);
    expect(hit.map(({ payment }) => payment)).toEqual(['P7']);
  });

  it('that holds so many times lets the requests after that through', () => {
    const rules = rulesOf({ kind: 'hang', times: 2 });
    const hit = [1, 2, 3, 4].map((ordinal) => faultOf(rules, occasion({ ordinal }), 1) !== null);
    expect(hit).toEqual([true, true, false, false]);
  });

  it('gives way to the rule before it, and takes over where that one does not apply', () => {
    const rules = rulesOf(
      { kind: 'errcode', errcode: -1, times: 1 },
      { kind: 'errcode', errcode: 45009, endpoint: 'token' },
      { kind: 'status' },
    );
    const kinds = [1, 2].map((ordinal) => faultOf(rules, occasion({ ordinal }), 1)?.kind);
    expect(kinds).toEqual(['errcode', 'status']);
    expect(faultOf([], occasion(), 1)).toBeNull();
  });

  it.each([
    ['lost_answer', undefined],
    ['hang', true],
    ['garbage', true],
    ['no_errcode', true],
    ['half_json', true],
    ['status', false],
    ['errcode', false],
  ])('of kind %s says whether the upload takes effect', (kind, committed) => {
    const [rule] = rulesOf(kind === 'errcode' ? { kind, errcode: -1 } : { kind });
    expect(rule).toHaveProperty('kind', kind);
    expect((rule as { committed?: boolean }).committed).toBe(committed);
  });

  it('can be given alone or in a list', () => {
    expect(faultRules.parse({ kind: 'garbage' })).toEqual(faultRules.parse([{ kind: 'garbage' }]));
    expect(faultRules.parse([])).toEqual([]);
  });

  it.each<object>([
    { kind: 'explode' },
    {},
    { kind: 'garbage', rate: 1.1 },
    { kind: 'garbage', rate: -0.1 },
    { kind: 'garbage', times: 0 },
    { kind: 'garbage', transaction_id: '' },
    { kind: 'garbage', endpoint: 'uplaod' },
    { kind: 'garbage', paymentt: 'P1' },
    { kind: 'delay' },
    { kind: 'delay', ms: 0 },
    { kind: 'long_errmsg', length: 0 },
    { kind: 'shipped_by_hand', item_desc: '' },
    { kind: 'status', status: 399 },
    { kind: 'status', status: 600 },
    { kind: 'errcode' },
    { kind: 'errcode', errcode: '45009' },
    { kind: 'status', status: 200 },
    { kind: 'lost_answer', committed: false },
  ])('is refused when it is %j', (rule) => {
    expect(faultRules.safeParse(rule).success).toBe(false);
    expect(faultRules.safeParse([{ kind: 'garbage' }, rule]).success).toBe(false);
  });
});

describe('the bounds of a fault rule', () => {
  it.each<object>([
    { kind: 'delay', ms: 1 },
    { kind: 'delay', ms: 60_000 },
    { kind: 'long_errmsg', length: 1 },
    { kind: 'long_errmsg', length: 5_000 },
    { kind: 'shipped_by_hand', item_desc: '果' },
    { kind: 'shipped_by_hand', item_desc: '苹果' },
    { kind: 'status', status: 400 },
    { kind: 'status', status: 599 },
    { kind: 'garbage', rate: 0, times: 1 },
    { kind: 'garbage', rate: 1, times: 9 },
  ])('take in %j', (rule) => {
    expect(faultRules.safeParse(rule).success).toBe(true);
  });
});

describe('the name of a fault', () => {
  it.each([
    [{ kind: 'lost_answer' }, 'lost_answer'],
    [{ kind: 'hang' }, 'hang applied'],
    [{ kind: 'hang', committed: false }, 'hang'],
    [{ kind: 'hang', endpoint: 'get_order' }, 'get_order hang applied'],
    [{ kind: 'errcode', errcode: -1 }, 'errcode -1'],
    [{ kind: 'errcode', errcode: 45009, endpoint: 'token', committed: true }, 'token errcode 45009 applied'],
    [{ kind: 'status' }, 'status 502'],
  ])('of %j is %j: endpoint, kind, code, and whether the request took effect', (rule, name) => {
    expect(rulesOf(rule).map(nameOfFault)).toEqual([name]);
  });
});

describe('a fault by chance', () => {
  const rules = rulesOf({ kind: 'lost_answer', rate: 0.1 }, { kind: 'reset_before', rate: 0.5 });
  const verdicts = (all: readonly Occasion[], seed: number) =>
    new Map(all.map((one) => [`${one.payment}/${one.ordinal}`, faultOf(rules, one, seed)?.kind]));

  it('meets the same requests in whatever order they come', () => {
    const random = createRandom(5);
    const all = occasions(500);
    const shuffled = all.map((one) => ({ one, at: random() })).toSorted((a, b) => a.at - b.at);
    const again = verdicts(
      shuffled.map(({ one }) => one),
      42,
    );
    for (const [name, kind] of verdicts(all, 42)) expect(again.get(name)).toBe(kind);
  });

  it('meets other requests under another seed, and the retries of one payment each by themselves', () => {
    const retries = Array.from({ length: 200 }, (_, at) => occasion({ ordinal: at + 1 }));
    expect([...verdicts(occasions(200), 1).values()]).not.toEqual([...verdicts(occasions(200), 2).values()]);
    expect(new Set(verdicts(retries, 1).values())).toEqual(
      new Set(['lost_answer', 'reset_before', undefined]),
    );
  });

  it('comes as often as its rate says, the second rule from what the first left', () => {
    const kinds = [...verdicts(occasions(20_000), 7).values()];
    const part = (kind: string) => kinds.filter((one) => one === kind).length / kinds.length;
    expect(part('lost_answer')).toBeCloseTo(0.1, 1.5);
    expect(part('reset_before')).toBeCloseTo(0.45, 1.5);
  });

  it('of rate 0 never comes, and of rate 1 always', () => {
    const [never, always] = [rulesOf({ kind: 'hang', rate: 0 }), rulesOf({ kind: 'hang', rate: 1 })];
    expect(occasions(1000).some((one) => faultOf(never, one, 3) !== null)).toBe(false);
    expect(occasions(1000).every((one) => faultOf(always, one, 3) !== null)).toBe(true);
  });

  it('comes where the draw is below the rate, and not where it is the rate itself', () => {
    const drawn = chance('9/1/upload/P1/3');
    const at = (rate: number) => {
      const two = rulesOf({ kind: 'hang', rate: 0 }, { kind: 'garbage', rate });
      return faultOf(two, occasion({ ordinal: 3 }), 9)?.kind;
    };
    expect([at(drawn), at(drawn + 2 ** -32)]).toEqual([undefined, 'garbage']);
  });

  it('is the same in every version: a seed that was written down still names its faults', () => {
    expect(Math.round(chance('') * 2 ** 32)).toBe(2_872_998_923);
    expect(Math.round(chance('a') * 2 ** 32)).toBe(444_641_715);
  });

  it('is drawn evenly from [0, 1) even for texts that differ in one digit', () => {
    const tenths = Array<number>(10).fill(0);
    for (let at = 0; at < 20_000; at++) tenths[Math.floor(chance(`7/0/upload/P${at}/1`) * 10)]! += 1;
    expect(Math.min(...tenths)).toBeGreaterThan(1800);
    expect(Math.max(...tenths)).toBeLessThan(2200);
  });
});
