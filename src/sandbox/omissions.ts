/**
 * What users saw get_order leave out (wechat.md §10). `finish`: the two members that say whether all is shipped.
 * `shipping_list`: no such member, and `empty_list`: `[]`; the texts then stand at the level of `shipping`.
 * `item_texts`: parcels without `goods_desc`. `contact`: parcels without it. `shipping`: `{}`.
 */
export const omissions = [
  'finish',
  'shipping_list',
  'empty_list',
  'item_texts',
  'contact',
  'shipping',
] as const;
export type Omission = (typeof omissions)[number];
