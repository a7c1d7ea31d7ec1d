/** An upload as WeChat would take it: every type and limit checked, nothing coerced (wechat.md §1.1, §6.5). */
export type Upload = {
  /** transaction_id, or `mchid:out_trade_no`. */
  payment: string;
  logisticsType: number;
  deliveryMode: number;
  allDelivered: boolean;
  parcels: Parcel[];
  uploadTimeMs: number;
  openid: string;
};

export type Parcel = { trackingNo: string; company: string; itemDesc: string; contact: string };

export type Checked =
  { kind: 'upload'; upload: Upload } | { kind: 'refused'; errcode: number; hint?: string };

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const bytes = (text: string): number => Buffer.byteLength(text);

const express = 1;
const unified = 1;
const split = 2;
const maxParcels = 15;
const maxIdBytes = 128;
const maxItemDesc = 120;
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)$/;

type Rule = (body: Json) => Refused | null;
type Refused = Extract<Checked, { kind: 'refused' }>;

const refused = (errcode: number, hint?: string): Refused =>
  hint === undefined ? { kind: 'refused', errcode } : { kind: 'refused', errcode, hint };
const badFormat = (field: string): Refused => refused(47001, field);
const rule =
  (holds: (body: Json) => boolean, otherwise: Refused): Rule =>
  (body) =>
    holds(body) ? null : otherwise;

const listOf = (body: Json): readonly unknown[] => body['shipping_list'] as unknown[];
const isTime = (value: unknown): boolean =>
  typeof value === 'string' && rfc3339.test(value) && !Number.isNaN(Date.parse(value));
const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';

/** In the order in which WeChat is seen to check. */
const rules: readonly Rule[] = [
  (body) => refusalOf(paymentIn(body['order_key'])),
  rule(
    (body) => typeof body['logistics_type'] === 'number' && body['logistics_type'] !== 0,
    badFormat('logistics_type'),
  ),
  rule((body) => [1, 2, 3, 4].includes(body['logistics_type'] as number), refused(10060005)),
  rule((body) => body['delivery_mode'] === unified || body['delivery_mode'] === split, refused(268485224)),
  rule((body) => body['delivery_mode'] === unified || body['logistics_type'] === express, refused(10060006)),
  rule(
    (body) => ['undefined', 'boolean'].includes(typeof body['is_all_delivered']),
    badFormat('is_all_delivered'),
  ),
  rule(
    (body) => body['delivery_mode'] === unified || body['is_all_delivered'] !== undefined,
    refused(10060007),
  ),
  rule((body) => Array.isArray(body['shipping_list']), badFormat('shipping_list')),
  rule((body) => listOf(body).length <= maxParcels, refused(10060024)),
  rule((body) => body['delivery_mode'] === split || listOf(body).length === 1, refused(268485228)),
  rule((body) => listOf(body).length > 0, badFormat('shipping_list')),
  (body) => firstRefusal(listOf(body).map((item) => brokenParcel(item, body['logistics_type'] === express))),
  rule(
    (body) =>
      isObject(body['payer']) &&
      typeof body['payer']['openid'] === 'string' &&
      body['payer']['openid'] !== '',
    badFormat('payer.openid'),
  ),
  rule((body) => isTime(body['upload_time']), refused(268485216)),
];

const firstRefusal = (found: readonly (Refused | null)[]): Refused | null =>
  found.find((one) => one !== null) ?? null;
const refusalOf = (found: string | Refused): Refused | null => (typeof found === 'string' ? null : found);

/** Refused with the first rule that the body breaks. */
export function checkUpload(body: unknown): Checked {
  if (!isObject(body)) return badFormat('body');
  for (const check of rules) {
    const found = check(body);
    if (found !== null) return found;
  }
  return { kind: 'upload', upload: uploadOf(body) };
}

/** Every member has passed its rule. */
function uploadOf(body: Json): Upload {
  return {
    payment: paymentIn(body['order_key']) as string,
    logisticsType: body['logistics_type'] as number,
    deliveryMode: body['delivery_mode'] as number,
    allDelivered: body['delivery_mode'] === unified || body['is_all_delivered'] === true,
    parcels: listOf(body).map((item) => parcelOf(item as Json)),
    uploadTimeMs: Date.parse(body['upload_time'] as string),
    openid: (body['payer'] as { openid: string }).openid,
  };
}

function paymentIn(key: unknown): string | Refused {
  if (!isObject(key)) return badFormat('order_key');
  const type = key['order_number_type'];
  if (typeof type !== 'number') return badFormat('order_number_type');
  if (type === 2) return textIn(key, 'transaction_id', 268485195);
  if (type !== 1) return refused(268485194);
  const mchid = textIn(key, 'mchid', 268485196);
  const trade = textIn(key, 'out_trade_no', 268485197);
  if (typeof mchid !== 'string') return mchid;
  return typeof trade === 'string' ? `${mchid}:${trade}` : trade;
}

function textIn(object: Json, name: string, whenEmpty: number): string | Refused {
  const value = object[name];
  if (value === undefined || value === '') return refused(whenEmpty);
  return typeof value === 'string' ? value : badFormat(name);
}

function brokenParcel(item: unknown, isExpress: boolean): Refused | null {
  if (!isObject(item)) return badFormat('shipping_list');
  if (![item['tracking_no'], item['express_company'], item['item_desc']].every(isText))
    return badFormat('shipping_list');
  if (item['contact'] !== undefined && !isContact(item['contact'])) return badFormat('contact');
  const parcel = parcelOf(item);
  const errcode = (isExpress ? brokenExpress(parcel) : null) ?? brokenText(parcel);
  return errcode === null ? null : refused(errcode);
}

const parcelOf = (item: Json): Parcel => ({
  trackingNo: (item['tracking_no'] as string | undefined) ?? '',
  company: (item['express_company'] as string | undefined) ?? '',
  itemDesc: (item['item_desc'] as string | undefined) ?? '',
  contact: phonesIn(item['contact']).every((phone) => phone === '') ? '' : JSON.stringify(item['contact']),
});

const phonesIn = (contact: unknown): unknown[] =>
  isObject(contact) ? [contact['consignor_contact'] ?? '', contact['receiver_contact'] ?? ''] : [];
const isContact = (contact: unknown): boolean => isObject(contact) && phonesIn(contact).every(isText);

function brokenExpress({ trackingNo, company, contact }: Parcel): number | null {
  if (trackingNo === '') return 268485226;
  if (company === '') return 268485227;
  if (bytes(company) > maxIdBytes) return 10060025;
  if (bytes(trackingNo) > maxIdBytes) return 10060026;
  return company === 'SF' && contact === '' ? 10060014 : null;
}

function brokenText({ itemDesc }: Parcel): number | null {
  if (itemDesc === '') return 10060008;
  return Array.from(itemDesc).length > maxItemDesc ? 10060009 : null;
}
