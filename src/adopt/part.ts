import { merchantPayment } from '../shipment/payment.ts';
import type { AdoptFile } from './file.ts';
import type { Key, RawPart } from './shop.ts';

export const partStates = ['open', 'shipped', 'void'] as const;
export type PartState = (typeof partStates)[number];

/** The smallest thing that a payment is shipped in: an order, a package, a leaf of a split order. */
export type Part = {
  /** Names it within the shop. */
  name: string;
  keys: readonly Key[];
  appid: string;
  /** `transaction_id`, or `mchid:out_trade_no`; null where the shop knows neither yet. */
  payment: string | null;
  /** The other name of the same payment, where the shop knows both. */
  otherPayment: string | null;
  openid: string | null;
  /** Why WeChat has no part in it: balance, another channel, unpaid. */
  skip: string | null;
  state: PartState;
  logisticsType: number;
  trackingNo: string | null;
  carrierKey: string | null;
  carrierName: string | null;
  receiverPhone: string | null;
  itemDesc: string | null;
  /** Why a backfill leaves it out. */
  noBackfill: string | null;
};

export type ReadPart =
  { kind: 'part'; part: Part } | { kind: 'unreadable'; keys: readonly Key[]; problem: string };

/** Columns of the parts query, beside one for each kind of key. */
export const partColumns = [
  'part',
  'appid',
  'transaction_id',
  'mchid',
  'out_trade_no',
  'openid',
  'skip',
  'state',
  'logistics_type',
  'tracking_no',
  'carrier_key',
  'carrier_name',
  'receiver_phone',
  'item_desc',
  'no_backfill',
] as const;
export const neededColumns: readonly string[] = ['state', 'logistics_type', 'item_desc', 'openid'];

type Given = Pick<AdoptFile, 'kinds' | 'appid' | 'mchid'>;
type Of = (column: string) => string | null;

/** Reads one row of the parts query. An empty text is missing. Pure. */
export function readPart(row: RawPart, file: Given): ReadPart {
  const of: Of = (column) => {
    const text = row[column]?.trim() ?? '';
    return text === '' ? null : text;
  };
  const keys = file.kinds.flatMap((kind) => {
    const ref = of(kind);
    return ref === null ? [] : [{ kind, ref }];
  });
  const problem = problemOf(of, keys, file);
  return problem === null
    ? { kind: 'part', part: partOf(of, keys, file) }
    : { kind: 'unreadable', keys, problem };
}

/** Why a row can be no part; null where it can. */
function problemOf(of: Of, keys: readonly Key[], { kinds, appid }: Given): string | null {
  const [state, type] = [of('state'), of('logistics_type')];
  if (keys.length === 0)
    return `a row of the parts query names no order: one of ${kinds.join(', ')} must not be null`;
  if (!isState(state)) return `state ${quoted(state)} must be one of ${partStates.join(', ')}`;
  if (![1, 2, 3, 4].includes(Number(type ?? Number.NaN)))
    return `logistics_type ${quoted(type)} must be 1 express, 2 same-city, 3 virtual or 4 pick-up`;
  return (of('appid') ?? appid ?? of('skip')) === null
    ? 'appid is missing: let the parts query give it, or name it once in the file'
    : null;
}

function partOf(of: Of, keys: readonly Key[], file: Given): Part {
  const names = paymentNames({
    transaction: of('transaction_id'),
    mchid: of('mchid') ?? file.mchid ?? null,
    trade: of('out_trade_no'),
  });
  return {
    name:
      of('part') ??
      keys
        .slice(0, 1)
        .map(({ kind, ref }) => `${kind}:${ref}`)
        .join(''),
    keys,
    appid: of('appid') ?? file.appid ?? '',
    payment: names[0] ?? null,
    otherPayment: names[1] ?? null,
    openid: of('openid'),
    skip: of('skip'),
    state: of('state') as PartState,
    logisticsType: Number(of('logistics_type')),
    trackingNo: of('tracking_no'),
    carrierKey: of('carrier_key'),
    carrierName: of('carrier_name'),
    receiverPhone: of('receiver_phone'),
    itemDesc: of('item_desc'),
    noBackfill: of('no_backfill'),
  };
}

type Numbers = { transaction: string | null; mchid: string | null; trade: string | null };

/** WeChat's own number first. */
const paymentNames = ({ transaction, mchid, trade }: Numbers): string[] => [
  ...(transaction === null ? [] : [transaction]),
  ...(mchid === null || trade === null ? [] : [merchantPayment(mchid, trade)]),
];

const isState = (text: string | null): text is PartState =>
  (partStates as readonly (string | null)[]).includes(text);
const quoted = (text: string | null): string => (text === null ? 'is missing, and' : `"${text}"`);
