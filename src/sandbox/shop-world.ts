import { createHash } from 'node:crypto';
import type { Payment } from './world.ts';

/** What WeChat holds of an app besides its payments: pages, reports, reminders, parcels that it follows. */
export type Receipt = { payment: string; atMs: number; receivedTime: number; body: string };
export type SpecialOrder = { payment: string; atMs: number; type: number; delayTo: number | null };
export type Parcel = {
  token: string;
  appid: string;
  trackingNo: string;
  phone: string;
  goods: string;
  queries: number;
};
/** A request that rid/get can show. */
export type KnownRequest = {
  appid: string;
  atMs: number;
  path: string;
  body: string;
  answer: string;
};

const keptRequests = 1_000;
const ridLifeMs = 7 * 86_400_000;
const clearsAMonth = 10;
const monthMs = 30 * 86_400_000;
const dayMs = 86_400_000;

export class ShopWorld {
  readonly jumpPaths = new Map<string, string>();
  readonly detailPaths = new Map<string, string>();
  readonly receipts: Receipt[] = [];
  readonly specialOrders: SpecialOrder[] = [];
  /** By app and tracking number. */
  readonly parcels = new Map<string, Parcel>();
  /** What query_trace answers of a number, one after the other; the last one stays. */
  readonly scripts = new Map<string, readonly number[]>();
  managed = true;
  completed = true;
  readonly #reminded = new Set<string>();
  readonly #requests = new Map<string, KnownRequest>();
  #clears: { appid: string; atMs: number }[] = [];

  /** One reminder a payment, express alone, when it is shipped; answers the errcode (wechat.md §1.5). */
  notify(payment: Payment, from: { receivedTime: number; body: string }, nowMs: number): number {
    const { shipping, orderState, key } = payment;
    if (orderState !== 2 || shipping?.finished !== true) return 10060028;
    if (shipping.logisticsType !== 1) return 10060032;
    if (this.#reminded.has(key)) return 10060030;
    const shippedAt = Math.min(...shipping.parcels.map(({ uploadedAtMs }) => uploadedAtMs));
    if (from.receivedTime * 1000 <= shippedAt) return 10060029;
    this.#reminded.add(key);
    this.receipts.push({ payment: key, atMs: nowMs, ...from });
    return 0;
  }

  /** Type 2 is taken as WeChat takes it: the record shows who gave a buyer the money back (wechat.md §1.6). */
  report(
    payment: Payment | undefined,
    order: { type: number; delayTo: number | null },
    nowMs: number,
  ): number {
    if (payment?.orderState !== 1) return 268546002;
    const days = ((order.delayTo ?? 0) * 1000 - payment.paidAtMs) / dayMs;
    if (order.type === 1 && (days <= 15 || days > 330)) return 268546001;
    this.specialOrders.push({ payment: payment.key, atMs: nowMs, ...order });
    return 0;
  }

  /** A second call for a number gives the first one's goods (wechat.md §10). */
  follow(parcel: Pick<Parcel, 'appid' | 'trackingNo' | 'phone' | 'goods'>): string {
    const name = `${parcel.appid}/${parcel.trackingNo}`;
    const token = createHash('sha256').update(name).digest('hex').slice(0, 32);
    if (!this.parcels.has(name)) this.parcels.set(name, { ...parcel, token, queries: 0 });
    return token;
  }

  /** The next of its script, or 1: collected. Undefined for a token that nobody was given. */
  query(appid: string, token: string): (Parcel & { status: number }) | undefined {
    const parcel = [...this.parcels.values()].find((one) => one.appid === appid && one.token === token);
    if (parcel === undefined) return undefined;
    const script = this.scripts.get(parcel.trackingNo) ?? [1];
    const status = script[Math.min(parcel.queries, script.length - 1)] ?? 1;
    parcel.queries += 1;
    return { ...parcel, status };
  }

  /** Ten a month: false when they are used up. */
  clearQuota(appid: string, nowMs: number): boolean {
    const recent = this.#clears.filter((clear) => clear.appid === appid && clear.atMs > nowMs - monthMs);
    if (recent.length >= clearsAMonth) return false;
    this.#clears.push({ appid, atMs: nowMs });
    return true;
  }

  keep(rid: string, request: KnownRequest): void {
    this.#requests.set(rid, request);
    const oldest = this.#requests.keys().next().value;
    if (this.#requests.size > keptRequests && oldest !== undefined) this.#requests.delete(oldest);
  }

  /** The request, or the code that WeChat answers instead. */
  request(rid: string, appid: string, nowMs: number): KnownRequest | number {
    const known = this.#requests.get(rid);
    if (known?.appid !== appid) return 76003;
    return nowMs - known.atMs > ridLifeMs ? 76001 : known;
  }

  reset(): void {
    this.receipts.length = 0;
    this.specialOrders.length = 0;
    this.jumpPaths.clear();
    this.detailPaths.clear();
    this.parcels.clear();
    this.scripts.clear();
    this.#reminded.clear();
    this.#requests.clear();
    this.#clears = [];
    this.managed = true;
    this.completed = true;
  }
}
