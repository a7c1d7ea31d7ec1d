import { createHash } from 'node:crypto';
import { bundledCarriers } from '../shipment/carriers.ts';
import type { Upload } from './check.ts';
import type { Omission } from './omissions.ts';
import { applyUpload, type EffectKind, type ParcelMode, type Shipping } from './payment.ts';
import { nextMove, receiptAfterMs, type Move, type Settlement } from './settlement.ts';

/** One request that a payment saw. */
export type SeenUpload = {
  atMs: number;
  errcode: number;
  effect: EffectKind | null;
  uploadTimeMs: number;
  body: string;
};

type Snapshot = { atMs: number; shipping: Shipping | null; orderState: number; inComplaint: boolean };

export type Payment = Settlement & {
  key: string;
  /** Null: any app's. */
  appid: string | null;
  transactionId: string;
  mchid: string;
  /** Empty where no service provider placed the payment. */
  subMchid: string;
  outTradeNo: string;
  openid: string | null;
  /** Fen. */
  paidAmount: number;
  paidAtMs: number;
  visibleAtMs: number;
  inComplaint: boolean;
  lastUploadTimeMs: number;
  /** Reads of this payment lag by so much; null: by what the rules say. */
  readLagMs: number | null;
  /** What get_order leaves out of its answers about this payment. */
  omits: readonly Omission[];
  reshipSpent: boolean;
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
  /** How long a day of WeChat's settlement clocks lasts; a day unless given. */
  dayMs?: number;
};

export type NewPayment = {
  transaction_id?: string | undefined;
  mchid?: string | undefined;
  out_trade_no?: string | undefined;
  appid?: string | undefined;
  openid?: string | undefined;
  sub_mchid?: string | undefined;
  /** Fen; without it an amount of the payment's own, the same at every start. */
  paid_amount?: number | undefined;
  /** Unix seconds; now without it. */
  pay_time?: number | undefined;
  in_complaint?: boolean | undefined;
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
  /** The same in the order of their making, which never changes: the cursor of a list is a place in it. */
  readonly order: Payment[] = [];
  /** The same payments by their transaction_id and by `mchid:out_trade_no`: one payment has both names (wechat.md §1.3). */
  readonly #named = new Map<string, Payment>();
  readonly effects: Effect[] = [];
  /** What get_delivery_list answers; entries may be anything. */
  carriers: readonly unknown[] = carriersAtStart();
  /** Hears of every change that WeChat would push, when a call or {@link World.advanceAll} makes it. */
  onChange: (change: WorldChange) => void = () => undefined;

  constructor(rules: WorldRules) {
    this.rules = rules;
  }

  get #dayMs(): number {
    return this.rules.dayMs ?? dayMs;
  }

  /** Creates a payment, or changes the named members of one that exists. */
  put(given: NewPayment, nowMs: number): Payment {
    const names = namesIn(given);
    const known = names.map((name) => this.#named.get(name)).find((one) => one !== undefined);
    const payment = known ?? newPayment(names[0] ?? '', given, nowMs);
    if (known === undefined) this.order.push(payment);
    this.#name(payment, given);
    Object.assign(payment, changesIn(given, nowMs));
    if (given.order_state !== undefined || given.in_complaint !== undefined) this.#snap(payment, nowMs);
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

  #name(
    payment: Payment,
    { transaction_id: id, mchid, sub_mchid: sub, out_trade_no: trade }: NewPayment,
  ): void {
    payment.transactionId = id ?? payment.transactionId;
    payment.mchid = mchid ?? payment.mchid;
    payment.subMchid = sub ?? payment.subMchid;
    payment.outTradeNo = trade ?? payment.outTradeNo;
    this.#named.set(payment.transactionId, payment);
    for (const merchant of [payment.mchid, payment.subMchid])
      if (merchant !== '') this.#named.set(`${merchant}:${payment.outTradeNo}`, payment);
  }

  #snap(payment: Payment, atMs: number): void {
    const { shipping, orderState, inComplaint } = payment;
    if (payment.history.length > 8) payment.history.splice(1, 1);
    payment.history.push({ atMs, shipping, orderState, inComplaint });
  }

  /** What WeChat's clocks have done to a payment by now: automatic receipt, settlement, the state of a refund. */
  advance(payment: Payment, nowMs: number): void {
    for (;;) {
      const next = nextMove(payment, this.#dayMs);
      if (next === null || next.atMs > nowMs) return;
      this.#move(payment, next);
    }
  }

  /** The same of every payment. */
  advanceAll(nowMs: number): void {
    for (const payment of this.order) this.advance(payment, nowMs);
  }

  #move(payment: Payment, { atMs, ...settlement }: Move): void {
    Object.assign(payment, settlement);
    this.#snap(payment, atMs);
    if (settlement.settledAtMs !== undefined) this.onChange({ kind: 'settled', payment });
  }

  /** The buyer confirms the receipt; the errcode. */
  confirm(payment: Payment, nowMs: number): number {
    this.advance(payment, nowMs);
    if (payment.orderState !== 2) return 10060028;
    this.#move(payment, { atMs: nowMs, orderState: 3, confirmedAtMs: nowMs, confirmMethod: byBuyer });
    return 0;
  }

  /** The shop gives the money back: what WeChat shows changes a day later (wechat.md §6.13). */
  refund(payment: Payment, nowMs: number): void {
    this.advance(payment, nowMs);
    payment.refundedAtMs ??= nowMs;
  }

  /** The payment as this app can see it now; undefined answers 10060001. */
  find(key: string, appid: string, nowMs: number): Payment | undefined {
    const known =
      this.#named.get(key) ??
      (this.rules.autoCreatePayments
        ? this.put(key.includes(':') ? merchantKey(key) : { transaction_id: key }, nowMs)
        : undefined);
    if (known === undefined || nowMs < known.visibleAtMs) return undefined;
    this.advance(known, nowMs);
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
      payment.expectedSettlementAtMs = nowMs + receiptAfterMs(shipping.logisticsType, this.#dayMs);
    }
    this.#snap(payment, nowMs);
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
    return seen ?? { atMs: payment.paidAtMs, shipping: null, orderState: 1, inComplaint: false };
  }

  reset(): void {
    this.payments.clear();
    this.order.length = 0;
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

const carriersAtStart = (): object[] =>
  [...bundledCarriers()].map(([id, name]) => ({ delivery_id: id, delivery_name: name }));

/** The transaction's name first: a payment that is made with both is called by it. */
const namesIn = ({ transaction_id: id, mchid, out_trade_no: trade }: NewPayment): string[] => [
  ...(id === undefined ? [] : [id]),
  ...(mchid === undefined || trade === undefined ? [] : [`${mchid}:${trade}`]),
];

const dayMs = 86_400_000;
/** As it is observed, the reverse of the documents (wechat.md §4). */
const byBuyer = 1;

/** 1.00 to 999.99 yuan, another one for most names. */
const amountFor = (name: string): number =>
  100 + (createHash('sha256').update(name).digest().readUInt32BE() % 99_900);

/** The members that are named, as a payment has them. */
const changesIn = (given: NewPayment, nowMs: number): Partial<Payment> =>
  Object.fromEntries(
    Object.entries({
      paidAmount: given.paid_amount,
      paidAtMs: given.pay_time === undefined ? undefined : given.pay_time * 1000,
      openid: given.openid,
      readLagMs: given.read_lag_ms,
      omits: given.omits,
      visibleAtMs: given.visible_after_ms === undefined ? undefined : nowMs + given.visible_after_ms,
      orderState: given.order_state,
      inComplaint: given.in_complaint,
    }).filter(([, value]) => value !== undefined),
  );

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
  subMchid: '',
  outTradeNo: given.out_trade_no ?? `T${key}`,
  openid: null,
  paidAmount: amountFor(key),
  paidAtMs: nowMs,
  visibleAtMs: nowMs,
  inComplaint: false,
  orderState: 1,
  shipping: null,
  shippedAtMs: null,
  expectedSettlementAtMs: null,
  confirmedAtMs: null,
  confirmMethod: null,
  settledAtMs: null,
  refundedAtMs: null,
  lastUploadTimeMs: 0,
  readLagMs: null,
  omits: [],
  reshipSpent: false,
  uploads: [],
  history: [],
});

/** Of everything but upload_time: what must stay the same over attempts. */
export const contentHash = (body: string): string =>
  createHash('sha256')
    .update(body.replace(/,?"upload_time":"[^"]*"/, ''))
    .digest('hex');
