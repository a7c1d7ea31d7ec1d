import { contentOf } from './content.ts';

/**
 * The body of a later part for an app that takes new parcels alone (wechat.md §6.9 leaves open which WeChat wants; the
 * default sends all parcels so far, which is right where WeChat overwrites or merges by number). Leaves out the parcels
 * of the bodies that WeChat acknowledged; when none is left, the last one goes again, since the list may not be empty
 * and `is_all_delivered` has to be said. Pure.
 */
export function deltaOf(body: string, acknowledged: readonly string[]): string {
  const content = contentOf(body);
  const acknowledgedParcels = new Set(
    acknowledged.flatMap((earlier) => contentOf(earlier).shipping_list.map(keyOf)),
  );
  const fresh = content.shipping_list.filter((parcel) => !acknowledgedParcels.has(keyOf(parcel)));
  if (fresh.length === content.shipping_list.length) return body;
  return JSON.stringify({
    ...content,
    shipping_list: fresh.length > 0 ? fresh : content.shipping_list.slice(-1),
  });
}

const keyOf = (parcel: object): string => JSON.stringify(parcel);
