import { suggestCarriers, type AliasLookup } from './carrier-aliases.ts';
import type { Parcel, Shipment } from './events.ts';
import { show, type Problem } from './problems.ts';

/** Carrier ids of `get_delivery_list`, exact and case-sensitive; with words for them where the list has its own. */
export type CarrierIds = Pick<ReadonlyMap<string, string>, 'has'> & AliasLookup;

const EXPRESS = 1;
const UNIFIED = 1;
const SPLIT = 2;

const carrierRule = (company: string | undefined, carriers: CarrierIds): string => {
  const suggested = company === undefined ? [] : suggestCarriers(company, carriers);
  const remedy =
    suggested.length === 0
      ? 'send OTHER for a carrier that is not listed'
      : `send ${suggested.map((id) => JSON.stringify(id)).join(' or ')}`;
  return `must be a delivery_id of get_delivery_list, case-sensitive: ${remedy}`;
};

function expressProblems(item: Parcel, at: string, carriers: CarrierIds): Problem[] {
  const problems: Problem[] = [];
  if (item.tracking_no === undefined)
    problems.push({
      field: `${at}.tracking_no`,
      value: 'missing',
      rule: 'is required for logistics_type 1: give the number of the parcel',
    });
  if (item.express_company === undefined || !carriers.has(item.express_company))
    problems.push({
      field: `${at}.express_company`,
      value: show(item.express_company),
      rule: carrierRule(item.express_company, carriers),
    });
  if (item.express_company === 'SF' && item.contact === undefined)
    problems.push({
      field: `${at}.contact`,
      value: show(item.contact),
      rule: 'is required for SF: give receiver_contact or consignor_contact, masked like 138****1234',
    });
  return problems;
}

function unshippedProblems(item: Parcel, at: string): Problem[] {
  return (['tracking_no', 'express_company', 'contact'] as const)
    .filter((member) => item[member] !== undefined)
    .map((member) => ({
      field: `${at}.${member}`,
      value: show(item[member]),
      rule: 'belongs to logistics_type 1 only: remove it',
    }));
}

function modeProblems(data: Shipment): Problem[] {
  const problems: Problem[] = [];
  if (data.delivery_mode === SPLIT && data.logistics_type !== EXPRESS)
    problems.push({
      field: 'data.delivery_mode',
      value: '2',
      rule: 'split delivery is for logistics_type 1 only: send 1',
    });
  if (data.delivery_mode === UNIFIED && data.shipping_list.length !== 1)
    problems.push({
      field: 'data.shipping_list',
      value: `${data.shipping_list.length} parcels`,
      rule: 'unified delivery has exactly one parcel: use delivery_mode 2',
    });
  if (data.delivery_mode === SPLIT && data.is_all_delivered === undefined)
    problems.push({
      field: 'data.is_all_delivered',
      value: 'missing',
      rule: 'is required for delivery_mode 2: send true with the last parcels, else false',
    });
  return problems;
}

function duplicateProblems(data: Shipment): Problem[] {
  const seen = new Set<string>();
  return data.shipping_list.flatMap((item, index) => {
    const key = `${item.express_company ?? ''}\n${item.tracking_no ?? ''}`;
    if (item.tracking_no === undefined || !seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [
      {
        field: `data.shipping_list[${index}].tracking_no`,
        value: show(item.tracking_no),
        rule: 'stands twice: list each parcel once',
      },
    ];
  });
}

/** Rules that span members: mode and type, carrier, SF's contact, parcels listed twice (wechat.md §1.1, §5). Pure. */
export function combinationProblems(data: Shipment, carriers: CarrierIds): Problem[] {
  const perParcel = data.shipping_list.flatMap((item, index) => {
    const at = `data.shipping_list[${index}]`;
    return data.logistics_type === EXPRESS
      ? expressProblems(item, at, carriers)
      : unshippedProblems(item, at);
  });
  return [...modeProblems(data), ...perParcel, ...duplicateProblems(data)];
}
