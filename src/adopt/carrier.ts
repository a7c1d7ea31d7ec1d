import { suggestCarriers } from '../shipment/carrier-aliases.ts';
import type { CarrierIds } from '../shipment/combinations.ts';

export type FoundCarrier =
  | { kind: 'carrier'; id: string }
  /** `suggested` are ids that the words may mean, when there are several. */
  | { kind: 'unknown'; words: string; suggested: readonly string[] };

type Words = { carrierKey: string | null; carrierName: string | null };

/**
 * WeChat's delivery_id for what the shop calls a carrier: the file's own map, then an id as it stands, then the codes and
 * names of other systems where they mean one carrier alone (wechat.md §5.1). The key counts before the name. Pure.
 */
export function findCarrier(
  { carrierKey, carrierName }: Words,
  own: Readonly<Record<string, string>>,
  carriers: CarrierIds,
): FoundCarrier {
  const words = [carrierKey, carrierName].filter((word) => word !== null);
  const mapped = words.map((word) => own[word]).find((id) => id !== undefined);
  if (mapped !== undefined)
    return carriers.has(mapped)
      ? found(mapped)
      : { kind: 'unknown', words: mapped, suggested: suggestCarriers(mapped, carriers) };
  const exact = words.find((word) => carriers.has(word));
  if (exact !== undefined) return found(exact);
  const meant = words.map((word) => suggestCarriers(word, carriers));
  const one = meant.find((ids) => ids.length === 1)?.[0];
  return one === undefined
    ? { kind: 'unknown', words: words.join(' / '), suggested: [...new Set(meant.flat())] }
    : found(one);
}

const found = (id: string): FoundCarrier => ({ kind: 'carrier', id });
