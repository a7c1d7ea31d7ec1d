import { describe, expect, it } from 'vitest';
import { moneyPlaces, type MoneyPlace } from '../../../db/states.ts';
import { listedLines, moneyLines } from '../../../src/cli/commands/money-report.ts';
import { yuanOf } from '../../../src/cli/yuan.ts';
import { summarize } from '../../../src/payments/money.ts';

const now = new Date('2026-11-30T12:00:00Z');
const hourMs = 3_600_000;

describe('what an owner reads', () => {
  it('is yuan, and apart from them what has no amount', () => {
    const group = {
      place: 'no_event',
      settlesOn: null,
      due: 'not_known',
      payments: 3,
      unknown: 1,
      fen: 1_234_560,
    } as const;
    const text = moneyLines(summarize({ groups: [group], dearest: [] }), now).join('\n');
    expect(text).toMatch(/to ship, no event yet +3 +12,345\.60 +1\n/);
    expect(text).toMatch(/pay time not known +3 +12,345\.60 +1/);
    expect(text).not.toContain('settles by itself');
    expect(text).not.toContain('dearest');
  });

  it('is how long is left for each of the dearest, or since when it has passed', () => {
    const due = (payment: string, hours: number, fen: number | null) =>
      ({
        appid: 'wx',
        payment,
        fen,
        paidAt: new Date(now.getTime() - hours * hourMs),
        place: 'conflict',
      }) as const;
    const text = moneyLines(
      summarize({ groups: [], dearest: [due('a', 47, 100), due('b', 50, null)] }),
      now,
    ).join('\n');
    expect(text).toMatch(/a +1\.00 +conflict +1h/);
    expect(text).toMatch(/b +not known +conflict +2h ago/);
  });
});

describe('all that is to ship', () => {
  const of = (place: MoneyPlace, fen: number) =>
    ({ place, settlesOn: null, due: null, payments: 1, unknown: 0, fen }) as const;

  it('is every place before a shipping in full, and none after it', () => {
    const groups = moneyPlaces.map((place, index) => of(place, 100 * 2 ** index));
    const text = moneyLines(summarize({ groups, dearest: [] }), now).join('\n');
    expect(text).toMatch(/all that is to ship +7 +127\.00/);
    expect(text.indexOf('shipped in part')).toBeLessThan(text.indexOf('all that is to ship'));
    expect(text.indexOf('all that is to ship')).toBeLessThan(text.indexOf('shipped, not confirmed'));
  });
});

describe("the age of WeChat's list", () => {
  it('is said of each app, for what is to ship and for all states', () => {
    const listed = { appid: 'wx1', recent: new Date(now.getTime() - 2 * 60_000), whole: null };
    expect(listedLines([listed], now)[0]).toMatch(/\nwx1 +2m ago +never/);
  });

  it('is said where nobody has read it', () => {
    expect(listedLines([], now)[0]).toContain('never listed');
  });
});

it.each([
  [0, '0.00'],
  [5, '0.05'],
  [12_345, '123.45'],
  [100_000_000, '1,000,000.00'],
  [-150, '-1.50'],
])('%i fen are %s yuan', (fen, yuan) => {
  expect(yuanOf(fen)).toBe(yuan);
});
