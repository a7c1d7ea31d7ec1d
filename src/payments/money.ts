import { moneyPlaces, type MoneyPlace } from '../../db/states.ts';

/** Payments that are alike; `unknown` of them have no amount that we know, and are no part of `fen`. */
export type Sum = { payments: number; unknown: number; fen: number };

export const dues = ['passed', 'hour', 'six_hours', 'day', 'later', 'not_known'] as const;
export type Due = (typeof dues)[number];

export type MoneyGroup = Sum & {
  place: MoneyPlace;
  /** When the money of what is shipped comes by itself, as a day of Beijing; null where nobody knows, and of all else. */
  settlesOn: string | null;
  /** Of what is not shipped in full: how far its 48 hours are. */
  due: Due | null;
};

/** A payment whose 48 hours have passed, or end within a day. */
export type DuePayment = {
  appid: string;
  payment: string;
  fen: number | null;
  paidAt: Date;
  place: MoneyPlace;
};

export type Money = {
  /** Every place, also where nothing is. */
  places: Record<MoneyPlace, Sum>;
  /** Of what is not shipped in full: past its 48 hours, within the next 1, 6 and 24 hours, and where the pay time is not known. */
  deadlines: Record<'passed' | 'in_1_hour' | 'in_6_hours' | 'in_24_hours' | 'not_known', Sum>;
  /** Of what is shipped, day by day; the last one with `day` null: nobody knows when. */
  settles: ({ day: string | null } & Sum)[];
  /** The dearest of what is due within a day or past it. */
  dearest: DuePayment[];
};

const nothing: Sum = { payments: 0, unknown: 0, fen: 0 };

export const sumOf = (groups: readonly Sum[]): Sum =>
  groups.reduce(
    (sum, one) => ({
      payments: sum.payments + one.payments,
      unknown: sum.unknown + one.unknown,
      fen: sum.fen + one.fen,
    }),
    nothing,
  );

/** The groups, added up for each question. "In 6 hours" holds what is due in one. Pure. */
export function summarize({
  groups,
  dearest,
}: {
  groups: readonly MoneyGroup[];
  dearest: readonly DuePayment[];
}): Money {
  const due = (...wanted: Due[]): Sum =>
    sumOf(groups.filter((group) => group.due !== null && wanted.includes(group.due)));
  const places = moneyPlaces.map((place) => [place, sumOf(groups.filter((group) => group.place === place))]);
  return {
    places: Object.fromEntries(places) as Record<MoneyPlace, Sum>,
    deadlines: {
      passed: due('passed'),
      in_1_hour: due('hour'),
      in_6_hours: due('hour', 'six_hours'),
      in_24_hours: due('hour', 'six_hours', 'day'),
      not_known: due('not_known'),
    },
    settles: settlesOf(groups.filter(({ place }) => place === 'shipped')),
    dearest: [...dearest],
  };
}

/** Sorts behind every day. */
const noDay = '~';

function settlesOf(shipped: readonly MoneyGroup[]): Money['settles'] {
  const byDay = Map.groupBy(shipped, ({ settlesOn }) => settlesOn ?? noDay);
  return [...byDay.keys()]
    .toSorted()
    .map((day) => ({ day: day === noDay ? null : day, ...sumOf(byDay.get(day) ?? []) }));
}
