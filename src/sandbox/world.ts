import { createHash } from 'node:crypto';
import { bundledCarriers } from '../shipment/carriers.ts';
import type { Upload } from './check.ts';
import type { Omission } from './omissions.ts';
import { applyUpload, type EffectKind, type ParcelMode, type Shipping } from './payment.ts';

/** One request that a payment saw. */
export type SeenUpload = {
  atMs: number;
  errcode: number;
  effect: EffectKind | null;
  uploadTimeMs: number;
  body: string;
};

type Snapshot = { atMs: number; shipping: Shipping | null; orderState: number };

export type Payment = {
  key: string;
  /** Null: any app's. */
  appid: string | null;
  transactionId: string;
  mchid: string;
  outTradeNo: string;
  openid: string | null;
  paidAtMs: number;
  visibleAtMs: number;
  orderState: number;
  shipping: Shipping | null;
  lastUploadTimeMs: number;
  /** Reads of this payment lag by so much; null: by what the rules say. */
  readLagMs: number | null;
  /** What get_order leaves out of its answers about this payment. */
  omits: readonly Omission[];
  reshipSpent: boolean;
  /** When its shipping became complete; what settles counts from here. */
  shippedAtMs: number | null;
  expectedSettlementAtMs: number | null;
  /** As WeChat sends it: 1 the buyer, 2 the clock (wechat.md §4). */
  confirmMethod: number | null;
  confirmedAtMs: number | null;
  settledAtMs: number | null;
  uploads: SeenUpload[];
  /** What reads have shown, oldest first: a lagging read shows an older one. */
  history: Snapshot[];
};

export type Effect = {
  payment: string;
  kind: EffectKind;
  atMs: number;
  uploadTimeMs: number;
  body: string;
  /** In WeChat's console, not by the API. */
  byHand: boolean;
};

/** What WeChat pushes of a payment, as it happens (wechat.md §4): its shipping is complete; its money is settled. */
export type WorldChange = { kind: 'shipped' | 'settled'; payment: Payment };

export type WorldRules = {
  parcelMode: ParcelMode;
  readLagMs: number;
  autoCreatePayments: boolean;
};

export type NewPayment = {
  transaction_id?: string | undefined;
  mchid?: string | undefined;
  out_trade_no?: string | undefined;
  appid?: string | undefined;
  openid?: string | undefined;
  visible_after_ms?: number | undefined;
  order_state?: number | undefined;
  read_lag_ms?: number | undefined;
  omits?: readonly Omission[] | undefined;
};

/** Where an upload comes from. */
type Origin = {
  appid: string;
  /** Kept as it came. */
  body: string;
  /** In WeChat's console. */
  byHand?: boolean;
  /** An edit in the console: the parcels replace those that are held, whatever the API does with them. */
  replaces?: boolean;
};

/** Everything that the sandbox's WeChat holds, in memory. */
export class World {
  readonly rules: WorldRules;
  /** Each payment once, by the name that it was first called by. */
  readonly payments = new Map<string, Payment>();
  /** The same payments by their transaction_id and by `mchid:out_trade_no`: one payment has both names (wechat.md §1.3). */
  readonly #named = new Map<string, Payment>();
  readonly effects: Effect[] = [];
  /** What get_delivery_list answers; entries may be anything. */
  carriers: readonly unknown[] = carriersAtStart();
  /** Hears of every change that WeChat would push; whoever settles a payment calls it. */
  onChange: (change: WorldChange) => void = () => undefined;

  constructor(rules: WorldRules) {
    this.rules = rules;
  }

  /** Creates a payment, or changes the named members of one that exists. */
  put(given: NewPayment, nowMs: number): Payment {
    const names = namesIn(given);
    const known = names.map((name) => this.#named.get(name)).find((one) => one !== undefined);
    const payment = known ?? newPayment(names[0] ?? '', given, nowMs);
    this.#name(payment, given);
    if (given.openid !== undefined) payment.openid = given.openid;
    if (given.read_lag_ms !== undefined) payment.readLagMs = given.read_lag_ms;
    if (given.omits !== undefined) payment.omits = given.omits;
    if (given.visible_after_ms !== undefined) payment.visibleAtMs = nowMs + given.visible_after_ms;
    if (given.order_state !== undefined) {
      payment.orderState = given.order_state;
      payment.history.push({ atMs: nowMs, shipping: payment.shipping, orderState: given.order_state });
    }
    this.payments.set(payment.key, payment);
    return payment;
  }

  /** The payment that has this name, whichever of its two it is. */
  named(name: string): Payment | undefined {
    return this.#named.get(name);
  }

  /** What a payment is called in records: both its names give the same; a name that is not known stands for itself. */
  keyOf(name: string): string {
    return this.#named.get(name)?.key ?? name;
  }

  #name(payment: Payment, { transaction_id: id, mchid, out_trade_no: trade }: NewPayment): void {
    payment.transactionId = id ?? payment.transactionId;
    payment.mchid = mchid ?? payment.mchid;
    payment.outTradeNo = trade ?? payment.outTradeNo;
    this.#named.set(payment.transactionId, payment);
    this.#named.set(`${payment.mchid}:${payment.outTradeNo}`, payment);
  }

  /** The payment as this app can see it now; undefined answers 10060001. */
  find(key: string, appid: string, nowMs: number): Payment | undefined {
    const known =
      this.#named.get(key) ??
      (this.rules.autoCreatePayments
        ? this.put(key.includes(':') ? merchantKey(key) : { transaction_id: key }, nowMs)
        : undefined);
    if (known === undefined || nowMs < known.visibleAtMs) return undefined;
    return known.appid === null || known.appid === appid ? known : undefined;
  }

  /** Takes an upload and answers its errcode. */
  upload(upload: Upload, from: Origin, nowMs: number): number {
    const payment = this.find(upload.payment, from.appid, nowMs);
    if (payment === undefined) {
      this.#see(
        this.#named.get(upload.payment),
        { upload, body: from.body, errcode: 10060001, effect: null },
        nowMs,
      );
      return 10060001;
    }
    const mode = from.replaces === true ? 'overwrite' : this.rules.parcelMode;
    const applied = applyUpload(payment, upload, { nowMs, mode });
    if (applied.kind === 'refused') {
      this.#see(payment, { upload, body: from.body, errcode: applied.errcode, effect: null }, nowMs);
      return applied.errcode;
    }
    const { shipping, effect } = applied;
    payment.shipping = shipping;
    if (from.replaces !== true) payment.lastUploadTimeMs = upload.uploadTimeMs;
    payment.reshipSpent ||= effect === 'reship';
    if (shipping.finished) {
      payment.orderState = 2;
      payment.shippedAtMs = nowMs;
      payment.expectedSettlementAtMs = nowMs + daysToSettle(shipping) * dayMs;
    }
    if (payment.history.length > 8) payment.history.splice(1, 1);
    payment.history.push({ atMs: nowMs, shipping, orderState: payment.orderState });
    this.effects.push({
      payment: payment.key,
      kind: effect,
      atMs: nowMs,
      uploadTimeMs: upload.uploadTimeMs,
      body: from.body,
      byHand: from.byHand ?? false,
    });
    this.#see(payment, { upload, body: from.body, errcode: 0, effect }, nowMs);
    if (shipping.finished) this.onChange({ kind: 'shipped', payment });
    return 0;
  }

  /** What a read shows at `nowMs`: the state of the lag ago. */
  view(payment: Payment, nowMs: number): Snapshot {
    const at = nowMs - (payment.readLagMs ?? this.rules.readLagMs);
    const seen = payment.history.filter((snapshot) => snapshot.atMs <= at).at(-1);
    return seen ?? { atMs: payment.paidAtMs, shipping: null, orderState: 1 };
  }

  reset(): void {
    this.payments.clear();
    this.#named.clear();
    this.effects.length = 0;
    this.carriers = carriersAtStart();
  }

  #see(
    payment: Payment | undefined,
    seen: { upload: Upload; body: string; errcode: number; effect: EffectKind | null },
    nowMs: number,
  ): void {
    payment?.uploads.push({
      atMs: nowMs,
      errcode: seen.errcode,
      effect: seen.effect,
      uploadTimeMs: seen.upload.uploadTimeMs,
      body: seen.body,
    });
  }
}

const dayMs = 86_400_000;
/** From the shipping to the money, where no buyer confirms (wechat.md §6.13). */
const daysToSettle = ({ logisticsType }: Shipping): number => (logisticsType === 1 ? 10 : 2);

const carriersAtStart = (): object[] =>
  [...bundledCarriers()].map(([id, name]) => ({ delivery_id: id, delivery_name: name }));

/** The transaction's name first: a payment that is made with both is called by it. */
const namesIn = ({ transaction_id: id, mchid, out_trade_no: trade }: NewPayment): string[] => [
  ...(id === undefined ? [] : [id]),
  ...(mchid === undefined || trade === undefined ? [] : [`${mchid}:${trade}`]),
];

/** 28 digits, another one for each name. */
const transactionIdFor = (name: string): string =>
  `42000${BigInt(`0x${createHash('sha256').update(name).digest('hex')}`)
    .toString()
    .slice(0, 23)}`;

function merchantKey(key: string): NewPayment {
  const [mchid = '', trade = ''] = key.split(':');
  return { mchid, out_trade_no: trade };
}

const newPayment = (key: string, given: NewPayment, nowMs: number): Payment => ({
  key,
  appid: given.appid ?? null,
  transactionId: given.transaction_id ?? transactionIdFor(key),
  mchid: given.mchid ?? '1900000001',
  outTradeNo: given.out_trade_no ?? `T${key}`,
  openid: null,
  paidAtMs: nowMs,
  visibleAtMs: nowMs,
  orderState: 1,
  shipping: null,
  lastUploadTimeMs: 0,
  readLagMs: null,
  omits: [],
  reshipSpent: false,
  shippedAtMs: null,
  expectedSettlementAtMs: null,
  confirmMethod: null,
  confirmedAtMs: null,
  settledAtMs: null,
  uploads: [],
  history: [],
});

/** Of everything but upload_time: what must stay the same over attempts. */
export const contentHash = (body: string): string =>
  createHash('sha256')
    .update(body.replace(/,?"upload_time":"[^"]*"/, ''))
    .digest('hex');
