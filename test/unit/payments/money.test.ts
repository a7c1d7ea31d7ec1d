import { describe, expect, it } from 'vitest';
import { moneyPlaces } from '../../../db/states.ts';
import { summarize, type MoneyGroup } from '../../../src/payments/money.ts';

const group = (change: Partial<MoneyGroup>): MoneyGroup => ({
  ...{ place: 'no_event', settlesOn: null, due: null, payments: 1, unknown: 0, fen: 100 },
  ...change,
});
const sum = (payments: number, fen: number, unknown = 0) => ({ payments, unknown, fen });
const of = (...groups: MoneyGroup[]) => summarize({ groups, dearest: [] });

describe('the summary of money', () => {
  it('has every place, also those where nothing is', () => {
    const { places, deadlines, settles } = of();
    expect(Object.keys(places)).toEqual(moneyPlaces);
    expect(new Set(Object.values(places).map((one) => JSON.stringify(one)))).toEqual(
      new Set([JSON.stringify(sum(0, 0))]),
    );
    expect(Object.values(deadlines)).toEqual(Array.from({ length: 5 }, () => sum(0, 0)));
    expect(settles).toEqual([]);
  });

  it('adds up what is in one place, and counts apart what has no amount', () => {
    const { places } = of(
      group({ due: 'later' }),
      group({ due: 'day', payments: 3, unknown: 2, fen: 7 }),
      group({ place: 'settled' }),
    );
    expect(places.no_event).toEqual(sum(4, 107, 2));
    expect(places.settled).toEqual(sum(1, 100));
  });

  it('counts into the next 6 and 24 hours what is due before, and never what has passed', () => {
    const { deadlines } = of(
      group({ due: 'passed', fen: 1 }),
      group({ due: 'hour', fen: 10 }),
      group({ due: 'six_hours', fen: 100 }),
      group({ due: 'day', fen: 1_000 }),
      group({ due: 'later', fen: 10_000 }),
      group({ due: 'not_known', fen: 100_000 }),
    );
    expect(deadlines).toEqual({
      passed: sum(1, 1),
      in_1_hour: sum(1, 10),
      in_6_hours: sum(2, 110),
      in_24_hours: sum(3, 1_110),
      not_known: sum(1, 100_000),
    });
  });

  it('settles what is shipped day by day, and last what nobody knows the day of', () => {
    const shipped = (settlesOn: string | null, fen: number) => group({ place: 'shipped', settlesOn, fen });
    const { settles } = of(
      shipped(null, 1),
      shipped('2026-12-10', 2),
      shipped('2026-12-09', 4),
      shipped('2026-12-10', 8),
      group({}),
    );
    expect(settles).toEqual([
      { day: '2026-12-09', ...sum(1, 4) },
      { day: '2026-12-10', ...sum(2, 10) },
      { day: null, ...sum(1, 1) },
    ]);
  });
});
