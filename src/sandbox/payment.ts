import type { Parcel, Upload } from './check.ts';

/** What WeChat holds of a payment's shipping. */
export type Shipping = {
  deliveryMode: number;
  logisticsType: number;
  parcels: readonly (Parcel & { uploadedAtMs: number })[];
  finished: boolean;
  /** 0 not finished, 1 finished, 2 re-shipped. */
  finishCount: number;
};

export type ParcelMode = 'merge' | 'overwrite' | 'append';

/** What an upload did: `ship` the first, `add` more to an unfinished one, `reship` spent the chance. */
export type EffectKind = 'ship' | 'add' | 'reship';

export type Applied =
  { kind: 'refused'; errcode: number } | { kind: 'applied'; effect: EffectKind; shipping: Shipping };

/** What decides besides the upload. `orderState`: 1 to ship, 2 shipped, 3 confirmed, 4 complete, 5 refunded, 6 awaiting. */
export type PaymentState = {
  shipping: Shipping | null;
  orderState: number;
  openid: string | null;
  lastUploadTimeMs: number;
  reshipSpent: boolean;
};

const maxParcels = 15;

/**
 * One upload against one payment, as wechat.md §1.1, §6.2, §6.3 and §6.6 have it. Pure.
 * An upload that brings nothing new answers 10060023 and moves nothing, its time included.
 */
export function applyUpload(
  before: PaymentState,
  upload: Upload,
  at: { nowMs: number; mode: ParcelMode },
): Applied {
  const refused = refusalOf(before, upload);
  if (refused !== null) return { kind: 'refused', errcode: refused };
  const { shipping } = before;
  if (shipping === null) return fits(start(upload, at.nowMs), 'ship');
  const next = { ...start(upload, at.nowMs), parcels: parcelsAfter(shipping, upload, at) };
  if (isSame(shipping, next)) return { kind: 'refused', errcode: 10060023 };
  const changesKind =
    shipping.deliveryMode !== next.deliveryMode || shipping.logisticsType !== next.logisticsType;
  if (!shipping.finished && !changesKind) return fits(next, 'add');
  if (before.reshipSpent) return { kind: 'refused', errcode: 10060003 };
  return fits({ ...start(upload, at.nowMs), finished: true, finishCount: 2 }, 'reship');
}

function refusalOf(before: PaymentState, upload: Upload): number | null {
  if (before.openid !== null && before.openid !== upload.openid) return 10060031;
  if (before.orderState > 2) return 10060004;
  return upload.uploadTimeMs <= before.lastUploadTimeMs ? 268485216 : null;
}

const fits = (shipping: Shipping, effect: EffectKind): Applied =>
  shipping.parcels.length > maxParcels
    ? { kind: 'refused', errcode: 10060024 }
    : { kind: 'applied', effect, shipping };

const start = (upload: Upload, nowMs: number): Shipping => ({
  deliveryMode: upload.deliveryMode,
  logisticsType: upload.logisticsType,
  parcels: upload.parcels.map((parcel) => ({ ...parcel, uploadedAtMs: nowMs })),
  finished: upload.allDelivered,
  finishCount: upload.allDelivered ? 1 : 0,
});

/** Merging is by tracking number: the same number replaces, another is added (wechat.md §6.9, unproven). */
function parcelsAfter(
  { parcels }: Shipping,
  upload: Upload,
  { nowMs, mode }: { nowMs: number; mode: ParcelMode },
): Shipping['parcels'] {
  const fresh = start(upload, nowMs).parcels;
  if (mode === 'overwrite' || upload.deliveryMode === 1) return fresh;
  if (mode === 'append') return [...parcels, ...fresh];
  const kept = parcels.filter((old) => !fresh.some((parcel) => parcel.trackingNo === old.trackingNo));
  return [...kept, ...fresh];
}

const isSame = (before: Shipping, next: Shipping): boolean =>
  before.deliveryMode === next.deliveryMode &&
  before.logisticsType === next.logisticsType &&
  before.finished === next.finished &&
  contentOf(before) === contentOf(next);

const contentOf = ({ parcels }: Shipping): string =>
  parcels
    .map((parcel) => JSON.stringify([parcel.trackingNo, parcel.company, parcel.itemDesc, parcel.contact]))
    .sort()
    .join();
