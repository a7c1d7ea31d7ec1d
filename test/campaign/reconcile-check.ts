import type { Pool } from '../../db/client.ts';
import type { Money } from '../../src/payments/money.ts';

/** One payment as the sandbox has it: GET /_sandbox/payments. */
export type Truth = {
  key: string;
  transactionId: string;
  paidAmount: number;
  paidAtMs: number;
  orderState: number;
  inComplaint: boolean;
  shippedAtMs: number | null;
  settledAtMs: number | null;
  finish_shipping_count: number;
  shipping: { logisticsType: number } | null;
};

type Row = {
  id: string;
  amount: number | null;
  paid: number | null;
  state: number | null;
  complaint: boolean | null;
  count: number | null;
  type: number | null;
  shipped: number | null;
};

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** Which payments the database has otherwise than the sandbox, and how, a line each. */
export async function differences(pool: Pool, truths: readonly Truth[]): Promise<string[]> {
  const { rows } = await pool.query<Row>(
    `select transaction_id as id, amount_fen as amount, extract(epoch from paid_at)::int as paid, order_state as state,
       in_complaint as complaint, finish_count as count, logistics_type as type, extract(epoch from shipped_at)::int as shipped
     from fahuo.payment`,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const wrong = truths.flatMap((truth) => {
    const { id: _id, ...held } = byId.get(truth.transactionId) ?? { id: '' };
    const wanted = {
      amount: truth.paidAmount,
      paid: seconds(truth.paidAtMs),
      state: truth.orderState,
      complaint: truth.inComplaint,
      count: truth.shipping === null ? null : truth.finish_shipping_count,
      type: truth.shipping?.logisticsType ?? null,
      shipped: truth.shippedAtMs === null ? null : seconds(truth.shippedAtMs),
    };
    return JSON.stringify(held) === JSON.stringify(wanted)
      ? []
      : [`${truth.transactionId}: ${JSON.stringify(held)} and not ${JSON.stringify(wanted)}`];
  });
  const known = new Set(truths.map(({ transactionId }) => transactionId));
  return [...wrong, ...rows.filter(({ id }) => !known.has(id)).map(({ id }) => `${id}: is no payment`)];
}

/** Payments whose time of settlement is on record, which pushes alone tell, and is not the sandbox's. */
export async function wrongSettlements(pool: Pool, truths: readonly Truth[]): Promise<number> {
  const { rows } = await pool.query<{ id: string; settled: number }>(
    `select transaction_id as id, extract(epoch from settled_at)::int as settled from fahuo.payment where settled_at is not null`,
  );
  const byId = new Map(truths.map((truth) => [truth.transactionId, truth]));
  return rows.filter(({ id, settled }) => seconds(byId.get(id)?.settledAtMs ?? 0) !== settled).length;
}

const dayMs = 86_400_000;
const beijing = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai', dateStyle: 'short' });
const placeOf: Readonly<Record<number, keyof Money['places']>> = {
  1: 'no_event',
  2: 'shipped',
  3: 'confirmed',
  6: 'confirmed',
  4: 'settled',
  5: 'refunded',
};

/** The answers of `fahuo money`, computed from the sandbox's own record where every event was sent. */
export function moneyOf(
  truths: readonly Truth[],
  now: Date,
): Pick<Money, 'places' | 'deadlines' | 'settles'> {
  const sum = (of: readonly Truth[]) => ({
    payments: of.length,
    unknown: 0,
    fen: of.reduce((fen, { paidAmount }) => fen + paidAmount, 0),
  });
  const at = (place: string) => truths.filter(({ orderState }) => placeOf[orderState] === place);
  const leftMs = ({ paidAtMs }: Truth): number => paidAtMs + 2 * dayMs - now.getTime();
  const due = (fromMs: number, toMs: number) =>
    sum(at('no_event').filter((truth) => leftMs(truth) > fromMs && leftMs(truth) <= toMs));
  const dayOf = ({ shippedAtMs, shipping }: Truth): string =>
    beijing.format(seconds(shippedAtMs ?? 0) * 1000 + (shipping?.logisticsType === 1 ? 10 : 2) * dayMs);
  const places = ['no_event', 'in_outbox', 'waiting', 'parked', 'conflict', 'refused', 'part_shipped'];
  const settling = Map.groupBy(at('shipped'), dayOf);
  return {
    places: Object.fromEntries(
      [...places, 'shipped', 'confirmed', 'settled', 'refunded'].map((place) => [place, sum(at(place))]),
    ) as Money['places'],
    deadlines: {
      passed: due(-Infinity, 0),
      in_1_hour: due(0, dayMs / 24),
      in_6_hours: due(0, dayMs / 4),
      in_24_hours: due(0, dayMs),
      not_known: sum([]),
    },
    settles: [...settling.keys()].toSorted().map((day) => ({ day, ...sum(settling.get(day) ?? []) })),
  };
}
